"""Attacks next to the crossings alone: validation losses everywhere, and lists that are named before they run. The
losses are written here, by hand; no model is trained.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from vestige.errors import ConfigError
from vestige.records import Counts, Estimate, Estimated
from vestige.store.keys import Task
from vestige.study.grid import Arm
from vestige.study.plan import Plan
from vestige.study.stages.estimates import write_estimates
from vestige.study.waves import Wave
from vestige.testing.studies import plan_of

Table = dict[str, Any]

EPOCHS = [float(epoch) for epoch in range(1, 17)]
BASE = 5.0


def loss_of(arm: Arm, epoch: float | None) -> float:
    """LoRA at its better rate gains 2 nats, half of the rest in each epoch, the prompt 1.6 three times as slowly; what
    never gets there, 0.9. All rise again by .01 an epoch.
    """
    if arm.method is None or epoch is None:
        return BASE
    gain, pace = {"lora": (2.0, 1.0), "prompt": (1.6, 1 / 3), "head": (0.9, 1.0)}[arm.method.name]
    gain -= 0.5 if arm.learning_rate == 1e-3 else 0.0
    return BASE - gain * (1 - 2 ** (-pace * epoch)) + 0.01 * epoch


@pytest.fixture
def crossing(table: Table) -> Table:
    """LoRA at two rates, a prompt, and a method that gains less than half of what LoRA does."""
    table["method"].append({"name": "head", "learning_rate": 1e-3})
    table["training"] = {"epochs": EPOCHS[-1], "batch_size": 4, "checkpoints": EPOCHS}
    table["attacks"]["at"] = "crossing"
    return table


def validated(plan: Plan) -> list[Wave]:
    """The waves of a study, each asked for when the losses that the one before lists are there."""
    asked = []
    for wave in plan.waves():
        asked.append(wave)
        losses = losses_of(plan)
        for task in wave.tasks:
            if task.stage == "utility":
                write_loss(plan, task, losses[task.address])
    return asked


def losses_of(plan: Plan) -> dict[str, float]:
    grid, (pair,) = plan.grid, plan.grid.pairs
    places = [(Arm(*pair), None), *((arm, epoch) for arm in grid.arms(pair) for epoch in grid.validated(arm))]
    every = [(arm, epoch, seats) for arm, epoch in places for seats in (grid.seats, grid.search_seats)]
    return {plan.catalogue.utility(arm, epoch, seats).address: loss_of(arm, epoch) for arm, epoch, seats in every}


def write_loss(plan: Plan, task: Task, loss: float) -> None:
    estimate = Estimate(loss, loss, loss, Counts(), signature="by hand")
    with plan.store.writing(task, details={}) as folder:
        write_estimates(folder, [Estimated("loss", estimate)])


def by_hand(losses: list[float], reach: float) -> set[float]:
    """The first checkpoint that is at each level, with one after and two before it; the lowest and the last one."""
    found = {EPOCHS[losses.index(min(losses))], EPOCHS[-1]}
    for level in (0.8, 0.9, 0.95):
        places = [place for place, loss in enumerate(losses) if loss <= BASE - level * reach]
        for place in range(places[0] - 2, places[0] + 2) if places else []:
            found |= {EPOCHS[place]} if 0 <= place < len(EPOCHS) else set()
    return found


@pytest.mark.parametrize("search", ["validation", "all"])
def test_attacks_are_made_next_to_the_crossings(crossing: Table, search: str, tmp_path: Path) -> None:
    crossing["training"]["search"] = search
    plan = plan_of(crossing, tmp_path / "runs")
    asked = validated(plan)
    (pair,) = plan.grid.pairs
    arms = plan.choice.chosen(pair)
    assert len(arms) == (4 if search == "all" else 3)
    losses = {arm: [loss_of(arm, epoch) for epoch in EPOCHS] for arm in arms}
    reach = BASE - min(losses[next(arm for arm in arms if arm.method and arm.method.name == "prompt")])
    for arm in arms:
        assert set(plan.choice.attacked_epochs(arm)) == by_hand(losses[arm], reach)
        scored = [task for task in asked[2].tasks if task.stage == "scores" and arm.name in task.about]
        epochs = {math.inf if "epoch" not in one.about else float(one.about.split()[-1]) for one in scored}
        assert epochs == by_hand(losses[arm], reach)


def test_each_list_is_the_same_when_all_losses_are_there(crossing: Table, tmp_path: Path) -> None:
    plan = plan_of(crossing, tmp_path / "runs")
    asked = validated(plan)
    assert [wave.tasks for wave in Plan(plan.inputs, plan.store).waves()] == [wave.tasks for wave in asked]


def test_validation_losses_are_there_at_every_checkpoint(crossing: Table, tmp_path: Path) -> None:
    tasks = [task for wave in validated(plan_of(crossing, tmp_path / "runs")) for task in wave.tasks]
    passes = [task.spec for task in tasks if task.stage == "stats" and task.spec["role"] == "validation"]
    assert {spec.get("epoch") for spec in passes} == {None, 0.0, *EPOCHS}


def test_the_forecast_is_no_less_than_the_run(crossing: Table, tmp_path: Path) -> None:
    plan = plan_of(crossing, tmp_path / "runs")
    expected, ran = len(plan.expected()), sum(len(wave.tasks) for wave in validated(plan))
    assert expected >= ran


def test_a_study_may_list_the_checkpoints_that_are_attacked(crossing: Table, tmp_path: Path) -> None:
    crossing["attacks"]["at"] = [8, 2]
    plan = plan_of(crossing, tmp_path / "runs")
    assert plan.choice.attacked_epochs(plan.grid.arms(plan.grid.pairs[0])[0]) == [2.0, 8.0]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ([2, 17], r"attacks.at names 17, and no checkpoint is kept there. They are kept at: 1, 2, 3"),
        ("crossings", r"should be 'all', 'shown' or 'crossing'"),
        ([], "empty list"),
    ],
)
def test_what_is_no_checkpoint_is_refused(crossing: Table, at: object, message: str, tmp_path: Path) -> None:
    crossing["attacks"]["at"] = at
    with pytest.raises(ConfigError, match=message):
        plan_of(crossing, tmp_path / "runs")
