"""The robust attack: how many texts that no model was trained on gained less from the target's training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import CALIBRATION, TARGET_LOGP, Attack, Needs, OtherCells, Share, Tables, as_scores
from vestige.attacks.needs.other_cells import mean_over_cells
from vestige.attacks.ragged import Ragged
from vestige.records import Floats, Scores


@final
class RMIA(Attack):
    """Share of the `calibration` texts z for which [p(x | target) / p(x)] / [p(z | target) / p(z)] is at least γ.

    Ties are broken by the text's own gain, p(x | target) / p(x). Between 0 and 1: (number of such texts + a part of one
    that grows with the gain) / (calibration texts + 1). The number is monotone in the gain, so that no two texts change
    places; without the part many share a value, and a threshold accuses all of them or nobody. p(x | model) is the
    exponential of the mean log-probability of the scored tokens, and p(x) = ½ ((1 + a) · p_out(x) + 1 − a), where p_out
    is the mean over models that were not trained on x: the cells of the same method and checkpoint under the other
    seeds of the study. No model was trained on any z.
    Unscorable: no scored token (`too_short`).
    Zarifzadeh et al. 2024, arXiv:2312.03262, eqs. 2 and 5 and appendix B.2.2 (offline). Differs from the authors' code
    in the broken ties; in that p is per token, where theirs is the probability of a class; and in a = 1, p(x) =
    p_out(x), where theirs is .3 for images: beside the small p of a token the rest, ½ (1 − a), would drown what the
    models say.
    """

    name: Literal["rmia"] = "rmia"
    needs: ClassVar[Needs] = (TARGET_LOGP, OtherCells(0, 2), CALIBRATION)
    gamma: Annotated[float, Field(gt=0)] = 1.0
    a: Share = 1.0

    def score(self, tables: Tables) -> Scores:
        """The share, shape (texts,)."""
        gains, others = gains_outside(tables, a=self.a), gains_outside(tables.read(CALIBRATION), a=self.a)
        bounds = np.sort(others[np.isfinite(others)]) + np.log(self.gamma)
        beaten = np.searchsorted(bounds, gains, side="right")
        part = 0.5 + np.arctan(gains) / np.pi  # between 0 and 1, and never flat where a number can still tell gains
        values = (beaten + part) / (len(bounds) + 1) if len(bounds) else np.full(len(gains), np.nan)
        values = np.where(np.isfinite(gains), values, np.nan)
        return as_scores(tables, values, lengths=tables.read(TARGET_LOGP).lengths)


def gains_outside(tables: Tables, *, a: float) -> Floats:
    """log p(x | target) − log p(x), shape (texts,), with p(x) from the cells that were not trained on x; NaN where a
    text has no token or one that is not finite.
    """
    logp = tables.read(TARGET_LOGP)
    outside = mean_over_cells(tables.read(OtherCells()), _probability, members=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        gains = logp.means() - np.log(((1 + a) * outside + 1 - a) / 2)
    return np.where(logp.finite(), gains, np.nan)


def _probability(logp: Ragged) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.exp(logp.means())
