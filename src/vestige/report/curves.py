"""From scores to curves: the ROC averaged over the cells of a checkpoint, and densities of the per-text loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, final

import numpy as np
import polars as pl
from scipy.stats import gaussian_kde

from vestige.metrics import common_texts, roc_curve
from vestige.records import Floats, Fold, Labelled, Scores

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


def labels_of(scores: pl.DataFrame) -> dict[str, list[Labelled]]:
    """Attack → its cells, limited to the cells that all attacks have scored."""
    seats = scores.group_by("seed", "fold").agg(pl.col("attack").n_unique())
    whole = seats.filter(pl.col("attack") == scores["attack"].n_unique()).select("seed", "fold")
    frames = scores.join(whole, on=["seed", "fold"], how="semi").sort("seed", "fold", "id")
    labels: dict[str, list[Labelled]] = {}
    for (attack, _, _), frame in frames.group_by("attack", "seed", "fold", maintain_order=True):
        labels.setdefault(str(attack), []).append(_labelled(frame))
    return labels


def _labelled(frame: pl.DataFrame) -> Labelled:
    texts = {name: np.asarray(frame[name].to_list(), dtype=np.str_) for name in ("id", "group", "reason")}
    values = frame["score"].cast(pl.Float64).to_numpy().astype(np.float64)
    return Labelled(
        scores=Scores(ids=texts["id"], values=values, reasons=texts["reason"]),
        is_member=frame["is_member"].to_numpy(),
        groups=texts["group"],
        seed=int(frame["seed"][0]),
        fold=cast(Fold, frame["fold"][0]),
    )


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
