"""Which trainings and checkpoints of a study there are, and how the frames name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vestige.store.keys import Task
from vestige.study.grid import Arm, Checkpoint, Pair, Seat
from vestige.study.plan import Plan


def measured(plan: Plan, pair: Pair) -> Iterator[tuple[Arm, float | None]]:
    """The base itself, then every checkpoint of the arms that went on to every seat, epoch 0 where it is validated."""
    yield Arm(*pair), None
    for arm in plan.choice.chosen(pair):
        for epoch in plan.grid.validated(arm):
            yield arm, epoch


def trainings(plan: Plan, pair: Pair) -> Iterator[tuple[Arm, Seat, Task]]:
    """Every training of a base and corpus whose record is there, here done or elsewhere."""
    for arm in plan.grid.arms(pair):
        for seat in plan.grid.seats:
            task = plan.catalogue.trained(Checkpoint(arm, seat))
            if plan.is_done(task):
                yield arm, seat, task


def names_of(arm: Arm, epoch: float | None) -> dict[str, Any]:
    """The columns that name a checkpoint."""
    return {
        "base": arm.base,
        "corpus": arm.corpus,
        "method": arm.method.label if arm.method else None,
        "family": arm.method.family if arm.method else None,
        "learning_rate": arm.learning_rate,
        "epoch": epoch,
    }
