"""Learning rates of a method that the data cannot tell from the chosen one."""

from __future__ import annotations

import numpy as np

from vestige.metrics.ground import Ground
from vestige.metrics.intervals import group_part, t_interval, training_part
from vestige.records import Bools, Floats, Ints


def tied_rates(ground: Ground, method: str, *, groups: int, level: float) -> tuple[float, ...]:
    """The rates whose lowest cost is not clearly above that of the chosen one, on the seats that both were trained on.

    Of what was searched as well as of what was attacked; groups of validation texts, and units where both were trained
    on two or more. `groups`: of validation texts. `level`: of the interval that must lie above 0.
    """
    arms = ground.inputs.arms
    chosen = int(ground.points.chosen(method)[0])
    others = [i for i, arm in enumerate(arms) if arm.method == method and i != chosen]
    return tuple(arms[other].learning_rate for other in others if not _is_above(ground, other, chosen, groups, level))


def _is_above(ground: Ground, other: int, chosen: int, groups: int, level: float) -> bool:
    seats = _trained(ground, other) & _trained(ground, chosen)
    if not seats.any():
        return True
    point, sampled = (
        _lowest(costs[other], seats) - _lowest(costs[chosen], seats)
        for costs in (ground.point_costs, ground.sample_costs)
    )
    alone = [_seats(len(seats), unit) for unit in ground.inputs.units if seats[unit].all()]
    units = [
        float((_lowest(ground.point_costs[other], unit) - _lowest(ground.point_costs[chosen], unit))[0])
        for unit in alone
    ]
    parts = [group_part(sampled, groups=groups)] + ([training_part(units)] if len(units) > 1 else [])
    return t_interval(float(point[0]), parts=parts, level=level).low > 0


def _trained(ground: Ground, arm: int) -> Bools:
    return np.asarray(np.isfinite(ground.point_costs[arm]).all(axis=(0, 2)), dtype=np.bool_)


def _seats(number: int, unit: Ints) -> Bools:
    seats: Bools = np.isin(np.arange(number), unit)
    return seats


def _lowest(costs: Floats, seats: Bools) -> Floats:
    """Lowest cost of a checkpoint in each column, averaged over seats; costs: (columns, seats, checkpoints)."""
    lowest: Floats = costs[:, seats].mean(axis=1).min(axis=1)
    return lowest
