"""Several differences judged at once: step-down max-t over bootstrap samples.

Westfall and Young 1993, Resampling-Based Multiple Testing, algorithm 2.8; Romano and Wolf 2005, Econometrica 73(4).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.special
import scipy.stats

from vestige.metrics.intervals import Spread
from vestige.metrics.replicated import Replicated
from vestige.records import Floats

_STREAM = 4


def two_sided(value: float, spread: Spread) -> float:
    """The p-value of a number that would be 0, by Student's t; 1 where both are 0 and 0 where nothing varies."""
    if spread.error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * scipy.stats.t.sf(abs(value) / spread.error, spread.df))


def step_down(statistics: Floats, null: Floats) -> Floats:
    """Adjusted p-values, shape (tests,): the chance that one or more of the tests not yet rejected comes out as large.

    `statistics`: absolute, shape (tests,). `null`: absolute statistics under the joint null, shape (samples, tests).
    """
    order = np.argsort(-statistics, kind="stable")
    # The largest of a test and of all that come after it in the order.
    largest = np.maximum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]
    exceeding = (1 + np.sum(largest >= statistics[order], axis=0)) / (1 + len(null))
    adjusted = np.empty(len(statistics))
    adjusted[order] = np.maximum.accumulate(exceeding)
    return adjusted


def adjusted_p_values(
    differences: Sequence[Replicated],
    spreads: Sequence[Spread],
    *,
    groups: tuple[int, int],
    training: Floats,
    seed: int,
) -> Floats:
    """p-values of several differences after correction for their number, shape (differences,).

    The joint null: deviations of the samples of the pool and of the validation texts, which are drawn independently
    and so added, and normal ones with the covariance of the units. Each t is held against it as the normal deviate with
    the same p-value, whatever its degrees of freedom.

    `groups`: of the pool and of the validation texts. `training`: the retraining variance of each difference.
    """
    errors = np.array([spread.error for spread in spreads])
    p_values = np.array([two_sided(one.value, spread) for one, spread in zip(differences, spreads, strict=True)])
    deviations = _deviations(np.array([one.pool for one in differences]), groups=groups[0])
    deviations = deviations + _deviations(np.array([one.validation for one in differences]), groups=groups[1])
    deviations = deviations + _of_training(
        np.array([one.units for one in differences]), training, deviations, seed=seed
    )
    null = np.divide(deviations, errors[:, None], out=np.zeros_like(deviations), where=errors[:, None] > 0)
    adjusted = step_down(_normal(p_values), np.abs(np.nan_to_num(null)).T)
    corrected: Floats = np.maximum(adjusted, p_values)
    return corrected


def _normal(p_values: Floats) -> Floats:
    deviates: Floats = -scipy.special.ndtri(p_values / 2)
    return deviates


def _deviations(samples: Floats, *, groups: int) -> Floats:
    """Samples of each difference around their mean, shape (differences, samples), widened as `group_part` widens."""
    around: Floats = (samples - np.nanmean(samples, axis=1, keepdims=True)) * np.sqrt(groups / (groups - 1))
    return around


def _of_training(units: Floats, variances: Floats, like: Floats, *, seed: int) -> Floats:
    """Normal deviations whose covariance is that of the units, each scaled to its variance."""
    if units.shape[1] < 2:
        return np.zeros_like(like)
    centred = units - units.mean(axis=1, keepdims=True)
    sizes = np.sqrt(np.sum(centred**2, axis=1, keepdims=True))
    directions = np.divide(centred, sizes, out=np.zeros_like(centred), where=sizes > 0)
    drawn = np.random.default_rng([seed, _STREAM]).standard_normal((units.shape[1], like.shape[1]))
    deviations: Floats = np.sqrt(variances)[:, None] * (directions @ drawn)
    return deviations
