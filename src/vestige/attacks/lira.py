"""The likelihood ratio attack: whether the target finds a text as likely as models trained on it do, or as others."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, Attack, Needs, OtherCells, Tables, as_scores
from vestige.attacks.needs.other_cells import mean_over_cells
from vestige.attacks.ragged import Ragged
from vestige.attacks.ratio import mean_loss
from vestige.records import Floats, Scores


@final
class LiRA(Attack):
    """How φ, a logit of the text's likelihood, stands to φ under other models, some of them trained on the text.

    φ = −log(e^L − 1), L the mean loss of the scored tokens, is taken for normal with one σ for all texts and with means
    μ_in and μ_out of the text's own: the score is the log-likelihood ratio times σ², (φ − (μ_in + μ_out) / 2) · (μ_in −
    μ_out), in whose order σ plays no part. With `online = false` it is φ − μ_out. The models are the cells of the same
    method and checkpoint under the other seeds of the study, so that a text has as many models with it whether the
    target was trained on it or not. L counts as at least `ratio`'s bound. Unscorable: no scored token (`too_short`).
    Carlini et al. 2022, arXiv:2112.03570, eqs. 3 and 4. Differs from the authors' code in that φ is of the mean loss of
    a text, which has no probability of a class, in that μ_in and μ_out are means, where the public code takes medians,
    and in that one σ serves all texts and both sides.
    """

    name: Literal["lira"] = "lira"
    needs: ClassVar[Needs] = (TARGET_LOGP, OtherCells(4, 4))
    online: bool = True

    @property
    def reads(self) -> Needs:
        return self.needs if self.online else (TARGET_LOGP, OtherCells(0, 2))

    def score(self, tables: Tables) -> Scores:
        """The ratio, shape (texts,)."""
        logp = tables.read(TARGET_LOGP)
        cells = tables.read(OtherCells())
        outside = mean_over_cells(cells, _logit, members=False)
        with np.errstate(invalid="ignore"):
            values = _logit(logp) - outside
            if self.online:
                inside = mean_over_cells(cells, _logit, members=True)
                values = (_logit(logp) - (inside + outside) / 2) * (inside - outside)
        return as_scores(tables, values, lengths=logp.lengths)


def _logit(logp: Ragged) -> Floats:
    """φ of each text, shape (texts,); NaN where it has no token or one that is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(logp.finite(), -np.log(np.expm1(mean_loss(logp))), np.nan)
