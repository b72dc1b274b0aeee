"""A number of a study together with how it comes out otherwise: what every interval of a comparison is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np

from vestige.metrics.intervals import Part, training_part
from vestige.records import Floats


@final
@dataclass(frozen=True, eq=False)
class Replicated:
    """A number, its units and its samples.

    * `points`: shape (1 + units,): the number, and what each unit (a seed, or with one seed a fold) says alone.
    * `pool`, `validation`: shape (samples,), where groups of the pool, or of the validation texts, are drawn anew.
    * `halves`: shape (2 · halvings,): on one half of the groups of the pool and on the other, turn by turn.
    """

    points: Floats
    pool: Floats
    validation: Floats
    halves: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def value(self) -> float:
        """The number."""
        return float(self.points[0])

    @property
    def units(self) -> Floats:
        """What each unit says, shape (units,)."""
        return self.points[1:]

    @property
    def training(self) -> list[Part]:
        """The variance that training again gives to it, from its units; empty with one, which says nothing of it."""
        return [training_part(self.units.tolist())] if len(self.units) > 1 else []

    def minus(self, other: Replicated) -> Replicated:
        """The difference, paired in every column."""
        return combined([self, other], weights=[1.0, -1.0])


def combined(numbers: Sequence[Replicated], *, weights: Sequence[float]) -> Replicated:
    """A weighted sum in every column."""
    pairs = list(zip(numbers, weights, strict=True))
    return Replicated(
        points=np.sum([weight * one.points for one, weight in pairs], axis=0),
        pool=np.sum([weight * one.pool for one, weight in pairs], axis=0),
        validation=np.sum([weight * one.validation for one, weight in pairs], axis=0),
        halves=np.sum([weight * one.halves for one, weight in pairs], axis=0),
    )
