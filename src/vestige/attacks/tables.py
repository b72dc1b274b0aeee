"""What an attack is given: the views of the same texts, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from vestige.attacks.ragged import Ragged
from vestige.errors import DataError
from vestige.records import AttackModel, Column, Floats, GradientNorms, OtherCell, Texts, TokenCounts, TokenStats, View


@final
@dataclass(frozen=True, eq=False)
class Tables(Mapping[View, TokenStats]):
    """Views of the same texts in the same order, checked once, so that attacks need not.

    Raises DataError where there is no view, the record ids of two views differ or repeat, or two views of the same text
    disagree about its scored tokens (a per-token difference would then compare different tokens). `counts` are there
    where an attack needs those of a population, `model` where it was trained, `gradients` where it needs their norms,
    `cells` where it compares with other cells, `calibration` where it compares with texts that no cell trains on.
    """

    views: Mapping[View, TokenStats]
    counts: TokenCounts | None = None
    model: AttackModel | None = None
    gradients: GradientNorms | None = None
    cells: tuple[OtherCell, ...] = ()
    calibration: Tables | None = None

    def __post_init__(self) -> None:
        if not self.views:
            raise DataError("no view to attack: collect at least View('target')")
        if len(np.unique(self.ids)) < len(self.ids):
            raise DataError("a record id occurs twice in a table: ids must be unique within a cell")
        for view, table in self.views.items():
            _check_aligned(view, table=table, views=self.views)
        target = self.views.get(View("target"))
        for cell in self.cells:
            if not np.array_equal(cell.stats.ids, self.ids):
                raise DataError("another cell must hold the same record ids as the views, in the same order")
            if target is not None and not _same_tokens(cell.stats, target):
                raise DataError("another cell scored different tokens of one text than the target: collect them again")

    def __getitem__(self, view: View) -> TokenStats:
        if view not in self.views:
            raise DataError(f"{_name(view)} is missing: it must be collected first; there are {self._names()}")
        return self.views[view]

    def __iter__(self) -> Iterator[View]:
        return iter(self.views)

    def __len__(self) -> int:
        return len(self.views)

    @property
    def ids(self) -> Texts:
        """Record ids, shape (texts,)."""
        return next(iter(self.views.values())).ids

    def tokens(self, column: Column) -> Ragged:
        """One token column of one view as float64; DataError where it was not collected."""
        table = self[column.view]
        if column.name not in table.tokens:
            raise DataError(f"{_name(column.view)} has no token column {column.name!r}, only {', '.join(table.tokens)}")
        return Ragged.of(table.tokens[column.name], offsets=table.offsets)

    def per_text(self, name: str, *, text: str = "plain") -> Floats:
        """One per-text column of this form of the text, shape (texts,), float64: the same whichever model scored it."""
        for view, table in self.views.items():
            if view.text == text and name in table.texts:
                return table.texts[name].astype(np.float64)
        raise DataError(f"no view of the text {text!r} has the column {name!r}; there are {self._names()}")

    def population(self) -> TokenCounts:
        """How often each token occurs in texts that are not under attack; DataError where it was not counted."""
        if self.counts is None:
            raise DataError("no token counts of a population: declare `needs_counts = True`, and give Tables(counts=…)")
        return self.counts

    def attack_model(self) -> AttackModel:
        """What a trained attack learned; DataError where nothing was."""
        if self.model is None:
            raise DataError("no attack model: fit one on a shadow with `attack.fit(…)`, and give Tables(model=…)")
        return self.model

    def gradient_norms(self) -> GradientNorms:
        """Norms of the gradients of the texts; DataError where there are none, or they are of other texts."""
        if self.gradients is None:
            raise DataError("no gradient norms: declare `needs_gradients = True`, and give Tables(gradients=…)")
        if not np.array_equal(self.gradients.ids, self.ids):
            raise DataError("the gradient norms must hold the same record ids as the views, in the same order")
        return self.gradients

    def mean_over_cells(self, measure: Callable[[Ragged], Floats], *, members: bool) -> Floats:
        """The mean of a measure of log p over the other cells that trained on a text, or did not, shape (texts,).

        NaN where the measure is; DataError where a text has no such cell.
        """
        chosen = np.array([cell.is_member == members for cell in self.cells]).reshape(len(self.cells), len(self.ids))
        if not chosen.any(axis=0).all():
            raise DataError(
                f"{(~chosen.any(axis=0)).sum()} texts have no other cell that was {'' if members else 'not '}trained "
                "on them: declare `needs_cells = True`, and give Tables(cells=…) of more seeds"
            )
        total = np.zeros(len(self.ids))
        for cell, taken in zip(self.cells, chosen, strict=True):
            total[taken] += measure(Ragged.of(cell.stats.tokens["logp"], offsets=cell.stats.offsets))[taken]
        means: Floats = total / chosen.sum(axis=0)
        return means

    def calibration_tables(self) -> Tables:
        """The same views of texts that no cell trains on; DataError where there are none."""
        if self.calibration is None:
            raise DataError("no calibration texts: declare `needs_calibration = True`, and give Tables(calibration=…)")
        return self.calibration

    def rows(self, start: int, stop: int) -> Tables:
        """The texts from `start` up to, not including, `stop`."""
        gradients = None if self.gradients is None else self.gradients.rows(start, stop)
        views = {view: _rows(table, start, stop) for view, table in self.views.items()}
        cells = tuple(OtherCell(_rows(cell.stats, start, stop), cell.is_member[start:stop]) for cell in self.cells)
        return replace(self, views=views, gradients=gradients, cells=cells)

    def base_as_target(self) -> Tables:
        """The same texts as if the base were the model under attack: every view of the target replaced by the base's.

        DataError where the base was not collected.
        """
        base = {view: table for view, table in self.views.items() if view.model == "base"}
        if not base:
            raise DataError(f"no view of the base, so there is no control; there are {self._names()}")
        as_target = {replace(view, model="target"): table for view, table in base.items()}
        return replace(self, views={**base, **as_target})

    def _names(self) -> str:
        return ", ".join(_name(view) for view in self.views)


def _check_aligned(view: View, *, table: TokenStats, views: Mapping[View, TokenStats]) -> None:
    for other, its_table in views.items():
        if not np.array_equal(table.ids, its_table.ids):
            raise DataError(f"{_name(view)} and {_name(other)} must hold the same record ids in the same order")
        if view.text == other.text and not _same_tokens(table, its_table):
            raise DataError(f"{_name(view)} and {_name(other)} scored different tokens of one text: collect them again")


def _rows(table: TokenStats, start: int, stop: int) -> TokenStats:
    begin, end = table.offsets[start], table.offsets[stop]
    return TokenStats(
        ids=table.ids[start:stop],
        offsets=table.offsets[start : stop + 1] - begin,
        tokens={name: column[begin:end] for name, column in table.tokens.items()},
        texts={name: column[start:stop] for name, column in table.texts.items()},
    )


def _same_tokens(one: TokenStats, other: TokenStats) -> bool:
    if not np.array_equal(one.offsets, other.offsets):
        return False
    if "token_id" in one.tokens and "token_id" in other.tokens:
        return np.array_equal(one.tokens["token_id"], other.tokens["token_id"])
    return True


def _name(view: View) -> str:
    return f"view {view.model}/{view.text}"
