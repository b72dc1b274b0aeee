"""The Min-K% attack: only the least likely tokens tell."""

from __future__ import annotations

from typing import ClassVar, Literal, final

from vestige.attacks.base import TARGET_LOGP, Attack, Needs, Share, Tables, as_scores
from vestige.records import Scores


@final
class MinK(Attack):
    """Mean log-probability of the max(1, ⌊k · n⌋) least likely of the n scored tokens under the target.

    Score in nats per token, ≤ 0; with k = 1 it is `loss`. Unscorable: no scored token (`too_short`).
    Shi et al. 2024, arXiv:2310.16789, eq. 1. Differs from the authors' code in that at least one token is selected,
    where theirs gives NaN, and in that ⌊k · n⌋ is exact (theirs takes 28 of 100 tokens at k = 0.29).
    """

    name: Literal["min_k"] = "min_k"
    needs: ClassVar[Needs] = (TARGET_LOGP,)
    k: Share = 0.2

    def score(self, tables: Tables) -> Scores:
        """Mean log-probability of the selected tokens, shape (texts,), nats per token."""
        logp = tables.read(TARGET_LOGP)
        return as_scores(tables, logp.lowest_means(share=self.k), lengths=logp.lengths)
