"""What tells members from non-members without any model."""

from __future__ import annotations

from typing import final

from vestige.attacks.blind import floor_labels, floor_scores
from vestige.data.splits import groups_of, members_of
from vestige.metrics.uncertainty import Bootstrap, own_groups
from vestige.records import Estimated, Example, Fold, Labelled, TokenStats
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, Number, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.leakage import leakage_rows
from vestige.study.stages.stats import stats_of


@final
class BlindCell(Spec):
    """Whose members are to be told."""

    seed: int
    fold: Fold


@final
class FloorsSpec(Spec):
    """The blind baselines, and the cells over which each is averaged."""

    floors: tuple[str, ...]
    cells: tuple[BlindCell, ...]
    fpr: tuple[Number, ...]
    bootstrap: Bootstrap


@final
class FloorsStage(Stage[FloorsSpec]):
    """AUC and TPR of the blind baselines."""

    name = "floors"
    version = 3
    spec = FloorsSpec

    @classmethod
    def run(cls, spec: FloorsSpec, task: Task, bench: Bench) -> None:
        pool = examples_of(bench.store, task.inputs["corpus"], "pool")
        table = stats_of(bench.store, task.inputs["base"])
        rows: list[Estimated] = []
        for name in spec.floors:
            labels = [_blind(name, cell, table, pool) for cell in spec.cells]
            rows.extend(leakage_rows(name, labels, fpr=spec.fpr, bootstrap=spec.bootstrap))
        write_estimates(bench.folder, rows)


def _blind(name: str, cell: BlindCell, table: TokenStats, pool: list[Example]) -> Labelled:
    groups = own_groups(groups_of(pool), ids=table.ids)
    is_member = members_of(pool, seed=cell.seed, fold=cell.fold)
    labels = floor_labels(name, is_member, groups=groups, seed=cell.seed)
    scores = floor_scores(name, table, labels=labels, groups=groups, seed=cell.seed)
    return Labelled(scores=scores, is_member=labels, groups=groups, seed=cell.seed, fold=cell.fold)
