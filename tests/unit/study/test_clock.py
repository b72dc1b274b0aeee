"""How long the rest takes: what the store has measured, what this run shows, and what is said of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from vestige.store.io import read_json
from vestige.store.layout import RUN
from vestige.study.clock import ENOUGH, Clock
from vestige.study.costs import kind_of, token_cost
from vestige.study.forecast import ASSUMED_PACE, Paces, Work, costly, paces_in
from vestige.study.progress import EVERY, FIRST, Lines, Live, bars, label
from vestige.study.stages.base import Kind
from vestige.study.terminal import console
from vestige.testing.studies import Outcome, plan_of

Table = dict[str, Any]


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_this_run_counts_as_soon_as_it_has_shown_its_speed(table: Table, tmp_path: Path) -> None:
    """A first pass at 24 tokens a second, where 700 were assumed: all that is left takes 29 times as long."""
    plan, hands = plan_of(table, tmp_path / "runs"), Hands()
    clock = Clock(plan, now=hands)
    assumed = clock.seconds_left
    (task, cost), *rest = costly(plan, plan.expected())
    assert assumed == pytest.approx((cost + sum(one for _, one in rest)) / ASSUMED_PACE)
    assert not clock.is_known
    clock.begin(task)
    hands.time += 2 * ENOUGH
    clock.advance(task, round(24 * 2 * ENOUGH))
    left = cost - 24 * 2 * ENOUGH + sum(one for _, one in rest)
    assert clock.is_known
    assert clock.seconds_left == pytest.approx(left / 24)


def test_what_failed_before_it_takes_no_time(table: Table, tmp_path: Path) -> None:
    """A task that is passed over is no longer among what is left."""
    plan, hands = plan_of(table, tmp_path / "runs"), Hands()
    clock = Clock(plan, now=hands)
    tasks = list(costly(plan, plan.expected()))
    for task, _ in tasks[1:]:
        clock.skip(task)
    assert clock.seconds_left == pytest.approx(tasks[0][1] / ASSUMED_PACE)
    clock.skip(tasks[0][0])
    assert clock.seconds_left == pytest.approx(0.0, abs=1e-6)


def test_each_kind_of_work_has_its_own_speed(table: Table, tmp_path: Path) -> None:
    plan, hands = plan_of(table, tmp_path / "runs"), Hands()
    clock = Clock(plan, now=hands)
    tasks = list(costly(plan, plan.expected()))
    passes = [one for one in tasks if one[0].stage == "stats"]
    lora = [one for one in tasks if one[0].stage == "train" and one[0].spec["method"]["name"] == "lora"]
    others = [cost for task, cost in tasks if task.stage == "train" and task.spec["method"]["name"] != "lora"]
    units = token_cost(lora[0][0])
    for (task, _), seconds, tokens in ((passes[0], 10.0, 0), (lora[0], 1000.0, 100)):
        clock.begin(task)
        hands.time += seconds
        clock.advance(task, tokens)
        clock.end(task)
    # Of the pass nothing was reported before its end: all of it took 10 s. Of the training 100 tokens took 1000 s: what
    # else there was an earlier run had done.
    pass_pace, lora_pace = 10.0 / passes[0][1], 1000.0 / (100 * units)
    drift = 1010 / ((passes[0][1] + 100 * units) / ASSUMED_PACE)
    left = pass_pace * sum(cost for _, cost in passes[1:]) + lora_pace * sum(cost for _, cost in lora[1:])
    assert clock.seconds_left == pytest.approx(left + drift * sum(others) / ASSUMED_PACE)


def test_what_the_store_has_measured_counts_for_another_study_of_the_same_base(finished: Outcome, table: Table) -> None:
    table["study"] |= {"name": "another", "seeds": [7]}
    table["corpus"][0] |= {"pool": 12}
    plan = plan_of(table, finished.store.root)
    paces = paces_in(plan)
    train = next(task for task in plan.expected() if task.stage == "train" and task.spec["method"]["name"] == "lora")
    assert paces.knows(kind_of(train))
    own = [one for one in finished.plan.expected() if one.stage == "train" and kind_of(one) == kind_of(train)]
    runs = [read_json(finished.store.folder(one.address) / RUN) for one in own]
    cost = token_cost(train)
    seconds, tokens = (sum(one[name] for one in runs) for name in ("seconds", "tokens"))
    assert paces.measured[kind_of(train)].tokens == pytest.approx(cost * tokens)
    assert paces.seconds(kind_of(train), 100.0) == pytest.approx(100 * seconds / (cost * tokens))


def test_what_has_not_been_measured_goes_at_the_pace_of_its_base() -> None:
    stats, train, other = Kind("stats", "a"), Kind("train", "a", "lora"), Kind("stats", "b")
    paces = Paces({stats: Work(100.0, 50.0)})
    assert paces.seconds(train, 10.0) == 5.0
    assert paces.seconds(other, ASSUMED_PACE) == 1.0
    assert (paces.knows(train), paces.knows(other)) == (True, False)


def test_a_long_task_is_heard_of_without_bars(table: Table, tmp_path: Path) -> None:
    plan, hands, out = plan_of(table, tmp_path / "runs"), Hands(), io.StringIO()
    lines = Lines(console(file=out, plain=True), Clock(plan, now=hands), now=hands)
    task = next(task for task in plan.expected() if task.stage == "train")
    lines.started(task)
    for _ in range(int(FIRST + 2 * EVERY)):
        hands.time += 1
        lines.progressed(task, 1)
    said = out.getvalue().splitlines()
    assert len(said) == 4, "its start, then after 10, 70 and 130 seconds"
    assert said[0].startswith("[  0%, ~")
    assert "~" not in said[1].partition("]")[0]


def test_a_label_says_what_tells_tasks_apart_and_is_not_cut(table: Table, tmp_path: Path) -> None:
    table["method"] = [
        {"name": "lora", "r": 2, "alpha": 17, "targets": "attention", "dropout": 0.05, "learning_rate": 1e-3}
    ]
    plan = plan_of(table, tmp_path / "runs")
    tasks = [task for task, _ in costly(plan, plan.expected())]
    labels = [label(task, plan) for task in tasks]
    assert len(set(labels)) == len(tasks)
    assert not [one for one in labels if plan.grid.pairs[0][0] in one]
    out = io.StringIO()
    screen = console(file=out, width=80, plain=True)
    progress = bars(screen)
    live = Live(progress, Clock(plan))
    live.started(tasks[-1])
    live.progressed(tasks[-1], 1)
    screen.print(progress.get_renderable())
    assert "…" not in out.getvalue()
    assert labels[-1].split()[-1] in out.getvalue()
