"""The ratio attack: how many times the base's loss is the target's."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import BASE_LOGP, TARGET_LOGP, ComparingAttack, Needs, Tables, as_scores
from vestige.attacks.ragged import Ragged
from vestige.records import Floats, Scores

SMALLEST_LOSS = float(np.finfo(np.float32).eps)
"""Nats per token. A stored probability cannot be told from 1 below it; a target's loss of 0 must not divide."""


@final
class Ratio(ComparingAttack):
    """Loss of the reference over loss of the target, both means over the scored tokens.

    No unit, > 0; above 1 where fine-tuning made the text more likely. Both losses count as at least `SMALLEST_LOSS`, so
    that a text that the target knows by heart scores highest instead of dividing by 0, and one that both know by heart
    scores 1. Unscorable: no scored token (`too_short`). A baseline of the window-based comparison, arXiv:2601.02751.
    Differs from the authors' code in that the losses are bounded from below.
    """

    name: Literal["ratio"] = "ratio"
    needs: ClassVar[Needs] = (TARGET_LOGP, BASE_LOGP)

    def score(self, tables: Tables) -> Scores:
        """Loss of the base over loss of the target, shape (texts,)."""
        target, base = tables.read(TARGET_LOGP), tables.read(self.calibrating(BASE_LOGP))
        return as_scores(tables, loss_ratio(base, target), lengths=target.lengths)


def loss_ratio(one: Ragged, other: Ragged) -> Floats:
    """Loss of `one` over loss of `other`, log-probabilities of the same texts, shape (texts,), each loss at least
    `SMALLEST_LOSS`; NaN where a text has no token or one that is not finite.
    """
    with np.errstate(invalid="ignore"):
        values = mean_loss(one) / mean_loss(other)
    return np.where(one.finite() & other.finite(), values, np.nan)


def mean_loss(logp: Ragged) -> Floats:
    """Mean loss of each text, shape (texts,), at least `SMALLEST_LOSS`; NaN where a text has no token."""
    loss: Floats = np.maximum(-logp.means(), SMALLEST_LOSS)
    return loss
