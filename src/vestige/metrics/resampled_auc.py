"""The AUC of one cell under thousands of weightings of its texts, fast: what `weighted_auc` computes, to rounding.

Texts are walked in the order of their scores, each a row of the weights of all samples: a running total of the
non-members below is all that a member needs. In fp32, which is exact for counts up to 2²⁴ pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vestige.records import Bools, Floats, Ints

Weights = NDArray[np.float32]


def resampled_auc(scores: Floats, *, is_member: Bools, rows: Ints, weights: Weights) -> Floats:
    """Area under the ROC curve in each column of weights, shape (samples,); NaN where a class has no weight.

    `scores`, `is_member`: shape (texts,), scores finite. `weights`: shape (units, samples), fp32 and contiguous; text i
    weighs `weights[rows[i]]`. A pair weighs the product of its weights, a tie counts one half.
    """
    outside = np.flatnonzero(~is_member)
    outside = outside[np.argsort(scores[outside], kind="stable")]
    inside = np.flatnonzero(is_member)
    below = _running_total(weights, rows[outside])
    own = weights[rows[inside]]
    first = np.searchsorted(scores[outside], scores[inside], side="left")
    beyond = np.searchsorted(scores[outside], scores[inside], side="right")
    pairs = np.einsum("ts,ts->s", own, below[first]).astype(np.float64)
    tied = np.flatnonzero(beyond > first)
    if len(tied):
        pairs += np.einsum("ts,ts->s", own[tied], below[beyond[tied]] - below[first[tied]]).astype(np.float64) / 2
    possible = own.sum(axis=0, dtype=np.float64) * below[-1].astype(np.float64)
    auc: Floats = np.divide(pairs, possible, out=np.full(len(pairs), np.nan), where=possible > 0)
    return auc


def _running_total(weights: Weights, rows: Ints) -> Weights:
    """Sums of the first k rows, shape (len(rows) + 1, samples). A loop over rows: `cumsum` along them is far slower."""
    totals = np.empty((len(rows) + 1, weights.shape[1]), dtype=np.float32)
    totals[0] = 0
    for place, row in enumerate(rows.tolist()):
        np.add(totals[place], weights[row], out=totals[place + 1])
    return totals
