"""The loss attack."""

from __future__ import annotations

from typing import ClassVar, Literal, final

from vestige.attacks.base import TARGET_LOGP, Attack, Needs, Tables, as_scores
from vestige.records import Scores


@final
class Loss(Attack):
    """Mean log-probability of the scored tokens under the target, that is minus its loss.

    Score in nats per token, ≤ 0. Unscorable: no scored token (`too_short`).
    Yeom et al. 2018, arXiv:1709.01604, Adversary 2 (the loss as a threshold attack).
    """

    name: Literal["loss"] = "loss"
    needs: ClassVar[Needs] = (TARGET_LOGP,)

    def score(self, tables: Tables) -> Scores:
        """Mean log-probability, shape (texts,), nats per token."""
        logp = tables.read(TARGET_LOGP)
        return as_scores(tables, logp.means(), lengths=logp.lengths)
