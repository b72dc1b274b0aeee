"""The gradient norm attack: how strongly the loss of a text still pulls at the model."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import GRADIENTS, TARGET_LOGP, Attack, Needs, Tables, as_scores
from vestige.records import Scores


@final
class GradNorm(Attack):
    """Minus the p-norm of the gradient of the mean loss of a text's scored tokens.

    At most 0: training moved the model until the loss of its texts pulled no more, so that a member has the smaller
    gradient. It is taken with respect to the input embeddings of all tokens of the text, so that models compare
    whatever was fine-tuned. White box; one forward and one backward pass, which count as three. Unscorable: no scored
    token (`too_short`).
    Wang et al. 2024, arXiv:2402.17012, section 4 (gradient norms). Differs from the authors' code in that the gradient
    is not that of the weights, of which LoRA and a prompt have different ones.
    """

    name: Literal["grad_norm"] = "grad_norm"
    needs: ClassVar[Needs] = (TARGET_LOGP, GRADIENTS)
    p: Literal[1, 2] = 2

    def score(self, tables: Tables) -> Scores:
        """Minus the norm, shape (texts,)."""
        logp, norms = tables.read(TARGET_LOGP), tables.read(GRADIENTS)
        values = np.where(logp.finite(), -(norms.first if self.p == 1 else norms.second), np.nan)
        return as_scores(tables, values, lengths=logp.lengths)
