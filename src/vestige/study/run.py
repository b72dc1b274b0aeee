"""Run a study: plan, do what is missing, go on past what fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from vestige.store.layout import Store
from vestige.study.executors.inline import Failure, Inline, Watcher
from vestige.study.plan import Plan
from vestige.study.prepare import Prepared


@final
@dataclass(frozen=True)
class Outcome:
    """A study that has been run: its plan, its store, and what failed on the way."""

    plan: Plan
    store: Store
    failures: Sequence[Failure]


def run(prepared: Prepared, store: Store, *, watcher: Watcher, search_only: bool = False) -> Outcome:
    """Do everything of the study that the store does not hold yet; with `search_only` the learning-rate searches alone.

    A failed cell is listed in the outcome and the others go on; the same call, made again, tries only what is missing.
    """
    plan = Plan(prepared)
    executor = Inline(store, watcher)
    for pair in plan.pairs:
        executor.run(plan.search(pair))
        if not search_only:
            executor.run(plan.rest(pair, plan.chosen(pair, store)))
    return Outcome(plan=plan, store=store, failures=tuple(executor.failures))
