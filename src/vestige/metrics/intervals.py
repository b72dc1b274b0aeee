"""From variances to an interval: Student's t over independent sources of error, each with its degrees of freedom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import scipy.stats

from vestige.records import Floats, Texts


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


def room_at_the_edge(trials: int, *, level: float) -> float:
    """How far from 1 (from 0) the exact binomial interval of `trials` hits (of none) reaches."""
    return 1 - float(((1 - level) / 2) ** (1 / trials))


def share_interval(value: float, *, parts: Sequence[tuple[float, float]], level: float, trials: int) -> Interval:
    """Interval of a number between 0 and 1, such as an AUC: inside these, lopsided near them, wide at them.

    Wilson's score interval (1927, JASA 22) of as many trials as would vary as much: all p with |value − p| ≤
    t·√(p(1 − p)·V/(value(1 − value))), V the sum of the parts. Far from 0 and 1 that is value ± t√V. Near them few
    texts decide and V says little, so that no interval begins nearer to 1 (ends nearer to 0) than the exact binomial
    interval of `trials` hits out of `trials` does: one pair in the wrong order never says more than none.
    """
    room = room_at_the_edge(trials, level=level)
    left = value * (1 - value)
    per_trial = spread(parts).reach(level) ** 2 / left if left > 0 else 0.0
    middle = (value + per_trial / 2) / (1 + per_trial)
    reach = math.sqrt(per_trial * left + per_trial**2 / 4) / (1 + per_trial)
    return Interval(low=max(0.0, min(middle - reach, 1 - room)), high=min(1.0, max(middle + reach, room)))


def difference_interval(
    value: float,
    *,
    parts: Sequence[tuple[float, float]],
    share: float,
    share_parts: Sequence[tuple[float, float]],
    level: float,
    trials: int,
) -> Interval:
    """Interval of a share minus another number that is paired with it: value ± t·SE, with the room to either side that
    the share's own interval has beyond its own t·SE, as far as it is more; never beyond −1 and 1.

    As in the method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27): squares of
    distances to the ends add up as variances do.
    """
    own, shared = spread(share_parts).reach(level), spread(parts).reach(level)
    ends = share_interval(share, parts=share_parts, level=level, trials=trials)
    below, above = (math.sqrt(shared**2 + max(0.0, room**2 - own**2)) for room in (share - ends.low, ends.high - share))
    return Interval(low=max(-1.0, value - below), high=min(1.0, value + above))


def group_part(replicates: Floats, *, groups: int) -> Part:
    """The variance that the choice of groups gives to an estimate, from its bootstrap samples (NaNs left out).

    A sample of G groups out of G varies by (G − 1)/G of what G new groups would: the variance is widened by
    G/(G − 1) and has G − 1 degrees of freedom. ValueError for fewer than two groups.
    """
    if groups < 2:
        raise ValueError(f"expected two groups or more, got {groups}")
    drawn = replicates[np.isfinite(replicates)]
    return Part(variance=float(np.var(drawn)) * groups / (groups - 1), df=groups - 1)


def jackknife_part(sums: Floats, sizes: Floats, *, groups: Texts) -> Part:
    """The variance of Σ sums / Σ sizes over texts where their groups are drawn, and its G − 1 degrees of freedom.

    By leaving out one group at a time, which takes large groups into account. `sums`, `sizes` (such as tokens) and
    `groups`: shape (texts,). ValueError for fewer than two groups. Efron and Stein 1981, Annals of Statistics 9(3).
    """
    names, places = np.unique(groups, return_inverse=True)
    number = len(names)
    if number < 2:
        raise ValueError(f"expected two groups or more, got {number}")
    own, tokens = (np.bincount(places, weights=one) for one in (sums, sizes))
    without = (own.sum() - own) / (tokens.sum() - tokens)
    spread_out = float(np.sum((without - own.sum() / tokens.sum()) ** 2))
    return Part(variance=(number - 1) / number * spread_out, df=number - 1)


def training_part(values: Sequence[float]) -> Part:
    """The variance that training again gives to the mean of one value per training (or seed): s²/S, with S − 1 degrees
    of freedom.

    ValueError for fewer than two, which say nothing of it.
    """
    if len(values) < 2:
        raise ValueError(f"expected the values of two trainings or more, got {len(values)}")
    return Part(variance=float(np.var(values, ddof=1)) / len(values), df=len(values) - 1)


@final
@dataclass(frozen=True)
class Trainings:
    """What an interval knows of training again: `parts` of the variance of a mean over cells, and its `name` in a
    signature, `6` for as many trainings; `these` where it knows nothing and holds for the one at hand.
    """

    name: str
    parts: tuple[Part, ...] = ()


def trainings(values: Sequence[float]) -> Trainings:
    """The part of the variance of a mean over cells that training again would give, from the value of each cell.

    Every cell begins and goes on from random numbers of its own, so that the folds of a seed are two trainings as any
    others: s²/n over n cells, with n − 1 degrees of freedom; with one seed and two folds that is (A − B)²/4, with 1. Of
    one training there is none. Give values that differ by nothing but the training: each fold has members of its own,
    and what makes these easy must be taken off before.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        return Trainings("these")
    return Trainings(str(len(values)), (training_part(values),))
