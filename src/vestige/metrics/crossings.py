"""Which checkpoints to attack where attacks are made around the crossings alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from vestige.metrics.comparison import LEVELS
from vestige.metrics.frontier import Curve, training_axis
from vestige.metrics.places import Places, Trajectory
from vestige.records import Floats

_EACH_SIDE = 2
"""Checkpoints before a crossing and after it: a PCHIP between two knots hangs on these and on one more each side."""


@final
@dataclass(frozen=True, eq=False)
class LossCurve:
    """The validation loss of one arm, averaged over what was trained of it.

    * `method`: its label; arms of one method differ in their learning rate.
    * `epochs`, `losses`: shape (checkpoints,), epochs rising and above 0; nats per token.
    * `start`: the loss at epoch 0 where attaching the method changes the model; None takes the base's.
    """

    method: str
    epochs: Floats
    losses: Floats
    start: float | None = None


def checkpoints_to_attack(
    arms: Sequence[LossCurve], *, base_loss: float, levels: Sequence[float] = LEVELS
) -> list[tuple[float, ...]]:
    """The epochs of each arm at which attacks are wanted, rising: two on each side of where it first reaches each
    level, its best and its last.

    Levels are shares of the common reach of the methods that are not set aside, each at its best rate. An arm that
    does not reach a level (another rate of its method does, or its method is set aside) is attacked at its best and
    last alone, or around the levels that it reaches.
    """
    places = Places(np.array([base_loss]), [_trajectory(arm, base_loss=base_loss) for arm in arms])
    compared = [method for method, why in places.set_aside().items() if not why]
    targets = [places.target(places.reach(compared), level) for level in levels] if compared else []
    return [
        tuple(float(arm.epochs[at]) for at in sorted(_wanted(trajectory, targets)))
        for arm, trajectory in zip(arms, places.trajectories, strict=True)
    ]


def most_to_attack(epochs: Sequence[float], *, levels: Sequence[float] = LEVELS) -> tuple[float, ...]:
    """As many epochs as an arm can come to whose losses are not known yet: the first ones and the last."""
    beside = 2 * _EACH_SIDE * len(levels) + 1  # the crossings, and the best
    return (*epochs[:-1][:beside], epochs[-1])


def _trajectory(arm: LossCurve, *, base_loss: float) -> Trajectory:
    start = base_loss if arm.start is None else arm.start
    x = training_axis(np.append(0.0, arm.epochs))
    return Trajectory(arm.method, Curve.through(x, np.append(start, arm.losses)[:, None]))


def _wanted(trajectory: Trajectory, targets: Sequence[Floats]) -> set[int]:
    """Places of checkpoints, the first after epoch 0 being 0."""
    last = len(trajectory.cost.x) - 2
    wanted = {int(np.argmin(trajectory.cost.y[1:, 0])), last}
    for target in targets:
        crossing = float(trajectory.cost.first_reach(target)[0])
        if np.isfinite(crossing):
            after = int(np.searchsorted(trajectory.cost.x[1:], crossing, side="left"))
            wanted |= set(range(max(0, after - _EACH_SIDE), min(last, after + _EACH_SIDE - 1) + 1))
    return wanted
