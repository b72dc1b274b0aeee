"""A base model as a study uses it: where it lies, in which precision, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from vestige.errors import named
from vestige.models.loading import BaseSpec, Dtype
from vestige.models.sources import ModelSource


@final
@dataclass(frozen=True)
class PreparedBase:
    """A base model that is ready to load, in the precision that this machine resolves to.

    * `place`: what `resolve` finds it by.
    * `has_end`: whether its tokenizer has a token that ends a text.
    * `foreign`: parts of its files that are left aside.
    """

    spec: BaseSpec
    source: ModelSource
    dtype: Dtype
    place: str
    has_end: bool = True
    foreign: tuple[str, ...] = ()

    @property
    def left_aside(self) -> str:
        """A sentence on the foreign parts, empty where there are none."""
        return f"left aside, as no part of the language model: {named(self.foreign)}" if self.foreign else ""

    @property
    def note(self) -> str:
        """What to say wherever results of the model are shown; empty where there is nothing to say."""
        return "; ".join(part for part in (self.source.note, self.left_aside) if part)

    @property
    def identity(self) -> dict[str, Any]:
        """What a key needs to know of the base."""
        return {"model": dict(self.source.identity), "dtype": self.dtype}
