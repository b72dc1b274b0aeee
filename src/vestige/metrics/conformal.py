"""Per record instead of on average: how seldom a text that was never trained on scores as high as this one."""

from __future__ import annotations

import numpy as np
from scipy.stats import false_discovery_control

from vestige.records import Floats, Scores


def conformal_p_values(scores: Scores, *, calibration: Scores) -> Floats:
    """(1 + calibration texts that score at least as high) / (1 + calibration texts), shape (texts,).

    `calibration`: the same attack on the same model, over texts that it was not trained on. Where a text is a
    non-member and exchangeable with them, P(p ≤ α) ≤ α for every α; ties count against membership. The smallest value
    possible is 1 / (1 + calibration texts). NaN where the text has no score, or no calibration text has one. Texts of
    one group are alike, which leaves the values right on average and their spread wider than that of single texts.
    Vovk, Gammerman and Shafer 2005; Bates et al. 2023, arXiv:2104.08279, eq. 2.
    """
    known = np.sort(calibration.values[calibration.scored])
    if not known.size:
        return np.full(scores.values.shape, np.nan)
    at_least = known.size - np.searchsorted(known, scores.values, side="left")
    return np.where(scores.scored, (1 + at_least) / (1 + known.size), np.nan)


def adjusted_p_values(p_values: Floats) -> Floats:
    """p-values after Benjamini and Hochberg, shape (texts,); NaN stays NaN and counts for nothing.

    Of the texts whose adjusted value is ≤ α, a share of at most α is expected to be non-members. Conformal p-values
    that share their calibration texts depend on each other in the way that the procedure allows (Bates et al. 2023,
    arXiv:2104.08279, theorem 2). Benjamini and Hochberg 1995.
    """
    adjusted = np.full(p_values.shape, np.nan)
    known = np.isfinite(p_values)
    if known.any():
        adjusted[known] = false_discovery_control(p_values[known], method="bh")
    return adjusted
