"""A weighted sum of AUCs on the same texts, such as a mean of some methods minus that of others: how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from vestige.metrics.intervals import Spread, group_part, spread, trainings
from vestige.metrics.leakage import resampled
from vestige.metrics.roc import weighted_auc
from vestige.metrics.uncertainty import Bootstrap, own_groups
from vestige.records import Floats, Ints, Labels


@final
@dataclass(frozen=True, eq=False)
class Resamples:
    """The AUC of every cell of one checkpoint, as it is and in every bootstrap sample of the groups of the pool.

    * `values`: shape (cells,); `samples`: shape (samples, cells), NaN where a class was not drawn.
    * `seeds`: of each cell, shape (cells,). `groups`: how many can be drawn.
    """

    values: Floats
    samples: Floats
    seeds: Ints
    groups: int


def resamples(labels: Labels, *, bootstrap: Bootstrap) -> Resamples:
    """Of one attack on the cells of one checkpoint. Sample i weighs the texts alike for all that share their groups."""
    cells = [resampled(one, metric=weighted_auc) for one in labels]
    pool = np.concatenate([own_groups(one.groups, ids=one.scores.ids) for one in labels])
    values, seeds = np.array([cell.value() for cell in cells]), np.array([cell.seed for cell in cells])
    return Resamples(values, bootstrap.of_cells(cells, pool=pool), seeds, groups=len(np.unique(pool)))


def contrast(terms: Sequence[tuple[float, Resamples]]) -> tuple[float, Spread]:
    """Σ w·AUC over checkpoints, each averaged over the folds of a seed and then over seeds, with its standard error.

    Groups of the pool, drawn once for all terms, give V·G/(G − 1); trainings give s²/n of the sum in each of n cells.
    With one cell nothing is known of trainings. ValueError unless every term has the same cells.
    """
    first = terms[0][1]
    if any(not np.array_equal(one.seeds, first.seeds) for _, one in terms):
        raise ValueError("every term of a contrast needs the same cells, in the same order")
    values = _sum([(weight, one.values) for weight, one in terms])
    samples = _sum([(weight, one.samples) for weight, one in terms])
    own = [first.seeds == seed for seed in np.unique(first.seeds)]
    value = float(np.mean([values[cells].mean() for cells in own]))
    drawn = np.mean([samples[:, cells].mean(axis=1) for cells in own], axis=0)
    again = trainings(values.tolist())
    return value, spread([group_part(drawn, groups=first.groups), *again.parts])


def _sum(terms: Sequence[tuple[float, Floats]]) -> Floats:
    total: Floats = np.sum([weight * values for weight, values in terms], axis=0)
    return total
