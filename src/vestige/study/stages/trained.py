"""What a training came to, apart from its weights: it travels where they do not."""

from __future__ import annotations

from dataclasses import asdict
from typing import final

from vestige.store.io import write_json
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.train import RECORD, trained_of


@final
class TrainedSpec(Spec):
    """What it is told: here nothing."""


@final
class TrainedStage(Stage[TrainedSpec]):
    """The record of a training; `train.trained_of` reads it here as there."""

    name = "trained"
    version = 1
    travels = True
    spec = TrainedSpec

    @classmethod
    def run(cls, spec: TrainedSpec, task: Task, bench: Bench) -> None:
        write_json(bench.folder / RECORD, asdict(trained_of(bench.store, task.inputs["cell"])))
