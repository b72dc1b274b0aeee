"""The Min-K% attack calibrated by the model before fine-tuning."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import BASE_LOGP, TARGET_LOGP, ComparingAttack, Needs, Share, Tables, as_scores
from vestige.records import Scores


@final
class MinKRef(ComparingAttack):
    """`min_k` of the target minus `min_k` of the reference: each model's own max(1, ⌊k · n⌋) least likely tokens.

    Score in nats per token; with k = 1 it is `ref`. Unscorable: no scored token (`too_short`).
    LoRA-Leak, 2025, arXiv:2507.18302 (calibration by the pretrained model). As in `min_k`, at least one token
    is selected and ⌊k · n⌋ is exact.
    """

    name: Literal["min_k_ref"] = "min_k_ref"
    needs: ClassVar[Needs] = (TARGET_LOGP, BASE_LOGP)
    k: Share = 0.2

    def score(self, tables: Tables) -> Scores:
        """Difference of the two means, shape (texts,), nats per token."""
        target, base = tables.read(TARGET_LOGP), tables.read(self.calibrating(BASE_LOGP))
        with np.errstate(invalid="ignore"):
            values = target.lowest_means(share=self.k) - base.lowest_means(share=self.k)
        return as_scores(tables, values, lengths=target.lengths)
