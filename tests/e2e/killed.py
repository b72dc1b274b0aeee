"""Runs a study and kills its own process at a named point; for test_kill.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vestige.store import layout
from vestige.store.keys import Task
from vestige.store.layout import DONE, Store
from vestige.testing.studies import Recorder, run_study
from vestige.tuning import checkpoint


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class AtStep(Recorder):
    """Dies when a stage has made its nth progress."""

    def __init__(self, stage: str, step: int) -> None:
        super().__init__()
        self._stage, self._left = stage, step

    def progressed(self, task: Task, tokens: int) -> None:
        is_base = task.stage == "stats" and "cell" not in task.inputs
        self._left -= task.stage == self._stage and not is_base
        if not self._left:
            die()


def before_done(stage: str) -> None:
    """Die where the data files and `run.json` are there, and `DONE.json` is not."""
    write = layout.write_json  # type: ignore[attr-defined]

    def write_json(path: Path, value: object) -> None:
        if path.name == DONE and path.parent.parent.name == stage:
            die()
        write(path, value)

    layout.write_json = write_json  # type: ignore[attr-defined]


def half_of_the_state() -> None:
    """Die where the weights and the optimizer of a training are saved, and the rest of its state is not."""
    checkpoint.save_rng = lambda folder: die()


def before_tidying() -> None:
    """Die where `DONE.json` is there, and what the stage went on from is there still."""
    tidy = Store.tidy

    def dying(self: Store, address: str) -> None:
        if address.startswith("train/"):
            die()
        tidy(self, address)

    Store.tidy = dying  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], Recorder | None]] = {
    "training, before any state": lambda: AtStep("train", 1),
    "training, after the first state": lambda: AtStep("train", 3),
    "training, half of its state": half_of_the_state,
    "training, before DONE": lambda: before_done("train"),
    "training, before tidying": before_tidying,
    "scoring": lambda: AtStep("stats", 1),
    "scoring, before DONE": lambda: before_done("stats"),
    "corpus, before DONE": lambda: before_done("corpus"),
    "attack, before DONE": lambda: before_done("scores"),
    "estimate, before DONE": lambda: before_done("leakage"),
}


def main(table: dict[str, Any], store: Path, point: str) -> None:
    """Run the study and die on the way; a process that comes to the end has missed the point."""
    run_study(table, store, watcher=POINTS[point]())
