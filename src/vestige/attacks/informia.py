"""The information-theoretic robust attack: how many nats more a text gained from the training than other texts did."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import CALIBRATION, TARGET_LOGP, Attack, Needs, OtherCells, Share, Tables, as_scores
from vestige.attacks.rmia import gains_outside
from vestige.records import Scores


@final
class InfoRMIA(Attack):
    """log p(x | target) / p(x) + KL(p(z) ‖ p(z | target)), z the `calibration` texts.

    Score in nats per token. The first part is what the target gained on a text over models that were not trained on it
    (p(x | model) and p(x) as in `rmia`); the second, the mean of log p(z) / p(z | target), is what it lost on texts
    that no model was trained on. Continuous where `rmia` counts texts; the second part is one number for all texts of a
    target, so that it orders them as `rmia` does with its ties broken, and differs between targets alone. Unscorable:
    no scored token (`too_short`).
    Tao and Shokri 2025, arXiv:2510.05582. Differs from the authors' code in that p is per token, and in a = 1 (see
    `rmia`).
    """

    name: Literal["informia"] = "informia"
    needs: ClassVar[Needs] = (TARGET_LOGP, OtherCells(0, 2), CALIBRATION)
    a: Share = 1.0

    def score(self, tables: Tables) -> Scores:
        """Gain of a text, less the mean gain of the calibration texts, shape (texts,), nats per token."""
        others = gains_outside(tables.read(CALIBRATION), a=self.a)
        known = others[np.isfinite(others)]
        typical = known.mean() if known.size else np.nan
        values = gains_outside(tables, a=self.a) - typical
        return as_scores(tables, values, lengths=tables.read(TARGET_LOGP).lengths)
