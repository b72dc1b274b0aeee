"""The frame of estimates: what the stages that estimate have written down, a row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from vestige.outcome.frames import ESTIMATES, as_row
from vestige.records import Counts, Estimate, Estimated
from vestige.store.keys import Task
from vestige.study.grid import Arm, Pair
from vestige.study.plan import Plan
from vestige.study.results.measured import measured, names_of
from vestige.study.stages.estimates import estimates_of

NO_REFERENCES = "the validation texts have no prompt and references to be judged by"


def estimates(plan: Plan) -> pl.DataFrame:
    """Every estimate of a study that is done (columns: `ESTIMATES`); StoreError where a stored file is damaged."""
    rows = [row for pair in plan.grid.pairs for row in _of_pair(plan, pair)]
    return pl.DataFrame(rows, schema=ESTIMATES, orient="row")


def _of_pair(plan: Plan, pair: Pair) -> Iterator[dict[str, Any]]:
    best = {method: plan.choice.best_checkpoint(pair, method) for method in plan.study.method}
    for arm, epoch in measured(plan, pair):
        point = {
            "is_best": arm.method is None or best[arm.method] == (arm, epoch),
            "is_last": _is_last(plan, arm, epoch),
        }
        for one in (*_done(plan, _tasks(plan, arm, epoch)), *_not_to_be_had(plan, pair)):
            yield {**names_of(arm, epoch), **point, **as_row(one)}


def _tasks(plan: Plan, arm: Arm, epoch: float | None) -> Iterator[Task]:
    yield plan.catalogue.utility(arm, epoch, plan.grid.seats)
    if plan.catalogue.generates(arm.pair):
        yield plan.catalogue.text_utility(arm, epoch)
    yield plan.choice.leakage(arm, epoch)
    if arm.method is None:
        yield plan.catalogue.floors(arm.pair)
    if epoch is not None and plan.grid.tells_memorization:
        yield plan.catalogue.memorization(arm, epoch)


def _done(plan: Plan, tasks: Iterable[Task]) -> Iterator[Estimated]:
    for task in tasks:
        if plan.is_done(task):
            yield from estimates_of(plan.store, task.address)


def _not_to_be_had(plan: Plan, pair: Pair) -> Iterator[Estimated]:
    """What the study asks of generated texts, refused where a corpus has no prompts and references."""
    if not plan.catalogue.generates(pair):
        for quantity in plan.study.study.text_utility:
            estimate = Estimate(None, None, None, Counts(), signature=quantity, reason=NO_REFERENCES)
            yield Estimated(quantity, estimate)


def _is_last(plan: Plan, arm: Arm, epoch: float | None) -> bool:
    if arm.method is None:
        return True
    return arm == plan.choice.best(arm.pair, arm.method) and epoch == plan.grid.epochs[-1]
