"""From the frame of scores to what metrics take: the scores of one attack on one cell, with the truth."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl

from vestige.records import Fold, Labelled, Scores


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
