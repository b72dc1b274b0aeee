"""A column of one value per text, which is the same whichever model scored it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside, Need, Views
from vestige.attacks.needs.view import in_words, view_assumes
from vestige.errors import DataError
from vestige.records import Floats, View

_TARGET: Final = View("target")


@final
@dataclass(frozen=True)
class TextColumn(Need[Floats]):
    """One per-text column of one form of the texts: `zlib_bytes`, `n_bytes`, `n_tokens` (see `TokenStats`)."""

    name: str
    view: View = _TARGET

    def of(self, views: Views, values: Mapping[Beside[Any], Any]) -> Floats:
        """The column, shape (texts,), float64, from any view of this form of the texts."""
        for view, table in views.items():
            if view.form == self.view.form and self.name in table.texts:
                return table.texts[self.name].astype("float64")
        there = ", ".join(map(in_words, views))
        raise DataError(f"no view of the text {self.view.form.name!r} has the column {self.name!r}; there are {there}")

    @property
    def views(self) -> tuple[View, ...]:
        return (self.view,)

    @property
    def assumes(self) -> Assumes:
        return replace(view_assumes(self.view), texts=True)

    def on_base(self) -> TextColumn:
        return replace(self, view=replace(self.view, model="base"))


ZLIB_BYTES: Final = TextColumn("zlib_bytes")
N_BYTES: Final = TextColumn("n_bytes")
