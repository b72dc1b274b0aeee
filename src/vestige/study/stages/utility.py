"""How well an arm predicts validation texts at one checkpoint."""

from __future__ import annotations

from typing import final

from vestige.data.splits import groups_of
from vestige.metrics.uncertainty import Bootstrap
from vestige.metrics.utility import perplexity, validation_loss
from vestige.records import Estimated
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.losses import losses_of


@final
class ScoredCell(Spec):
    """The seed of a cell, and the input that holds its losses."""

    seed: int
    losses: str


@final
class UtilitySpec(Spec):
    """The cells of an arm."""

    cells: tuple[ScoredCell, ...]
    bootstrap: Bootstrap


@final
class UtilityStage(Stage[UtilitySpec]):
    """Validation loss and perplexity."""

    name = "utility"
    version = 4
    travels = True
    spec = UtilitySpec

    @classmethod
    def run(cls, spec: UtilitySpec, task: Task, bench: Bench) -> None:
        groups = groups_of(examples_of(bench.store, task.inputs["corpus"], "validation"))
        seeds = [cell.seed for cell in spec.cells]
        cells = [losses_of(bench.store, task.inputs[cell.losses]) for cell in spec.cells]
        loss = validation_loss(cells, groups=groups, seeds=seeds, bootstrap=spec.bootstrap)
        surprise = perplexity(cells, groups=groups, seeds=seeds, bootstrap=spec.bootstrap)
        write_estimates(bench.folder, [Estimated("loss", loss), Estimated("perplexity", surprise)])
