"""The Min-K%++ attack: the least likely tokens, each measured by what the target expected in its place."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import (
    TARGET_LOGP,
    TARGET_MEAN,
    TARGET_VARIANCE,
    Attack,
    Column,
    Needs,
    Share,
    Tables,
    as_scores,
)
from vestige.attacks.ragged import Ragged
from vestige.records import Scores

SMALLEST_VARIANCE = 1e-6
"""nats². Next to a probability of 1 the stored variance is a difference of nearly equal fp32 numbers, and may be 0."""


@final
class MinKPP(Attack):
    """Mean of the max(1, ⌊k · n⌋) lowest of the n standardized log-probabilities (log p(token) − μ) / σ.

    μ and σ are mean and standard deviation of log p(v) over the vocabulary, v drawn from the target's own next-token
    distribution p. No unit; higher where even the worst tokens are near what the target expected. σ² counts as at
    least `SMALLEST_VARIANCE`. Unscorable: no scored token (`too_short`).
    Zhang et al. 2025, arXiv:2404.02936 (moments weighted by p). Differs from the authors' code in that at least one
    token is selected, σ² is bounded from below, and ⌊k · n⌋ is exact.
    """

    name: Literal["min_k_pp"] = "min_k_pp"
    needs: ClassVar[Needs] = (TARGET_LOGP, TARGET_MEAN, TARGET_VARIANCE)
    k: Share = 0.2

    def score(self, tables: Tables) -> Scores:
        """Mean standardized log-probability of the selected tokens, shape (texts,)."""
        surprise = standardized(tables, TARGET_LOGP, TARGET_MEAN, TARGET_VARIANCE)
        return as_scores(tables, surprise.lowest_means(share=self.k), lengths=surprise.lengths)


def standardized(tables: Tables, logp: Column, mean: Column, variance: Column) -> Ragged:
    """(log p − μ) / σ of every scored token; the columns are of one view."""
    centred = tables.read(logp) - tables.read(mean)
    spread = np.sqrt(np.maximum(tables.read(variance).values, SMALLEST_VARIANCE))
    return Ragged(values=centred.values / spread, offsets=centred.offsets)
