"""How much of the pool an arm has memorized at one checkpoint, without any attack."""

from __future__ import annotations

from typing import final

import numpy as np

from vestige.data.splits import groups_of, members_of
from vestige.metrics.counterfactual import known_texts, memorization
from vestige.records import Estimated, Fold
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, Number, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.losses import losses_of


@final
class KnowingCell(Spec):
    """A cell, and the inputs that hold its losses of the pool and the validation texts."""

    seed: int
    fold: Fold
    pool: str
    validation: str


@final
class MemorizationSpec(Spec):
    """The cells of an arm."""

    cells: tuple[KnowingCell, ...]
    level: Number


@final
class MemorizationStage(Stage[MemorizationSpec]):
    """Counterfactual memorization, nats per token."""

    name = "memorization"
    version = 1
    travels = True
    spec = MemorizationSpec

    @classmethod
    def run(cls, spec: MemorizationSpec, task: Task, bench: Bench) -> None:
        pool = examples_of(bench.store, task.inputs["corpus"], "pool")
        known = known_texts(
            [losses_of(bench.store, task.inputs[cell.pool]) for cell in spec.cells],
            [losses_of(bench.store, task.inputs[cell.validation]) for cell in spec.cells],
            is_member=[members_of(pool, seed=cell.seed, fold=cell.fold) for cell in spec.cells],
            seeds=[cell.seed for cell in spec.cells],
        )
        ids = np.asarray([example.id for example in pool])
        found = memorization(known, ids=ids, groups=groups_of(pool), level=spec.level)
        write_estimates(bench.folder, [Estimated("memorization", found)])
