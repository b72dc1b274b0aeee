"""The SURP attack: tokens that surprise a model that was sure of itself."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import TARGET_LOGP, TARGET_MEAN, Attack, Needs, Share, Tables, as_scores
from vestige.records import Scores


@final
class Surp(Attack):
    """Mean log-probability of the unlikely tokens that stand where the target was sure of what comes next.

    Score in nats per token, ≤ 0. A token counts whose probability is below the k-quantile of the text's, where the
    entropy of the next-token distribution is below `entropy` nats. Both bounds are strict; the quantile is interpolated
    linearly (numpy's default), its place exact for the k that is written. A text in which no token counts scores 0, the
    highest there is, by a rule that is noted (`none_surprising`; so in every text of one token): nothing in it
    surprised the model. (Masked, it would be so more often among members than among others.) Unscorable: no scored
    token (`too_short`). Zhang and Wu 2024, arXiv:2407.21248; the rule is ours, a mean over no token being none.
    """

    name: Literal["surp"] = "surp"
    needs: ClassVar[Needs] = (TARGET_LOGP, TARGET_MEAN)
    k: Share = 0.4
    entropy: Annotated[float, Field(gt=0)] = 2.0

    def score(self, tables: Tables) -> Scores:
        """Mean log-probability of the surprising tokens, shape (texts,), nats per token."""
        logp = tables.read(TARGET_LOGP)
        entropy = -tables.read(TARGET_MEAN).values
        is_low = logp.values < logp.per_token(logp.quantiles(shares=[self.k])[:, 0])
        surprising = logp.where(is_low & (entropy < self.entropy))
        none = surprising.lengths == 0
        values = np.where(none, 0.0, surprising.means())
        notes = np.where(none, "none_surprising", "")
        return as_scores(tables, np.where(logp.finite(), values, np.nan), lengths=logp.lengths, notes=notes)
