"""The frame of scores, and how many of them a rule gave where the formula of an attack has no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from vestige.data.splits import members_of
from vestige.outcome.facts import Corner
from vestige.outcome.frames import SCORES
from vestige.records import Scores
from vestige.study.grid import Checkpoint, Pair, Seat
from vestige.study.plan import Plan
from vestige.study.results.measured import measured, names_of
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of

_NOTED = pl.Schema({**SCORES, "family": pl.String, "note": pl.String})
_CELLS = ("base", "corpus", "method", "family", "learning_rate", "epoch", "attack")


def noted_scores(plan: Plan) -> pl.DataFrame:
    """Every score of a study that is done: the columns of `SCORES`, the `family` of the method, and in `note` the rule
    by which a text was scored where the attack's formula has no value, empty elsewhere. StoreError where a stored file
    is damaged.
    """
    frames = (frame for pair in plan.grid.pairs for frame in _of_pair(plan, pair))
    return pl.concat([pl.DataFrame(schema=_NOTED), *frames])


def _of_pair(plan: Plan, pair: Pair) -> Iterator[pl.DataFrame]:
    corpus = plan.catalogue.corpus(pair.corpus)
    if not plan.is_done(corpus):
        return
    pool = examples_of(plan.store, corpus.address, "pool")
    groups = [example.group for example in pool]
    for arm, epoch in measured(plan, pair):
        for seed, fold in plan.grid.seats:
            texts = {"group": groups, "is_member": members_of(pool, seed=seed, fold=fold)}
            checkpoint = Checkpoint(arm, Seat(seed, fold), epoch) if arm.method else Checkpoint(arm)
            for attack in plan.choice.attacks_on(arm):
                task = plan.choice.scores(attack, checkpoint)
                if plan.is_done(task):
                    names = {**names_of(arm, epoch), "seed": seed, "fold": fold, "attack": attack.label}
                    yield _frame(names, texts, scores_of(plan.store, task.address))


def _frame(names: Mapping[str, Any], texts: Mapping[str, Any], scores: Scores) -> pl.DataFrame:
    """Those of one attack on one cell: `names` are the same in every row, `texts` a column each."""
    notes = np.full(scores.ids.shape, "") if scores.notes is None else scores.notes
    found = {"id": scores.ids, "score": scores.values, "reason": scores.reasons, "note": notes}
    constants = (pl.lit(value).alias(name) for name, value in names.items())
    frame = pl.DataFrame({**texts, **found}).with_columns(pl.col("score").fill_nan(None), *constants)
    return frame.select(pl.col(name).cast(kind) for name, kind in _NOTED.items())


def corners_of(noted: pl.DataFrame) -> list[Corner]:
    """How many texts an attack scored by a rule for corners of its formula, by class, summed over seeds and folds."""
    ruled = noted.filter(pl.col("method").is_not_null(), pl.col("note") != "")
    places = ruled.select(_CELLS).unique(maintain_order=True).with_row_index("place")
    members = pl.col("is_member")
    counts = ruled.group_by([*_CELLS, "note"]).agg(members=members.sum(), non_members=(~members).sum())
    rows = counts.join(places, on=_CELLS, nulls_equal=True).sort("place", "note").drop("place")
    return [Corner(**row) for row in rows.iter_rows(named=True)]
