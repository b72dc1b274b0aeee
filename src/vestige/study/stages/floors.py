"""What tells members from non-members without any model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count, islice
from typing import Final, Protocol, final

import numpy as np

from vestige.attacks.blind import floor_scores
from vestige.data.splits import fold_members, groups_of, members_of
from vestige.metrics.leakage import auc, tpr_at_fpr
from vestige.metrics.null import against_null, of_null, p_value
from vestige.metrics.roc import weighted_auc, weighted_tpr_at_fpr
from vestige.metrics.uncertainty import Bootstrap, own_groups
from vestige.records import Bools, Estimated, Example, Floats, Labelled, Scores
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, Number, SeatSpec, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.stats import stats_of

_QUICK: Final = Bootstrap(samples=100)
"""Bootstrap intervals take the fitted classifier for a fixed one, and are not kept."""

_FIRST: Final = 1_000_000
"""The first seed that splits of the null are drawn from; studies have small ones."""


@final
class FloorsSpec(Spec):
    """The blind baselines, the cells over which each is averaged, and how many times as many splits the null has."""

    floors: tuple[str, ...]
    cells: tuple[SeatSpec, ...]
    fpr: tuple[Number, ...]
    level: Number
    splits: int


@final
class FloorsStage(Stage[FloorsSpec]):
    """AUC and TPR of the blind baselines, held against what they read on splits that mean nothing."""

    name = "floors"
    version = 5
    travels = True
    spec = FloorsSpec

    @classmethod
    def run(cls, spec: FloorsSpec, task: Task, bench: Bench) -> None:
        pool = examples_of(bench.store, task.inputs["corpus"], "pool")
        table = stats_of(bench.store, task.inputs["base"])
        own = [members_of(pool, seed=cell.seed, fold=cell.fold) for cell in spec.cells]
        others = _other_splits(spec, pool)
        groups = own_groups(groups_of(pool), ids=table.ids)
        rows: list[Estimated] = []
        for name in spec.floors:
            scores = floor_scores(name, table, labels=np.asarray([*own, *others]), groups=groups)
            labels = [
                Labelled(scores=one, is_member=members, groups=groups, seed=cell.seed, fold=cell.fold)
                for one, members, cell in zip(scores[: len(own)], own, spec.cells, strict=True)
            ]
            null = partial(_on_other_splits, scores[len(own) :], others, cells=len(own))
            rows.extend(_rows(name, spec, labels, null=null))
        write_estimates(bench.folder, rows)


def _other_splits(spec: FloorsSpec, pool: list[Example]) -> list[Bools]:
    """Who would be a member at other seeds, by the rule of the study."""
    seeds = (seed for seed in count(_FIRST) if seed not in {cell.seed for cell in spec.cells})
    groups = groups_of(pool)
    return [fold_members(groups, seed=seed, fold="A") for seed in islice(seeds, spec.splits * len(spec.cells))]


class Null(Protocol):
    """The AUC of a floor, or its TPR at an FPR, on splits that mean nothing, shape (splits,)."""

    def __call__(self, *, fpr: float | None) -> Floats: ...


def _on_other_splits(scores: Sequence[Scores], splits: Sequence[Bools], *, cells: int, fpr: float | None) -> Floats:
    """The AUC of a floor, or its TPR at an FPR, in studies of as many such cells, shape (studies,)."""
    found = [_measured(one, labels, fpr=fpr) for one, labels in zip(scores, splits, strict=True)]
    means: Floats = np.asarray(found).reshape(-1, cells).mean(axis=1)
    return means


def _measured(scores: Scores, labels: Bools, *, fpr: float | None) -> float:
    values, is_member = scores.values[scores.scored], labels[scores.scored]
    once = np.ones((1, len(values)))
    if fpr is None:
        return float(weighted_auc(values, is_member=is_member, weights=once)[0])
    return float(weighted_tpr_at_fpr(values, is_member=is_member, weights=once, fpr=fpr)[0])


def _rows(name: str, spec: FloorsSpec, labels: Sequence[Labelled], *, null: Null) -> Iterator[Estimated]:
    """AUC and TPR of one floor, what the AUC is on other splits, and how likely one of them reads as high."""
    level, found = spec.level, auc(labels, bootstrap=_QUICK)
    elsewhere = null(fpr=None)
    yield Estimated("auc", against_null(found, elsewhere, level=level), attack=name)
    yield Estimated("auc_null", of_null(found, elsewhere, level=level), attack=name)
    yield Estimated("p_value", p_value(found, elsewhere, level=level), attack=name)
    for fpr in spec.fpr:
        rate = tpr_at_fpr(labels, fpr=fpr, bootstrap=_QUICK)
        yield Estimated(f"tpr@{fpr:g}", against_null(rate, null(fpr=fpr), level=level), attack=name)
