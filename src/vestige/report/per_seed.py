"""The numbers behind the averages: what each attack achieves on each cell, for statistics of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from vestige.metrics import common_texts
from vestige.metrics.roc import weighted_auc, weighted_tpr_at_fpr
from vestige.outcome.frames import Results
from vestige.outcome.labels import labels_of
from vestige.outcome.wording import tpr_key
from vestige.records import Labelled

_CHECKPOINT = ("base", "corpus", "method", "learning_rate", "epoch")

PER_SEED: Mapping[str, Any] = {
    "base": pl.String,
    "corpus": pl.String,
    "method": pl.String,
    "learning_rate": pl.Float64,
    "epoch": pl.Float64,
    "seed": pl.Int64,
    "fold": pl.String,
    "attack": pl.String,
    "quantity": pl.String,
    "value": pl.Float64,
    "members": pl.Int64,
    "non_members": pl.Int64,
}
"""One row per cell, checkpoint, attack and quantity: `auc`, and `tpr@0.01` for every rate of the study; null where a
class has no scored text, or too few for the rate. Null `method`: the control on the base. `members`, `non_members`:
texts behind the number, those that all attacks score.
"""


def per_seed(results: Results) -> pl.DataFrame:
    """AUC and TPR of every attack on every seed and fold (columns: `PER_SEED`). The mean over the folds of each seed,
    and then over the seeds, is the value in the estimates.
    """
    rows = [
        row for _, frame in results.scores.group_by(_CHECKPOINT, maintain_order=True) for row in _rows(frame, results)
    ]
    return pl.DataFrame(rows, schema=PER_SEED, orient="row")


def _rows(scores: pl.DataFrame, results: Results) -> Iterator[dict[str, Any]]:
    """Those of one checkpoint."""
    names = scores.select(_CHECKPOINT).row(0, named=True)
    labels = labels_of(scores)
    for attack, cells in (common_texts(labels) if labels else {}).items():
        for cell in cells:
            about = {**names, "seed": cell.seed, "fold": cell.fold, "attack": attack, **_counts(cell)}
            for quantity, value in _values(cell, results.facts.study.fpr).items():
                yield {**about, "quantity": quantity, "value": value}


def _counts(cell: Labelled) -> dict[str, int]:
    scored, is_member = cell.scores.scored, cell.is_member
    return {"members": int((scored & is_member).sum()), "non_members": int((scored & ~is_member).sum())}


def _values(cell: Labelled, rates: Sequence[float]) -> dict[str, float | None]:
    scored = cell.scores.scored
    values, is_member = cell.scores.values[scored], cell.is_member[scored]
    found: dict[str, float | None] = dict.fromkeys(["auc", *map(tpr_key, rates)])
    if is_member.any() and not is_member.all():
        weights = np.ones((1, len(values)))
        found["auc"] = float(weighted_auc(values, is_member=is_member, weights=weights)[0])
        for rate in rates:
            if (~is_member).sum() * rate >= 1 - 1e-9:
                tpr = weighted_tpr_at_fpr(values, is_member=is_member, weights=weights, fpr=rate)
                found[tpr_key(rate)] = float(tpr[0])
    return found
