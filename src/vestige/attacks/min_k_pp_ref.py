"""The Min-K%++ attack calibrated by the model before fine-tuning."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import (
    BASE_LOGP,
    BASE_MEAN,
    BASE_VARIANCE,
    TARGET_LOGP,
    TARGET_MEAN,
    TARGET_VARIANCE,
    ComparingAttack,
    Needs,
    Share,
    Tables,
    as_scores,
)
from vestige.attacks.min_k_pp import standardized
from vestige.records import Scores

_TARGET = (TARGET_LOGP, TARGET_MEAN, TARGET_VARIANCE)
_BASE = (BASE_LOGP, BASE_MEAN, BASE_VARIANCE)


@final
class MinKPPRef(ComparingAttack):
    """`min_k_pp` of the target minus `min_k_pp` of the reference: each model's own lowest standardized tokens.

    No unit; each model's log-probabilities are standardized by that model. Unscorable: no scored token (`too_short`).
    LoRA-Leak, 2025, arXiv:2507.18302 (calibration by the pretrained model). As in `min_k_pp`, at least one
    token is selected, σ² is bounded from below, and ⌊k · n⌋ is exact.
    """

    name: Literal["min_k_pp_ref"] = "min_k_pp_ref"
    needs: ClassVar[Needs] = (*_TARGET, *_BASE)
    k: Share = 0.2

    def score(self, tables: Tables) -> Scores:
        """Difference of the two means, shape (texts,)."""
        target, base = standardized(tables, *_TARGET), standardized(tables, *map(self.calibrating, _BASE))
        with np.errstate(invalid="ignore"):
            values = target.lowest_means(share=self.k) - base.lowest_means(share=self.k)
        return as_scores(tables, values, lengths=target.lengths)
