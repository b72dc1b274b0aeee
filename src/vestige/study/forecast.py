"""What a study still has to do, and how long that takes at the pace that this store has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from vestige.store.io import read_json
from vestige.store.keys import Task
from vestige.store.layout import RUN
from vestige.study.plan import Arm, Plan

ASSUMED_PACE: Final = 700.0
"""Scored tokens per second where nothing has been measured: SmolLM2-135M on two cores with fast bfloat16."""


@final
@dataclass(frozen=True)
class Forecast:
    """Tasks of each stage that are done and to do, scored tokens still to pay for, and the pace in scored tokens per
    second.
    """

    done: Mapping[str, int]
    to_do: Mapping[str, int]
    total: float
    remaining: float
    pace: float
    is_measured: bool

    @property
    def seconds(self) -> float:
        """Time that the rest takes."""
        return self.remaining / self.pace


def forecast(plan: Plan) -> Forecast:
    """Hold a plan against its store. A search that is not finished is taken to end at the first rate of its grid, which
    costs the same.
    """
    tasks = expected(plan)
    done = [task for task in tasks if plan.store.is_done(task.address)]
    to_do = [task for task in tasks if not plan.store.is_done(task.address)]
    pace = measured_pace(plan, done)
    return Forecast(
        done=Counter(task.stage for task in done),
        to_do=Counter(task.stage for task in to_do),
        total=sum(map(plan.cost, tasks)),
        remaining=sum(map(plan.cost, to_do)),
        pace=pace or ASSUMED_PACE,
        is_measured=pace is not None,
    )


def expected(plan: Plan, *, search_only: bool = False) -> list[Task]:
    """Every task of the study, or of its learning-rate searches alone, each once."""
    tasks: dict[str, Task] = {}
    for pair in plan.pairs:
        chosen = plan.chosen(pair)
        settled = {arm.method for arm in chosen}
        guessed = [Arm(*pair, one, one.learning_rate[0]) for one in plan.study.method if one not in settled]
        rest = () if search_only else plan.rest(pair, [*chosen, *guessed])
        for task in (*plan.search(pair), *rest):
            tasks[task.address] = task
    return list(tasks.values())


def measured_pace(plan: Plan, done: list[Task]) -> float | None:
    """Scored tokens per second over the finished trainings and passes; None where there are none."""
    tokens = seconds = 0.0
    for task in done:
        path = plan.store.folder(task.address) / RUN
        if plan.cost(task) and path.exists():
            tokens += plan.cost(task)
            seconds += read_json(path)["seconds"]
    return tokens / seconds if seconds else None
