"""A column of a view: one value per scored token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, final

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside, Need, Views
from vestige.attacks.needs.outside import Supply
from vestige.attacks.needs.shadow import refuse_no_shadow
from vestige.attacks.needs.view import found, in_words, view_assumes
from vestige.attacks.ragged import Ragged
from vestige.errors import DataError
from vestige.records import View

_OF_THE_TEXT: Final = ("token_id",)
"""Columns that are the same whichever model scored the text."""

_OF_ALL_TOKENS: Final = ("mean_logp", "var_logp", "rank")
"""Columns that take what a model gives to the other tokens too."""


@final
@dataclass(frozen=True)
class Column(Need[Ragged]):
    """One per-token column of one view; `TokenStats` says which there are."""

    view: View
    name: str

    def of(self, views: Views, values: Mapping[Beside[Any], Any]) -> Ragged:
        """The column as float64."""
        table = found(self.view, views)
        if self.name not in table.tokens:
            there = ", ".join(table.tokens)
            raise DataError(f"{in_words(self.view)} has no token column {self.name!r}, only {there}")
        return Ragged.of(table.tokens[self.name], offsets=table.offsets)

    @property
    def views(self) -> tuple[View, ...]:
        return (self.view,)

    @property
    def assumes(self) -> Assumes:
        return replace(view_assumes(self.view), distributions=self.name in _OF_ALL_TOKENS)

    @property
    def tells(self) -> bool:
        return self.view.model == "target" and self.name not in _OF_THE_TEXT

    def by(self, model: Literal["target", "base", "shadow"]) -> Column:
        """The same column of the same form of the text, by another model."""
        return replace(self, view=replace(self.view, model=model))

    def on_base(self) -> Column | None:
        """None where the target is compared with another model, or behind members, of which the base has none."""
        alone = self.view.model == "target" and not self.assumes.known_members
        return self.by("base") if alone else None

    def refuse(self, label: str, supply: Supply) -> None:
        if self.view.model == "shadow":
            refuse_no_shadow(supply)


def token_ids(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that name the tokens of the same views."""
    return tuple(replace(column, name="token_id") for column in columns)


_TARGET, _BASE = View("target"), View("base")

TARGET_LOGP: Final = Column(_TARGET, "logp")
TARGET_MEAN: Final = Column(_TARGET, "mean_logp")
TARGET_VARIANCE: Final = Column(_TARGET, "var_logp")
TARGET_RANK: Final = Column(_TARGET, "rank")
TARGET_TOKEN: Final = Column(_TARGET, "token_id")
BASE_LOGP: Final = Column(_BASE, "logp")
BASE_MEAN: Final = Column(_BASE, "mean_logp")
BASE_VARIANCE: Final = Column(_BASE, "var_logp")
BASE_RANK: Final = Column(_BASE, "rank")
