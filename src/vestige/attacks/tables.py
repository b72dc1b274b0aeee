"""What an attack is given: the views of the same texts, side by side, and what it needs besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, final

import numpy as np

from vestige.attacks.needs.base import Beside, Need
from vestige.attacks.needs.outside import Places, Stored
from vestige.attacks.needs.view import found, in_words
from vestige.errors import DataError
from vestige.forms import PLAIN
from vestige.records import Ints, Texts, TokenStats, View

V = TypeVar("V")


@final
@dataclass(frozen=True, eq=False)
class Tables(Mapping[View, TokenStats]):
    """Views of the same texts in the same order, checked once, so that attacks need not; in `beside`, by need, what is
    no view: token counts, gradients, other cells. `read` gives an attack any of its needs.

    Raises DataError where there is no view, the record ids of two views differ or repeat, or two views of the same text
    disagree about its scored tokens (a per-token difference would then compare different tokens), or a value is of
    other texts.
    """

    views: Mapping[View, TokenStats]
    beside: Mapping[Beside[Any], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, needs: Iterable[Need[Any]], stored: Stored) -> Tables:
        """All that these needs come to, from a store."""
        needs = list(needs)
        views = sorted({view for need in needs for view in need.views}, key=lambda view: view.name)
        beside = {need: need.load(stored) for need in needs if isinstance(need, Beside)}
        return cls({view: stored.read(view.name) for view in views}, beside)

    def __post_init__(self) -> None:
        if not self.views:
            raise DataError("no view to attack: collect at least View('target')")
        if len(np.unique(self.ids)) < len(self.ids):
            raise DataError("a record id occurs twice in a table: ids must be unique within a cell")
        for view, table in self.views.items():
            _check_aligned(view, table=table, views=self.views)
        for need, value in self.beside.items():
            need.check(value, self.views, ids=self.ids)

    def __getitem__(self, view: View) -> TokenStats:
        return found(view, self.views)

    def __iter__(self) -> Iterator[View]:
        return iter(self.views)

    def __len__(self) -> int:
        return len(self.views)

    @property
    def ids(self) -> Texts:
        """Record ids, shape (texts,)."""
        return self._first.ids

    @property
    def lengths(self) -> Ints:
        """Scored tokens of each text as it is, or of its first form where no attack reads it so, shape (texts,)."""
        return next((table for view, table in self.views.items() if view.form == PLAIN), self._first).lengths

    @property
    def _first(self) -> TokenStats:
        return next(iter(self.views.values()))

    def read(self, need: Need[V]) -> V:
        """What an attack declared that it needs: of a `Column` a `Ragged`, of a `TextColumn` an array of shape
        (texts,); DataError, saying how to have it, where it is not there.
        """
        return need.of(self.views, self.beside)

    def given(self, need: Beside[V], value: V) -> Tables:
        """The same with this value for a need."""
        return replace(self, beside={**self.beside, need: value})

    def rows(self, start: int, stop: int) -> Tables:
        """The texts from `start` up to, not including, `stop`."""
        return self.taken(slice(start, stop))

    def taken(self, places: Places) -> Tables:
        """The texts at these places, in that order."""
        views = {view: table.taken(places) for view, table in self.views.items()}
        return Tables(views, {need: need.taken(value, places) for need, value in self.beside.items()})

    def base_as_target(self) -> Tables:
        """The same texts as if the base were the model under attack: every view of the target replaced by the base's.

        DataError where the base was not collected.
        """
        base = {view: table for view, table in self.views.items() if view.model == "base"}
        if not base:
            there = ", ".join(map(in_words, self.views))
            raise DataError(f"no view of the base, so there is no control; there are {there}")
        as_target = {replace(view, model="target"): table for view, table in base.items()}
        return replace(self, views={**base, **as_target})


def _check_aligned(view: View, *, table: TokenStats, views: Mapping[View, TokenStats]) -> None:
    for other, its_table in views.items():
        if not np.array_equal(table.ids, its_table.ids):
            raise DataError(f"{in_words(view)} and {in_words(other)} must hold the same record ids in the same order")
        if view.form == other.form and not table.has_tokens_of(its_table):
            raise DataError(
                f"{in_words(view)} and {in_words(other)} scored different tokens of one text: collect them again"
            )
