"""Numbers with the half-widths of their intervals, and how these add up where all that is left of a number is that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self, final

from vestige.records import Estimate

_WIDEST: Final = 0.8393
"""A 90% interval is at most this share of a 95% one: as much for the normal distribution, less for every t."""


@final
@dataclass(frozen=True)
class Measured:
    """A value with the half-widths of its 95% interval (`wide`) and of its 90% interval (`narrow`). `without`: what a
    mean had to leave out, each with its reason.
    """

    value: float
    wide: float
    narrow: float
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, estimate: Estimate, *, bound: float | None = None) -> Self:
        """What an estimate says, by the longer side of its interval; `bound`: the end of its 90% interval that is
        farther from 0 (the smallest margin of equivalence). ValueError for one that is refused.
        """
        if estimate.value is None or estimate.low is None or estimate.high is None:
            raise ValueError("a refused estimate has no interval")
        wide = max(estimate.value - estimate.low, estimate.high - estimate.value)
        narrow = _WIDEST * wide if bound is None else bound - abs(estimate.value)
        return cls(estimate.value, wide, narrow)

    @property
    def turned(self) -> Measured:
        """The same with the other sign."""
        return replace(self, value=-self.value)

    def times(self, factor: float) -> Measured:
        """The same in another unit; `factor` is above 0."""
        return replace(self, value=factor * self.value, wide=factor * self.wide, narrow=factor * self.narrow)

    @property
    def low(self) -> float:
        """The lower end of the 95% interval."""
        return self.value - self.wide

    @property
    def high(self) -> float:
        """The upper end of the 95% interval."""
        return self.value + self.wide


def of_shared_texts(parts: Sequence[Measured]) -> Measured:
    """The mean of numbers that rest on the same texts: as wide as if they erred together, the most there can be."""
    value, wide, narrow = (
        math.fsum(getattr(one, name) for one in parts) / len(parts) for name in ("value", "wide", "narrow")
    )
    return Measured(value, wide, narrow, _without(parts))


def independent(terms: Sequence[tuple[float, Measured]]) -> Measured:
    """Σ w·x of numbers that err independently: variances add up, and so do squares of half-widths.

    Each half-width has its own t in it, which is no narrower than one t for the sum with a weighted mean of these
    (Cochran and Cox 1950, Experimental Designs, section 4.14). Of numbers that rest on the same texts it errs on the
    side of width where the weights sum to 0.
    """
    value = math.fsum(weight * one.value for weight, one in terms)
    wide, narrow = (
        math.sqrt(math.fsum((weight * getattr(one, name)) ** 2 for weight, one in terms)) for name in ("wide", "narrow")
    )
    return Measured(value, wide, narrow, _without([one for _, one in terms]))


def _without(parts: Sequence[Measured]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in parts for name in one.without))


def minus(first: Measured, second: Measured) -> Measured:
    """The first less the second, as `independent`."""
    return independent([(1.0, first), (-1.0, second)])
