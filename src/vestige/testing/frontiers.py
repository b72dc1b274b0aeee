"""Methods whose leakage at every utility is known: the courses that simulated trainings follow.

Along x, epochs over the epoch of the lowest loss, a training has won the share g(x) = x^a · exp((1 − x^b) · a / b) of
what it can win of the loss, and tells members from non-members with d′(x) = 1.735 · x^1.5. With a = .9 and b = .6 the
AUC is .61, .67, .73 and .89 where g is .80, .90, .95 and 1, as LoRA on SmolLM2-135M goes; after the lowest loss g falls
and d′ goes on rising. A method that is slower runs through the same in more epochs: it lies on the same frontier, and
at equal epochs looks as if it leaked less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.optimize import brentq

from vestige.records import Floats
from vestige.testing.stats import normal_auc

_RISE, _FALL = 0.9, 0.6
_AT_THE_LOWEST, _GROWTH = 1.735, 1.5


@final
@dataclass(frozen=True)
class Course:
    """One method at one learning rate.

    * `lowest`: epoch of the lowest validation loss.
    * `gain`: L_base − min L, nats per token.
    * `leak`: how many times d′ at equal utility is that of the frontier above.
    """

    lowest: float = 3.0
    gain: float = 0.5
    leak: float = 1.0

    def share(self, epochs: Floats | float, *, speed: Floats | float = 1.0) -> Floats:
        """Share of `gain` won after so many epochs; of a training `speed` times as fast as the method."""
        x = np.asarray(epochs) * speed / self.lowest
        shares: Floats = x**_RISE * np.exp((1 - x**_FALL) * _RISE / _FALL)
        return shares

    def separation(self, epochs: Floats | float, *, speed: Floats | float = 1.0) -> Floats:
        """d′ of members against non-members after so many epochs."""
        separations: Floats = self.leak * _AT_THE_LOWEST * (np.asarray(epochs) * speed / self.lowest) ** _GROWTH
        return separations

    def crossing(self, gain: float) -> float:
        """The first epoch after which so many nats are won; ValueError where they never are."""
        if gain > self.gain:
            raise ValueError(f"{gain:g} nats are never won: at most {self.gain:g}")
        found: float = brentq(lambda epochs: float(self.gain * self.share(epochs)) - gain, 0.0, self.lowest)
        return found

    def auc_at(self, gain: float) -> float:
        """AUC where so many nats are first won."""
        return normal_auc(float(self.separation(self.crossing(gain))))


def reach(courses: Sequence[Course], *, epochs: Floats) -> float:
    """What the least of them wins at the best of these checkpoints, nats per token: R of a comparison."""
    return min(float(course.gain * course.share(epochs).max()) for course in courses)


def true_difference(course: Course, other: Course, *, level: float, epochs: Floats) -> float:
    """AUC of the first minus AUC of the second where each has won `level` of their common reach."""
    gain = level * reach([course, other], epochs=epochs)
    return course.auc_at(gain) - other.auc_at(gain)


def leaking_more(course: Course, *, by: float, than: Course, level: float, epochs: Floats) -> Course:
    """`course` with as much more leak that `true_difference` to `than` is `by`."""

    def miss(leak: float) -> float:
        return true_difference(replace(course, leak=leak), than, level=level, epochs=epochs) - by

    return replace(course, leak=float(brentq(miss, 0.01, 20.0)))
