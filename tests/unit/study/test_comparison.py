"""The stage that compares methods at equal utility: what goes into it, and what of a study it can do without."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import vestige
from vestige.errors import ConfigError, ModelError
from vestige.metrics.compare import compare
from vestige.metrics.comparison import Comparison
from vestige.metrics.evaluation import Settings
from vestige.store.io import write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.compared import comparison
from vestige.study.grid import Arm, Checkpoint
from vestige.study.plan import Plan
from vestige.study.results.collect import collect
from vestige.study.stages.compared import ComparisonSpec, inputs_of
from vestige.study.stages.comparison import ComparisonStage, comparison_of
from vestige.study.stages.estimates import estimates_of
from vestige.study.stages.losses import losses_of
from vestige.testing.studies import Outcome, plan_of, run_study

Table = dict[str, Any]


def compared(plan: Plan) -> Task:
    task = comparison(plan.choice, plan.grid.pairs[0])
    assert task is not None
    return task


def number(plan: Plan, task: Task, quantity: str) -> float:
    (found,) = [one.estimate.value for one in estimates_of(plan.store, task.address) if one.quantity == quantity]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def found(finished: Outcome) -> Comparison:
    return comparison_of(finished.store, compared(finished.plan).address)


def test_it_is_read_as_it_was_written(finished: Outcome, found: Comparison) -> None:
    path = finished.store.folder(compared(finished.plan).address) / "comparison.json"
    assert json.loads(json.dumps(asdict(found))) == json.loads(path.read_text())
    assert [one.comparison for one in collect(finished.plan).facts.comparisons] == [found]


def test_losses_are_those_of_the_utility(finished: Outcome, found: Comparison) -> None:
    """The base's, and the gain of each method at its best: as the stage `utility` has them."""
    plan, (pair,) = finished.plan, finished.plan.grid.pairs
    base = number(plan, plan.catalogue.utility(Arm(*pair), None, plan.grid.seats), "loss")
    assert found.base_loss == pytest.approx(base)
    for arm in plan.choice.chosen(pair):
        losses = [number(plan, plan.catalogue.utility(arm, one, plan.grid.seats), "loss") for one in plan.grid.epochs]
        (standing,) = [one for one in found.standings if arm.method and one.method == arm.method.label]
        assert standing.gain.value == pytest.approx(base - min(losses))
        assert standing.learning_rate == arm.learning_rate


def test_the_only_method_is_taken_at_its_own_gain(finished: Outcome) -> None:
    study = finished.plan.study
    inputs = replace(finished.plan.inputs, study=study.model_copy(update={"method": study.method[:1]}))
    task = compared(Plan(inputs, finished.store))
    alone = compare(inputs_of(ComparisonSpec.model_validate(task.spec), task, finished.store), Settings(primary="loss"))
    (own,) = alone.standings
    assert own.method == study.method[0].label
    assert own.gain.value == alone.reach.value
    assert own.found
    assert alone.differences == ()


def test_every_rate_that_was_tried_goes_in_and_the_chosen_one_is_attacked(finished: Outcome) -> None:
    spec = compared(finished.plan).spec
    arms = {(arm["method"], arm["learning_rate"]): (arm["seats"], len(arm["attacked"])) for arm in spec["arms"]}
    chosen = {arm.learning_rate for arm in finished.plan.choice.chosen(finished.plan.grid.pairs[0])}
    assert {rate for (_, rate), (_, attacked) in arms.items() if attacked} == chosen
    assert sorted(arms.values()) == [(1, 0), (2, 2), (2, 2)]


def test_an_attack_that_failed_is_left_out_and_the_others_go_on(finished: Outcome, tmp_path: Path) -> None:
    plan = Plan(finished.plan.inputs, Store(shutil.copytree(finished.store.root, tmp_path / "runs")))
    scores = next(task for task in compared(plan).inputs.values() if task.startswith("scores/"))
    name = next(name for name, address in compared(plan).inputs.items() if address == scores).rpartition("/")[2]
    assert name != plan.study.attacks.primary, "the premise of this test"
    shutil.rmtree(plan.store.folder(scores))
    left = set(compared(plan).spec["attacks"])
    assert left == {one.label for one in plan.study.attacks.use} - {name}


