"""Where each arm is on the axis of utility: in the study, in each unit of it, in every sample of validation texts.

The pool of texts says nothing of utility, nor the validation texts of leakage: in a sample of the pool all methods are
taken where the study takes them, and in a sample of the validation texts the leakage along a training is the study's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import final

import numpy as np

from vestige.metrics.frontier import Curve, training_axis
from vestige.metrics.leaks import Leak
from vestige.metrics.places import Places, Trajectory
from vestige.metrics.replicated import Replicated
from vestige.metrics.trajectories import Arm, Inputs
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Bools, Floats, Ints


@final
@dataclass(frozen=True, eq=False)
class Position:
    """Where one method is taken: x of each of its arms in play, in the study and its units, shape (1 + units,), and in
    each sample of validation texts, shape (samples,). `arm`: the one that the study chooses.
    """

    method: str
    arm: int
    points: dict[int, Floats]
    validation: dict[int, Floats]

    @property
    def place(self) -> float:
        """Where the study takes it."""
        return float(self.points[self.arm][0])


@final
class Ground:
    """All arms over both kinds of columns: `points`, which are the study and its units, and `validation` samples."""

    def __init__(self, inputs: Inputs, bootstrap: Bootstrap) -> None:
        self.inputs = inputs
        names, rows = np.unique(inputs.validation_groups, return_inverse=True)
        drawn = np.vstack([block[:, rows] for block in bootstrap.draws(len(names), of="validation")])
        once = np.ones((1, len(rows)))
        self.point_costs = [_costs(inputs, arm.utility, once) for arm in inputs.arms]
        self.sample_costs = [_costs(inputs, arm.utility, drawn) for arm in inputs.arms]
        self.points = _places(inputs, self.point_costs, once, mixing=inputs.mixing)
        self.validation = _places(inputs, self.sample_costs, drawn, mixing=inputs.mixing[:1])
        self._leaks: dict[tuple[str, int], Curve] = {}
        self._outside: dict[Position, Floats] = {}

    def at_share(self, methods: Collection[str], level: float, *, reach_of: Collection[str]) -> dict[str, Position]:
        """Each method where it first has a share of the reach that some methods have in common."""

        def crossings(places: Places, arm: int) -> Floats:
            target = places.target(places.reach(reach_of), level)
            return places.trajectories[arm].cost.first_reach(target)

        return {method: self._position(method, crossings) for method in methods}

    def at_lowest(self, method: str) -> Position:
        """A method at its lowest cost."""
        return self._position(method, lambda places, arm: places.trajectories[arm].place_of_lowest)

    def at_last_attacked(self, method: str) -> Position:
        """A method at its last attacked checkpoint, as good as it may be there."""
        return self._position(method, lambda places, arm: np.full(len(places.base), self.attacked_axis(arm)[-1]))

    def value(self, leak: Leak, position: Position) -> Replicated:
        """What a method gives away at its position."""
        curves = {arm: self.curve(leak, arm) for arm in position.points}
        points = {arm: curves[arm].at(place) for arm, place in position.points.items()}
        study = {arm: Curve.through(curves[arm].x, curves[arm].y[:, :1]) for arm in position.points}
        validation = {arm: study[arm].at(place) for arm, place in position.validation.items()}
        pool = leak.shown(_resampled(leak, curves[position.arm].x, position))
        samples = len(self.validation.base)
        return Replicated(
            points=leak.shown(self.points.of_chosen(position.method, points)),
            pool=pool[:samples],
            validation=leak.shown(self.validation.of_chosen(position.method, validation)),
            halves=pool[samples:],
        )

    def at(self, leak: Leak, position: Position) -> float:
        """The same, of the study alone."""
        return float(leak.shown(self.curve(leak, position.arm).at(position.points[position.arm])[:1])[0])

    def gain(self, method: str) -> Replicated:
        """What a method gains over the base at its lowest cost."""
        return self._of_utility(lambda places: places.gain(method))

    def reach(self, methods: Collection[str]) -> Replicated:
        """What methods have in common of it."""
        return self._of_utility(lambda places: places.reach(methods))

    def curve(self, leak: Leak, arm: int) -> Curve:
        """What an arm gives away along its training, in the study and its units."""
        if (leak.name, arm) not in self._leaks:
            self._leaks[leak.name, arm] = Curve.through(self.attacked_axis(arm), leak.points(arm))
        return self._leaks[leak.name, arm]

    def attacked_axis(self, arm: int) -> Floats:
        """The x of epoch 0 and the attacked checkpoints."""
        return self.points.trajectories[arm].cost.x[self._knots(arm)]

    def outside(self, position: Position) -> Floats:
        """Whether a method is taken where nothing was attacked: the study and its units, then validation samples."""
        if position not in self._outside:
            sides = []
            for places, xs in ((self.points, position.points), (self.validation, position.validation)):
                outside = {arm: self._is_outside(arm, x).astype(np.float64) for arm, x in xs.items()}
                sides.append(places.of_chosen(position.method, outside))
            self._outside[position] = np.concatenate(sides)
        return self._outside[position]

    def _is_outside(self, arm: int, place: Floats) -> Bools:
        """Outside: next to a checkpoint that was validated and not attacked."""
        x = self.points.trajectories[arm].cost.x
        attacked = np.isin(np.arange(len(x)), self._knots(arm))
        after = np.clip(np.searchsorted(x, place, side="left"), 0, len(x) - 1)
        before = np.where(x[after] == place, after, np.maximum(after - 1, 0))
        inside: Bools = attacked[after] & attacked[before] & np.isfinite(place)
        return ~inside

    def _knots(self, arm: int) -> Ints:
        return np.append(0, self.inputs.arms[arm].attacked + 1)

    def _position(self, method: str, place_of: Callable[[Places, int], Floats]) -> Position:
        arms = self.points.arms(method)
        points = {arm: place_of(self.points, arm) for arm in arms}
        validation = {arm: place_of(self.validation, arm) for arm in arms}
        return Position(method, int(self.points.chosen(method)[0]), points, validation)

    def _of_utility(self, value: Callable[[Places], Floats]) -> Replicated:
        points, validation = value(self.points), value(self.validation)
        return Replicated(points=points, pool=np.full(len(validation), points[0]), validation=validation)


def _resampled(leak: Leak, x: Floats, position: Position) -> Floats:
    """A curve at one place in all samples of the pool: it hangs on two knots on each side, and no other is computed."""
    after = int(np.clip(np.searchsorted(x, position.place, side="right"), 1, len(x) - 1))
    knots = np.arange(max(0, after - 2), min(len(x), after + 2))
    return Curve.through(x[knots], leak.resampled(position.arm, knots)).at(np.array([position.place]))


def _costs(inputs: Inputs, counts: Floats, weights: Floats) -> Floats:
    """Costs of each seat and checkpoint under each weighting, shape (columns, seats, checkpoints)."""
    return inputs.axis.cost(np.tensordot(weights, counts, axes=(1, 2)))


def _places(inputs: Inputs, costs: list[Floats], weights: Floats, *, mixing: Floats) -> Places:
    base = np.repeat(inputs.axis.cost(weights @ inputs.base), len(mixing))
    return Places(
        base,
        [
            _trajectory(inputs, arm, _mixed(own, mixing), base=base, weights=weights, mixing=mixing)
            for arm, own in zip(inputs.arms, costs, strict=True)
        ],
    )


def _trajectory(
    inputs: Inputs, arm: Arm, costs: Floats, *, base: Floats, weights: Floats, mixing: Floats
) -> Trajectory:
    start = base[None, :]
    if arm.start is not None:
        start = _mixed(_costs(inputs, arm.start[:, None], weights), mixing)
    x = training_axis(np.append(0.0, arm.epochs))
    return Trajectory(arm.method, Curve.through(x, np.vstack([start, costs])), in_play=bool(len(arm.attacked)))


def _mixed(costs: Floats, mixing: Floats) -> Floats:
    """Averages over seats, shape (checkpoints, columns): the rows of `mixing`, or the weightings where it has one."""
    mixed: Floats = np.einsum("us,csk->kcu", mixing, costs).reshape(costs.shape[2], -1)
    return mixed
