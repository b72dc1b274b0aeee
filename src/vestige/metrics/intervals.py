"""From variances to an interval: Student's t over independent sources of error, each with its degrees of freedom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import scipy.stats

from vestige.records import Floats


@final
@dataclass(frozen=True)
class Interval:
    """Both ends of an interval, low ≤ high."""

    low: float
    high: float


@final
class Part(NamedTuple):
    """One source of error: the variance that it gives to an estimate, and the degrees of freedom of that variance."""

    variance: float
    df: float


@final
@dataclass(frozen=True)
class Spread:
    """The standard error of an estimate, and its degrees of freedom (infinite where nothing varies)."""

    error: float
    df: float

    def reach(self, level: float) -> float:
        """How far an interval of that level goes to either side."""
        return self.error * float(scipy.stats.t.ppf((1 + level) / 2, self.df)) if self.error else 0.0


def spread(parts: Sequence[tuple[float, float]]) -> Spread:
    """Standard error of an estimate whose independent parts each have (variance, degrees of freedom).

    Variances add up; the degrees of freedom are (Σ V)² / Σ V²/df, between the fewest of a part and the sum of all.
    ValueError for a negative variance or no positive degrees of freedom. Welch 1947, Biometrika 34; Satterthwaite 1946,
    Biometrics Bulletin 2.
    """
    for variance, df in parts:
        if not (variance >= 0 and df > 0):
            raise ValueError(f"expected a variance ≥ 0 and degrees of freedom > 0, got {variance:g} and {df:g}")
    total = math.fsum(variance for variance, _ in parts)
    if total == 0:
        return Spread(error=0.0, df=math.inf)
    # Shares rather than variances: the square of a small variance may be 0.
    return Spread(error=math.sqrt(total), df=1 / math.fsum((variance / total) ** 2 / df for variance, df in parts))


def t_interval(value: float, *, parts: Sequence[tuple[float, float]], level: float) -> Interval:
    """value ± t·SE, of `spread`; both ends are the value where nothing varies. `level`: .95 for 95%."""
    reach = spread(parts).reach(level)
    return Interval(low=value - reach, high=value + reach)


def group_part(replicates: Floats, *, groups: int) -> Part:
    """The variance that the choice of groups gives to an estimate, from its bootstrap samples (NaNs left out).

    A sample of G groups out of G varies by (G − 1)/G of what G new groups would: the variance is widened by
    G/(G − 1) and has G − 1 degrees of freedom. ValueError for fewer than two groups.
    """
    if groups < 2:
        raise ValueError(f"expected two groups or more, got {groups}")
    drawn = replicates[np.isfinite(replicates)]
    return Part(variance=float(np.var(drawn)) * groups / (groups - 1), df=groups - 1)


def training_part(by_seed: Sequence[float]) -> Part:
    """The variance that the trainings give to the mean of one value per seed: s²/S, with S − 1 degrees of freedom.

    ValueError for fewer than two seeds, which say nothing of it.
    """
    if len(by_seed) < 2:
        raise ValueError(f"expected the values of two seeds or more, got {len(by_seed)}")
    return Part(variance=float(np.var(by_seed, ddof=1)) / len(by_seed), df=len(by_seed) - 1)