def test_a_method_that_failed_is_left_out(table: Table, finished: Outcome, tmp_path: Path) -> None:
    """Of two methods one is left, which is compared with nothing; of three that are not there yet all are expected."""
    plan = Plan(finished.plan.inputs, Store(shutil.copytree(finished.store.root, tmp_path / "runs")))
    checkpoint = Checkpoint(plan.grid.arms(plan.grid.pairs[0])[-1], plan.grid.seats[0], 1.0)
    shutil.rmtree(plan.store.folder(plan.catalogue.losses(checkpoint, "validation").address))
    assert comparison(plan.choice, plan.grid.pairs[0]) is None
    table["method"] = [{"name": name, "learning_rate": 1e-3} for name in ("lora", "full", "head")]
    expected = compared(plan_of(table, tmp_path / "empty"))
    assert len({arm["method"] for arm in expected.spec["arms"]}) == 3


def test_a_method_that_diverged_is_left_out(finished: Outcome, tmp_path: Path) -> None:
    """Its losses are there, and are no numbers; where all are so, nothing is compared."""
    plan = Plan(finished.plan.inputs, Store(shutil.copytree(finished.store.root, tmp_path / "runs")))
    task, chosen = compared(plan), plan.choice.chosen(plan.grid.pairs[0])
    spec = ComparisonStage.read(task.spec)
    assert {arm.method for arm in inputs_of(spec, task, plan.store).arms} == {"lora(r=2)", "prompt(tokens=4)"}
    for arm, left in zip(reversed(chosen), ({"lora(r=2)"}, set[str]()), strict=True):
        losses = plan.catalogue.losses(Checkpoint(arm, plan.grid.seats[1], 2.0), "validation")
        ids = losses_of(plan.store, losses.address).ids.tolist()
        with plan.store.writing(losses, details={}) as folder:
            table = pa.table({"id": ids, "nats": [float("nan")] * len(ids), "tokens": [1] * len(ids)})
            write_parquet(folder / "losses.parquet", table)
        if left:
            assert {arm.method for arm in inputs_of(spec, task, plan.store).arms} == left
        else:
            with pytest.raises(ModelError, match="their trainings diverged"):
                inputs_of(spec, task, plan.store)


def test_methods_are_held_equal_on_what_the_study_measures(table: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"compare.utility is 'chrf', which is not measured"):
        plan_of({**table, "compare": {"utility": "chrf"}}, tmp_path / "runs")


def test_methods_are_held_equal_on_generated_texts(table: Table, tmp_path: Path) -> None:
    """The base's quantity is that of `text_utility`."""
    table["study"]["utility"] = ["loss", "rouge_l"]
    table["compare"] = {"utility": "rouge_l", "margin": 0.1}
    table["generate"] = {"texts": 12, "max_new_tokens": 4}
    table["corpus"][0]["validation"] = 12
    table["method"][0]["learning_rate"] = 1e-2
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    plan, (pair,) = outcome.plan, outcome.plan.grid.pairs
    found = comparison_of(plan.store, compared(plan).address)
    assert (found.utility, found.margin) == ("rouge_l", 0.1)
    assert found.base_loss == pytest.approx(number(plan, plan.catalogue.text_utility(Arm(*pair), None), "rouge_l"))


def test_a_result_compares_methods_by_name(finished: Outcome, found: Comparison) -> None:
    result = vestige.Result.of(finished.plan)
    asked = result.compare("prompt", "lora")
    assert asked.comparison == found
    assert (asked.difference.method, asked.difference.other) == ("prompt(tokens=4)", "lora(r=2)")
    assert repr(asked).startswith("prompt(tokens=4) (rate 0.1) minus lora(r=2)")
