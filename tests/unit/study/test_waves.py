"""A run is four finished lists: each is named before it runs, and is what runs, in any order that inputs allow."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vestige.store.keys import Task
from vestige.study.executors.inline import Inline
from vestige.study.plan import Plan
from vestige.testing.studies import Recorder, content, plan_of, tiny_study, write_tiny_corpus

Order = Callable[[Sequence[Task]], Sequence[Task]]


@dataclass
class Ran:
    """A study that has been run: the list that was asked for before each wave, and what the executor then did."""

    plan: Plan
    asked: list[tuple[Task, ...]]
    begun: list[list[Task]]


def as_listed(tasks: Sequence[Task]) -> Sequence[Task]:
    return tasks


def shuffled(tasks: Sequence[Task]) -> list[Task]:
    """Any order that puts a task after its inputs."""
    chance, left, order = random.Random(0), list(tasks), list[Task]()
    while left:
        waiting = {task.address for task in left}
        ready = [task for task in left if waiting.isdisjoint(task.inputs.values())]
        order.append(chance.choice(ready))
        left.remove(order[-1])
    return order


def ran(table: dict[str, Any], folder: Path, order: Order) -> Ran:
    plan, done = plan_of(table, folder), Ran(plan_of(table, folder), [], [])
    watcher = Recorder()
    executor = Inline(plan.store, watcher)
    for wave in plan.waves():
        begun = len(watcher.begun)
        done.asked.append(wave.tasks)
        executor.run(order(wave.tasks))
        done.begun.append(watcher.begun[begun:])
    assert not executor.failures
    return done


@pytest.fixture(scope="module")
def table(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A search, attacks at the best and last checkpoint alone, one that is trained on another method's shadow, and
    answers to prompts.
    """
    table = tiny_study(model=tiny_llama, corpus=tiny_notes)
    notes = write_tiny_corpus(tmp_path_factory.mktemp("waves") / "more.jsonl", texts=60)
    table["corpus"][0] |= {"path": str(notes), "shadow": 12, "calibration": 6}
    table["study"] |= {"utility": ["loss", "exact_match"]}
    table["generate"] = {"texts": 4, "max_new_tokens": 4}
    table["method"][1] = {"name": "full", "learning_rate": 2e-2}
    table["training"] = {"epochs": 12, "batch_size": 4, "checkpoints": [4, 12]}
    elsewhere = {"name": "logistic", "train_on": {"method": "lora(r=2)"}}
    table["attacks"] = {"use": ["loss", "ref", "lowercase", elsewhere], "primary": "ref", "at": "shown"}
    return table


@pytest.fixture(scope="module")
def whole(table: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(table, tmp_path_factory.mktemp("whole") / "runs", as_listed)


def addresses(tasks: Sequence[Task]) -> list[str]:
    return [task.address for task in tasks]


def test_each_list_is_what_runs_and_is_the_same_when_all_is_done(whole: Ran) -> None:
    attacked = [whole.plan.choice.attacked_epochs(arm) for arm in whole.plan.choice.chosen(whole.plan.grid.pairs[0])]
    assert [4.0, 12.0] in attacked, "the premise of this test: a best checkpoint that is not the last"
    assert len(whole.asked) == 4
    for asked, begun in zip(whole.asked, whole.begun, strict=True):
        assert asked
        assert addresses(begun) == addresses(asked)
    again = [addresses(wave.tasks) for wave in Plan(whole.plan.inputs, whole.plan.store).waves()]
    assert again == [addresses(asked) for asked in whole.asked]


def test_every_task_comes_after_its_inputs_and_stands_in_one_wave(whole: Ran) -> None:
    seen: set[str] = set()
    for task in (task for asked in whole.asked for task in asked):
        assert seen.issuperset(task.inputs.values()), task.about
        assert task.address not in seen
        seen.add(task.address)


def test_any_order_that_keeps_to_the_inputs_leaves_the_same_store(
    whole: Ran, table: dict[str, Any], tmp_path: Path
) -> None:
    other = ran(table, tmp_path / "runs", shuffled)
    assert [addresses(begun) for begun in other.begun] != [addresses(begun) for begun in whole.begun]
    assert content(other.plan.store.root) == content(whole.plan.store.root)
