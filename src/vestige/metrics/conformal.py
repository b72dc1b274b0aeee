"""Per record instead of on average: how seldom a text that was never trained on scores as high as this one."""

from __future__ import annotations

import math

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


def calibration_needed(p_values: Floats, *, calibration: int, fdr: float) -> int | None:
    """How many calibration texts it takes before Benjamini and Hochberg call any text a member, if further ones score
    as the present ones do; None where no number would be enough.

    `p_values`: conformal, against `calibration` texts. A text that c of n calibration texts outscore has the p-value
    (1 + c) / (1 + n), and would have (1 + cN/n) / (1 + N) against N. With r of the m texts outscored by c or fewer,
    they are called where that is at most fdr · r / m: for texts above all calibration texts (c = 0) from N = m / (fdr ·
    r) − 1 on, since no p-value can be below 1 / (1 + N).
    """
    known = np.sort(p_values[np.isfinite(p_values)])
    if not known.size or not calibration:
        return None
    outscored = np.rint(known * (1 + calibration) - 1) / calibration
    allowed = fdr * np.arange(1, known.size + 1) / known.size
    can = outscored < allowed
    if not can.any():
        return None
    least = np.maximum((1 - allowed[can]) / (allowed[can] - outscored[can]), 0)
    return math.ceil(float(least.min()) - 1e-9)


def fewest_called(texts: int, *, calibration: int, fdr: float) -> int:
    """How many of `texts` Benjamini and Hochberg call members at least, where they call any: ⌈m / (fdr · (1 + n))⌉.

    No conformal p-value is below 1 / (1 + n) with n calibration texts, and r of m texts are called where the largest of
    theirs is at most fdr · r / m. More than `texts` where nobody can ever be called.
    """
    return math.ceil(texts / (fdr * (1 + calibration)) - 1e-9)
