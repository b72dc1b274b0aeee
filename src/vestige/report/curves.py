"""From scores to curves: the ROC averaged over the cells of a checkpoint, and densities of the per-text loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from scipy.stats import gaussian_kde

from vestige.metrics import common_texts, roc_curve
from vestige.outcome.labels import labels_of
from vestige.records import Floats

_SLACK = 1e-9
_POINTS = 200


@final
@dataclass(frozen=True)
class Roc:
    """TPR over FPR, averaged over cells at equal FPR; `least` is one false positive in the smallest cell."""

    fpr: Floats
    tpr: Floats
    least: float


@final
@dataclass(frozen=True)
class Losses:
    """Mean loss of each scored text of one cell, nats per token, shape (members,) and (non-members,)."""

    members: Floats
    non_members: Floats


def mean_roc(scores: pl.DataFrame, *, attack: str) -> Roc | None:
    """The curve behind the AUC of the table, on the texts that all attacks score; None where a class has none.

    At each FPR the largest TPR that a threshold with at most that FPR reaches, per cell, then averaged: so that the
    curve passes through the TPR of the table.
    """
    labels = labels_of(scores)
    if attack not in labels:
        return None
    cells = common_texts(labels)[attack]
    try:
        curves = [roc_curve(cell) for cell in cells]
    except ValueError:
        return None
    grid = np.unique(np.concatenate([curve.fpr for curve in curves]))
    steps = [curve.tpr[np.searchsorted(curve.fpr, grid + _SLACK, side="right") - 1] for curve in curves]
    non_members = min(int(np.sum(cell.scores.scored & ~cell.is_member)) for cell in cells)
    return Roc(fpr=grid, tpr=np.mean(steps, axis=0), least=1 / non_members)


def losses_of(scores: pl.DataFrame, *, seed: int, fold: str) -> Losses | None:
    """Per-text losses of one cell from the attack `loss`; None unless both classes have three different values."""
    cell = (pl.col("attack").eq("loss"), pl.col("seed").eq(seed), pl.col("fold").eq(fold))
    own = scores.filter(*cell).drop_nulls("score")
    both = [-own.filter(pl.col("is_member") == members)["score"].to_numpy() for members in (True, False)]
    if any(len(np.unique(one)) < 3 for one in both):
        return None
    return Losses(members=both[0], non_members=both[1])


def density(losses: Floats, *, low: float, high: float) -> tuple[Floats, Floats]:
    """Kernel density estimate (Gaussian, Scott's rule) on an even grid: places and densities, shape (200,)."""
    places = np.linspace(low, high, _POINTS)
    return places, np.asarray(gaussian_kde(losses)(places), dtype=np.float64)
