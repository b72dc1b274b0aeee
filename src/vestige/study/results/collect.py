"""From the stages of a study in the store to frames; reads what is done, runs nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from vestige.data.splits import members_of
from vestige.outcome.facts import Corner
from vestige.outcome.frames import ESTIMATES, LOSSES, SCORES, Results
from vestige.records import Counts, Estimate, Estimated
from vestige.store.keys import Task
from vestige.study.executors.base import Failure
from vestige.study.grid import Arm, Checkpoint, Pair, Seat
from vestige.study.plan import Plan
from vestige.study.results.facts import facts_of, trainings
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import estimates_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.train import trained_of

_NOTED = pl.DataFrame(schema={**SCORES, "family": pl.String, "note": pl.String})
"""Scores with the family of their method, and the rule by which a text was scored where the attack's formula has no
value, empty elsewhere.
"""

_CHECKPOINT = ("base", "corpus", "method", "family", "learning_rate", "epoch")

NO_REFERENCES = "the validation texts have no prompt and references to be judged by"


def collect(plan: Plan, *, failures: Sequence[Failure] = ()) -> Results:
    """Everything that its store holds of a study, as frames and facts.

    Raises:
        StoreError: a stored file is damaged; it is named.
    """
    estimates = [row for pair in plan.grid.pairs for row in _estimates(plan, pair)]
    noted = pl.concat([_NOTED, *(frame for pair in plan.grid.pairs for frame in _scores(plan, pair))])
    losses = [frame for pair in plan.grid.pairs for frame in _losses(plan, pair)]
    return Results(
        facts=facts_of(plan, failures=failures, corners=_corners(noted)),
        estimates=pl.DataFrame(estimates, schema=ESTIMATES, orient="row"),
        scores=noted.select(list(SCORES)),
        losses=pl.concat([pl.DataFrame(schema=LOSSES), *losses]),
    )


def _estimates(plan: Plan, pair: Pair) -> Iterator[dict[str, Any]]:
    best = {method: plan.choice.best_checkpoint(pair, method) for method in plan.study.method}
    for arm, epoch in _measured(plan, pair):
        point = {
            "is_best": arm.method is None or best[arm.method] == (arm, epoch),
            "is_last": _is_last(plan, arm, epoch),
        }
        judged = [plan.catalogue.text_utility(arm, epoch)] if plan.catalogue.generates(pair) else []
        floors = [plan.catalogue.floors(pair)] if arm.method is None else []
        utility = plan.catalogue.utility(arm, epoch, plan.grid.seats)
        tasks = [utility, *judged, plan.choice.leakage(arm, epoch), *floors]
        for row in (*_rows(plan, tasks), *_not_to_be_had(plan, pair)):
            yield {**_names(arm, epoch), **point, **row}


def _not_to_be_had(plan: Plan, pair: Pair) -> Iterator[dict[str, Any]]:
    """What the study asks of generated texts, refused where a corpus has no prompts and references."""
    if not plan.catalogue.generates(pair):
        for quantity in plan.study.study.text_utility:
            estimate = Estimate(None, None, None, Counts(), signature=quantity, reason=NO_REFERENCES)
            yield _flat(Estimated(quantity, estimate))


def _measured(plan: Plan, pair: Pair) -> Iterator[tuple[Arm, float | None]]:
    yield Arm(*pair), None
    for arm in plan.choice.chosen(pair):
        for epoch in plan.grid.epochs:
            yield arm, epoch


def _is_last(plan: Plan, arm: Arm, epoch: float | None) -> bool:
    if arm.method is None:
        return True
    return arm == plan.choice.best(arm.pair, arm.method) and epoch == plan.grid.epochs[-1]


def _rows(plan: Plan, tasks: Iterable[Task]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        if plan.is_done(task):
            yield from map(_flat, estimates_of(plan.store, task.address))


def _flat(one: Estimated) -> dict[str, Any]:
    row = {**asdict(one), **asdict(one.estimate)}
    counts = asdict(one.estimate.counts)
    unscored = json.dumps(counts["unscored"], sort_keys=True)
    return {name: value for name, value in {**row, **counts, "unscored": unscored}.items() if name in ESTIMATES}


def _names(arm: Arm, epoch: float | None) -> dict[str, Any]:
    return {
        "base": arm.base,
        "corpus": arm.corpus,
        "method": arm.method.label if arm.method else None,
        "family": arm.method.family if arm.method else None,
        "learning_rate": arm.learning_rate,
        "epoch": epoch,
    }


def _scores(plan: Plan, pair: Pair) -> Iterator[pl.DataFrame]:
    corpus = plan.catalogue.corpus(pair.corpus)
    if not plan.is_done(corpus):
        return
    pool = examples_of(plan.store, corpus.address, "pool")
    groups = [example.group for example in pool]
    for arm, epoch in _measured(plan, pair):
        for seed, fold in plan.grid.seats:
            is_member = members_of(pool, seed=seed, fold=fold)
            for attack in plan.choice.attacks_on(arm):
                checkpoint = Checkpoint(arm, Seat(seed, fold), epoch) if arm.method else Checkpoint(arm)
                task = plan.choice.scores(attack, checkpoint)
                if not plan.is_done(task):
                    continue
                scores = scores_of(plan.store, task.address)
                columns = {"seed": seed, "fold": fold, "attack": attack.label, "id": scores.ids, "group": groups}
                notes = np.full(scores.ids.shape, "") if scores.notes is None else scores.notes
                frame = pl.DataFrame(
                    {"is_member": is_member, "score": scores.values, "reason": scores.reasons, "note": notes}
                )
                frame = frame.with_columns(
                    pl.col("score").fill_nan(None), *_constants({**_names(arm, epoch), **columns})
                )
                yield frame.select(pl.col(name).cast(kind) for name, kind in _NOTED.schema.items())


def _corners(noted: pl.DataFrame) -> list[Corner]:
    """How many texts an attack scored by a rule for corners of its formula, by class, summed over seeds and folds."""
    ruled = noted.filter(pl.col("method").is_not_null(), pl.col("note") != "")
    cells = [*_CHECKPOINT, "attack"]
    places = ruled.select(cells).unique(maintain_order=True).with_row_index("place")
    members = pl.col("is_member")
    counts = ruled.group_by([*cells, "note"]).agg(members=members.sum(), non_members=(~members).sum())
    rows = counts.join(places, on=cells, nulls_equal=True).sort("place", "note").drop("place")
    return [Corner(**row) for row in rows.iter_rows(named=True)]


def _constants(columns: Mapping[str, Any]) -> list[Any]:
    return [
        (
            pl.Series(name, value)
            if hasattr(value, "__len__") and not isinstance(value, str)
            else pl.lit(value).alias(name)
        )
        for name, value in columns.items()
        if name in _NOTED.schema
    ]


def _losses(plan: Plan, pair: Pair) -> Iterator[pl.DataFrame]:
    for arm, seat, task in trainings(plan, pair):
        trained, last = trained_of(plan.store, task.address), plan.grid.epochs[-1]
        losses, per_epoch = trained.losses, trained.step_of(last) / last
        steps = list(range(1, len(losses) + 1))
        names = {name: value for name, value in _names(arm, None).items() if name in LOSSES and name != "epoch"}
        columns = {"step": steps, "epoch": [step / per_epoch for step in steps], "loss": losses}
        frame = pl.DataFrame(columns).with_columns(
            *(pl.lit(value).alias(name) for name, value in {**names, "seed": seat[0], "fold": seat[1]}.items())
        )
        yield frame.select(pl.col(name).cast(kind) for name, kind in LOSSES.items())
