"""What a study still has to do, and how long that takes at the paces that this store has seen."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

from vestige.errors import StoreError
from vestige.store.io import read_json
from vestige.store.keys import Task
from vestige.store.layout import DONE, RUN
from vestige.study.costs import Costs, kind_of
from vestige.study.plan import Plan
from vestige.study.stages.base import Kind
from vestige.study.stages.registry import model_stages

ASSUMED_PACE: Final = 700.0
"""Scored tokens per second where nothing has been measured: SmolLM2-135M on two cores with fast bfloat16."""


@final
@dataclass
class Work:
    """How much was done, in scored tokens, and the seconds that it took."""

    tokens: float = 0.0
    seconds: float = 0.0

    def add(self, tokens: float, seconds: float) -> None:
        """Count more of it."""
        self.tokens += tokens
        self.seconds += seconds


@final
class Paces:
    """Seconds per scored token, by kind: measured where a stage of the kind has finished, of whatever study.

    A kind that has not been measured is taken to cost what it does by rule (`Costs`), at the pace of all that has
    been measured of its base; without any, at `ASSUMED_PACE`.
    """

    def __init__(self, measured: Mapping[Kind, Work]) -> None:
        self.measured = {kind: work for kind, work in measured.items() if work.tokens and work.seconds}
        self._of_base: dict[str, Work] = {}
        for kind, work in self.measured.items():
            self._of_base.setdefault(kind.base, Work()).add(work.tokens, work.seconds)

    def seconds(self, kind: Kind, tokens: float) -> float:
        """How long work worth so many scored tokens takes."""
        work = self.measured.get(kind) or self._of_base.get(kind.base)
        return tokens * work.seconds / work.tokens if work else tokens / ASSUMED_PACE

    def knows(self, kind: Kind) -> bool:
        """Whether anything of its base has been measured."""
        return kind.base in self._of_base


def paces_in(plan: Plan) -> Paces:
    """What the store of a plan has measured, in stages of this study and of others."""
    costs_by_rule = Costs(plan.identities)
    costs = {task.address: costs_by_rule.of(task) for task in plan.known()}
    measured: dict[Kind, Work] = {}
    for stage in model_stages():
        for folder in sorted((plan.store.root / stage.name).glob("*")):
            # a damaged stage is named when it is needed
            with contextlib.suppress(StoreError, AttributeError, KeyError, TypeError):
                spec, run = stage.read(read_json(folder / DONE)["spec"]), read_json(folder / RUN)
                tokens = costs.get(f"{stage.name}/{folder.name}", 0.0)
                if "tokens" in run and not stage.ends_early:
                    tokens = stage.token_cost(spec) * run["tokens"]
                measured.setdefault(stage.kind(spec), Work()).add(tokens, run["seconds"] if tokens else 0.0)
    return Paces(measured)


@final
@dataclass(frozen=True)
class Forecast:
    """Tasks of each stage that are done and to do, and the seconds that the rest takes; `is_measured` where all of it
    is of bases that the store has seen.
    """

    done: Mapping[str, int]
    to_do: Mapping[str, int]
    seconds: float
    is_measured: bool


def forecast(plan: Plan) -> Forecast:
    """Hold a plan against its store. A search that is not finished is taken to end at the first rate of its grid, which
    costs the same.
    """
    tasks = plan.expected()
    done = [task for task in tasks if plan.store.is_done(task.address)]
    to_do = [task for task in tasks if not plan.store.is_done(task.address)]
    paces, left = paces_in(plan), list(costly(plan, to_do))
    return Forecast(
        done=Counter(task.stage for task in done),
        to_do=Counter(task.stage for task in to_do),
        seconds=sum(paces.seconds(kind_of(task), cost) for task, cost in left),
        is_measured=all(paces.knows(kind_of(task)) for task, _ in left),
    )


def costly(plan: Plan, tasks: Iterable[Task]) -> Iterator[tuple[Task, float]]:
    """The tasks that need a model, each once, with what they cost in scored tokens."""
    costs = Costs(plan.identities)
    for task in {task.address: task for task in tasks}.values():
        if cost := costs.of(task):
            yield task, cost
