"""How far each method gets and where it first gets as far as all: rates, gains, the common reach, crossings.

Utility is a cost here, lower is better. Everything has a value in each column (the study, a seed, a bootstrap sample),
so that rates are chosen, and reach and targets derived, anew in each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np

from vestige.metrics.frontier import Curve
from vestige.records import Floats, Ints

NEVER: Final = "never gets there"
"""Why a method is set aside."""

_ENOUGH = 0.5
"""Share of the best method's gain below which a method is compared with no other."""


@final
@dataclass(frozen=True, eq=False)
class Trajectory:
    """The cost of one arm along its training: the first knot is epoch 0. `in_play`: its rate may be chosen."""

    method: str
    cost: Curve
    in_play: bool = True

    @cached_property
    def lowest(self) -> Floats:
        """Lowest cost of a checkpoint, shape (columns,); epoch 0 is none."""
        least: Floats = self.cost.y[1:].min(axis=0)
        return least

    @cached_property
    def place_of_lowest(self) -> Floats:
        """The x of the lowest cost, shape (columns,)."""
        places: Floats = self.cost.x[1 + np.argmin(self.cost.y[1:], axis=0)]
        return places


@final
@dataclass(frozen=True, eq=False)
class Places:
    """All arms of a base and corpus over the same columns. `base`: the cost of the base, shape (columns,)."""

    base: Floats
    trajectories: Sequence[Trajectory]

    @property
    def methods(self) -> list[str]:
        """The methods in the order of their first arm."""
        return list(dict.fromkeys(one.method for one in self.trajectories))

    def arms(self, method: str) -> list[int]:
        """Places in `trajectories` of the rates of a method that are in play."""
        return [i for i, one in enumerate(self.trajectories) if one.method == method and one.in_play]

    @cached_property
    def _chosen(self) -> dict[str, Ints]:
        found = {}
        for method in self.methods:
            arms = np.array(self.arms(method))
            found[method] = arms[np.argmin([self.trajectories[arm].lowest for arm in arms], axis=0)]
        return found

    def chosen(self, method: str) -> Ints:
        """The arm whose cost gets lowest, shape (columns,): the place in `trajectories`."""
        return self._chosen[method]

    def of_chosen(self, method: str, values: dict[int, Floats]) -> Floats:
        """Of values of each arm of a method, shape (columns,), those of the chosen one."""
        chosen = self.chosen(method)
        shape = np.broadcast_shapes(chosen.shape, *(value.shape for value in values.values()))
        picked = np.full(shape, np.nan)
        for arm, value in values.items():
            picked = np.where(chosen == arm, value, picked)
        return picked

    def gain(self, method: str) -> Floats:
        """What the method has gained over the base at its lowest cost, shape (columns,)."""
        return self.base - self.of_chosen(method, {arm: self.trajectories[arm].lowest for arm in self.arms(method)})

    def set_aside(self) -> dict[str, str]:
        """Why a method is compared with no other, empty where it is: by the first column, which is the study."""
        gains = {method: float(self.gain(method)[0]) for method in self.methods}
        best = max(gains.values())
        return {method: NEVER if gain <= 0 or gain < _ENOUGH * best else "" for method, gain in gains.items()}

    def reach(self, methods: Collection[str]) -> Floats:
        """The gain that all these methods have: the least of theirs, shape (columns,)."""
        common: Floats = np.min([self.gain(method) for method in methods], axis=0)
        return common

    def target(self, reach: Floats, level: float) -> Floats:
        """The cost to get down to: that of the base less a share of a reach, shape (columns,)."""
        return self.base - level * reach
