"""Trained attacks in a study: shadows that the plan adds by itself, and attack models that go from cell to cell."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vestige.attacks.base import Tables
from vestige.attacks.learned.base import LearnedAttack
from vestige.data.splits import members_of, split_of
from vestige.errors import ConfigError, DataError
from vestige.records import Fold, View
from vestige.store.keys import Task
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.outlook import outlook
from vestige.study.plan import Plan
from vestige.study.results.collect import collect
from vestige.study.run import run
from vestige.study.spec import make_study
from vestige.study.stages.attack_model import attack_model_of
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.stats import stats_of
from vestige.testing.studies import Outcome, Recorder, plan_of, run_study, tiny_study, write_tiny_corpus

Table = dict[str, Any]
ON_PROMPT = {"name": "logistic", "train_on": {"method": "prompt(tokens=4)"}}
ON_LORA = {"name": "logistic", "train_on": {"method": "lora(r=2)"}}


def trained(table: Table, folder: Path, *attacks: Any) -> Table:
    """The tiny study with LoRA and a prompt, a shadow of 12 texts, and these attacks beside `loss`."""
    table["corpus"][0] |= {"path": str(write_tiny_corpus(folder / "more.jsonl", texts=60)), "shadow": 12}
    table["method"][0]["learning_rate"] = 1e-2
    table["attacks"] = {"use": ["loss", *attacks], "primary": "loss"}
    return table


@pytest.fixture(scope="module")
def outcome(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("trained")
    table = trained(tiny_study(model=tiny_llama, corpus=tiny_notes), folder, "logistic", ON_PROMPT, ON_LORA)
    done = run_study(table, folder / "runs")
    assert not done.failures
    return done


def stages(plan: Plan) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for task in plan.known():
        found.setdefault(task.stage, []).append(task)
    return found


def arms(plan: Plan) -> dict[str, Arm]:
    return {arm.method.name: arm for arm in plan.grid.arms(plan.grid.pairs[0]) if arm.method is not None}


def attack(plan: Plan, label: str) -> LearnedAttack:
    found = next(one for one in plan.study.attacks.use if one.label == label)
    assert isinstance(found, LearnedAttack)
    return found


def test_the_plan_adds_a_shadow_to_each_method_and_changes_no_cell(table: Table, tmp_path: Path) -> None:
    plain = stages(plan_of(trained(table, tmp_path), tmp_path / "runs"))
    more = stages(plan_of(trained(table, tmp_path, "logistic"), tmp_path / "runs"))
    keys = {task.key for task in plain["train"]}
    added = [task for task in more["train"] if task.key not in keys]
    assert keys < {task.key for task in more["train"]}
    assert [(task.spec["method"]["name"], task.spec["role"]) for task in added] == [
        ("lora", "shadow"),
        ("prompt", "shadow"),
    ]
    assert all("role" not in task.spec for task in plain["train"])
    assert "attack_model" not in plain
    assert {task.key for task in plain["stats"]} < {task.key for task in more["stats"]}
    roles = Counter(task.spec["role"] for task in more["stats"] if task not in plain["stats"])
    assert roles == {"shadow": 1 + 2 * 2}, "the base once, each shadow at both checkpoints"


def test_the_shadows_of_a_study_are_listed_with_its_cells(outcome: Outcome, table: Table, tmp_path: Path) -> None:
    shadows = outcome.plan.shadows(outcome.plan.grid.pairs[0])
    assert [(one.arm.method and one.arm.method.name, one.seat) for one in shadows] == [
        ("lora", (0, "A")),
        ("prompt", (0, "A")),
    ]
    assert repr(outlook(outcome.plan)).count("0/shadow") == 2
    plain = plan_of(trained(table, tmp_path), tmp_path / "runs")
    assert plain.shadows(plain.grid.pairs[0]) == []


def test_both_folds_of_a_seed_are_attacked_with_one_model_per_checkpoint(outcome: Outcome) -> None:
    plan = outcome.plan
    arm, one = arms(plan)["lora"], attack(plan, "logistic")
    models = {
        (fold, epoch): plan.choice.scores(one, Checkpoint(arm, Seat(0, fold), epoch)).inputs["model"]
        for fold in ("A", "B")
        for epoch in plan.grid.epochs
    }
    assert models["A", 1.0] == models["B", 1.0] != models["A", 2.0]
    assert len(stages(plan)["attack_model"]) == 2 * 2, "two methods, two checkpoints; transfers learn nothing anew"


def test_a_shadow_is_trained_on_half_of_its_role_and_on_no_text_of_the_pool(outcome: Outcome) -> None:
    plan = outcome.plan
    task = plan.catalogue.train(Checkpoint(arms(plan)["lora"], Seat(0, "A")).shadow)
    record = json.loads((outcome.store.open(task.address) / "training.json").read_text())
    shadow, pool = (examples_of(outcome.store, task.inputs["corpus"], role) for role in ("shadow", "pool"))
    assert record["texts"] == members_of(shadow, seed=0, fold="A").sum() == 6
    assert not {example.completion for example in shadow} & {example.completion for example in pool}


def test_a_transfer_to_the_method_itself_is_the_attack_itself(outcome: Outcome) -> None:
    plan = outcome.plan
    lora, seat = arms(plan)["lora"], Seat(0, "A")
    own, same, other = (
        plan.choice.scores(attack(plan, label), Checkpoint(lora, seat, 1.0))
        for label in ("logistic", "logistic(train_on=lora(r=2))", "logistic(train_on=prompt(tokens=4))")
    )
    assert own.address == same.address != other.address
    assert not np.array_equal(
        scores_of(outcome.store, own.address).values, scores_of(outcome.store, other.address).values
    )


def test_every_arm_has_its_estimates_of_every_transfer(outcome: Outcome) -> None:
    rows = collect(outcome.plan).estimates.filter(quantity="auc").drop_nulls("method")
    labels = ["logistic", "logistic(train_on=lora(r=2))", "logistic(train_on=prompt(tokens=4))", "loss"]
    assert sorted(set(rows["attack"])) == labels
    assert len(rows) == len(labels) * 2 * 2
    assert rows["value"].is_not_null().all()


def test_an_attack_model_is_the_same_bytes_every_time_and_holds_no_text(outcome: Outcome, tmp_path: Path) -> None:
    plan = outcome.plan
    task = stages(plan)["attack_model"][0]
    scores = next(one for one in stages(plan)["scores"] if task.address in one.inputs.values())
    runs = shutil.copytree(outcome.store.root, tmp_path / "runs")
    for removed in (task, scores):
        shutil.rmtree(runs / removed.address)
    again = Plan(plan.inputs, type(outcome.store)(runs))
    watcher = Recorder()
    assert not run(again, watcher=watcher)
    assert [one.address for one in watcher.done] == [task.address, scores.address]
    for name in ("model.safetensors", "model.json"):
        assert (runs / task.address / name).read_bytes() == (outcome.store.root / task.address / name).read_bytes()
    model = attack_model_of(outcome.store, task.address)
    assert model.facts["members"] == model.facts["non_members"] == 6
    assert set(model.facts["chosen"]) == {"C"}
    words = {
        word
        for example in examples_of(outcome.store, task.inputs["corpus"], "shadow")
        for word in example.completion.split()
    }
    assert not words & set((runs / task.address / "model.json").read_text().split())


@pytest.mark.parametrize("fold", ["A", "B"])
def test_the_control_of_a_trained_attack_is_the_loss_of_the_base(outcome: Outcome, fold: Fold) -> None:
    plan = outcome.plan
    task = plan.choice.scores(attack(plan, "logistic"), Checkpoint(Arm(*plan.grid.pairs[0])))
    assert set(task.inputs) == {"base"}


def test_a_trained_attack_needs_a_shadow(table: Table, tmp_path: Path) -> None:
    table = trained(table, tmp_path, "forest")
    del table["corpus"][0]["shadow"]
    with pytest.raises(ConfigError, match=r"'notes' has no text in that role. Set `shadow`"):
        plan_of(table, tmp_path / "runs")


def test_a_shadow_of_too_few_texts_is_refused(table: Table, tmp_path: Path) -> None:
    table = trained(table, tmp_path, "forest")
    table["corpus"][0]["shadow"] = 3
    with pytest.raises(DataError, match="each half of the role `shadow` needs texts of at least 2 groups"):
        plan_of(table, tmp_path / "runs")


def test_an_unknown_shadow_is_named_with_the_near_misses(table: Table, tmp_path: Path) -> None:
    table = trained(table, tmp_path, {"name": "mlp", "train_on": {"method": "lora"}})
    with pytest.raises(ConfigError, match=r"the method 'lora', which the study does not have.*lora\(r=2\)"):
        plan_of(table, tmp_path / "runs")


def two_corpora(table: Table, folder: Path, *, seed: int) -> Table:
    table = trained(table, folder, "logistic", {"name": "logistic", "train_on": {"corpus": "others"}})
    path = write_tiny_corpus(folder / "others.jsonl", texts=60, seed=seed)
    table["corpus"].append(table["corpus"][0] | {"name": "others", "path": str(path)})
    table["method"] = table["method"][:1]
    return table


def test_an_attack_model_goes_to_another_corpus(table: Table, tmp_path: Path) -> None:
    outcome = run_study(two_corpora(table, tmp_path, seed=1), tmp_path / "runs")
    assert not outcome.failures
    plan = outcome.plan
    transfer = attack(plan, "logistic(train_on=others)")
    notes, others = (next(iter(plan.choice.chosen(pair))) for pair in plan.grid.pairs)
    model = plan.choice.scores(transfer, Checkpoint(notes, Seat(0, "A"), 1.0)).inputs["model"]
    assert model == plan.choice.scores(attack(plan, "logistic"), Checkpoint(others, Seat(0, "A"), 1.0)).inputs["model"]
    assert model != plan.choice.scores(attack(plan, "logistic"), Checkpoint(notes, Seat(0, "A"), 1.0)).inputs["model"]


def test_an_attack_model_that_would_meet_its_own_texts_is_refused_before_anything_is_done(
    table: Table, tmp_path: Path
) -> None:
    table = two_corpora(table, tmp_path, seed=0)
    table["corpus"][1]["seed"] = 1
    with pytest.raises(DataError, match=r"train_on = \{ corpus = 'others' \}: its role `shadow` shares texts"):
        plan_of(table, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_transfer_waits_for_the_search_of_its_method(table: Table, tmp_path: Path) -> None:
    table = trained(table, tmp_path, ON_LORA)
    table["method"][0]["learning_rate"] = [1e-3, 1e-2]
    plan = plan_of(table, tmp_path / "runs")
    prompt = arms(plan)["prompt"]
    assert [one.label for one in plan.choice.attacks_on(prompt)] == ["loss"]
    assert plan.choice.leakage(prompt, 1.0).spec["attacks"] == ["loss"]
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    assert [one.label for one in outcome.plan.choice.attacks_on(prompt)] == ["loss", "logistic(train_on=lora(r=2))"]


def test_a_shadow_as_reference_costs_one_pass_per_checkpoint_for_both_folds(table: Table, tmp_path: Path) -> None:
    table = trained(table, tmp_path, {"name": "ref", "reference": "shadow"})
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    plan = outcome.plan
    one, arm = plan.study.attacks.use[1], arms(plan)["lora"]
    assert one.label == 'ref(reference="shadow")'
    inputs = {fold: plan.choice.scores(one, Checkpoint(arm, Seat(0, fold), 1.0)).inputs for fold in ("A", "B")}
    assert set(inputs["A"]) == {"target", "shadow"}
    assert inputs["A"]["shadow"] == inputs["B"]["shadow"]
    passes = [task for task in stages(plan)["stats"] if task.address == inputs["A"]["shadow"]]
    assert [(task.spec["role"], task.spec["epoch"]) for task in passes] == [("pool", 1.0)]
    assert passes[0].inputs["cell"] == plan.catalogue.train(Checkpoint(arm, Seat(0, "A")).shadow).address
    target, shadow = (stats_of(outcome.store, inputs["A"][view]) for view in ("target", "shadow"))
    tables = Tables({View("target"): target, View("shadow"): shadow})
    found = scores_of(outcome.store, plan.choice.scores(one, Checkpoint(arm, Seat(0, "A"), 1.0)).address)
    assert np.array_equal(found.values, one.score(tables).values)
    assert set(plan.choice.scores(one, Checkpoint(Arm(*plan.grid.pairs[0]))).inputs) == {"base"}
    assumed = next(row for row in collect(plan).facts.attacks if row.label == one.label).assumes
    assert assumed["shadow_models"]
    assert assumed["population"]


def test_a_shadow_that_cannot_be_trained_takes_what_learns_from_it_and_nothing_else(
    table: Table, tmp_path: Path
) -> None:
    """The half of its role that the shadow is trained on has no token within max_length."""
    table = trained(table, tmp_path, "logistic")
    path = Path(table["corpus"][0]["path"])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    shadow = list(split_of(make_study(table).corpus[0]).roles["shadow"])
    members = members_of(shadow, seed=0, fold="A")
    empty = {example.id for example, is_member in zip(shadow, members, strict=True) if is_member}
    filled = [{**row, "question": "Why? " * 40 if str(row["number"]) in empty else ""} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in filled))
    outcome = run_study(table, tmp_path / "runs")
    assert {failure.task.spec["role"] for failure in outcome.failures} == {"shadow"}
    aucs = collect(outcome.plan).estimates.filter(quantity="auc").drop_nulls("method")
    assert set(aucs["attack"]) == {"loss"}
    assert len(aucs) == 2 * 2, "two methods, two checkpoints"
    assert aucs["value"].is_not_null().all()


def test_a_damaged_search_takes_what_learns_from_its_method_and_nothing_else(outcome: Outcome, tmp_path: Path) -> None:
    runs = shutil.copytree(outcome.store.root, tmp_path / "runs")
    plan = Plan(outcome.plan.inputs, type(outcome.store)(runs))
    lora, prompt = arms(plan)["lora"], arms(plan)["prompt"]
    several = lora.method.model_copy(update={"learning_rate": (1e-3, 1e-2)})  # type: ignore[union-attr]
    study = plan.study.model_copy(update={"method": (several, plan.study.method[1])})
    searching = Plan(replace(plan.inputs, study=study), plan.store)
    rate = searching.grid.arms(plan.grid.pairs[0])[1]
    path = runs / searching.catalogue.utility(rate, 1.0, searching.grid.search_seats).address
    (path / "estimates.json").write_text("[")
    assert [one.label for one in searching.choice.attacks_on(prompt)] == [
        "loss",
        "logistic",
        "logistic(train_on=prompt(tokens=4))",
    ]
    failures = run(searching, watcher=Recorder())
    assert any(str(path) in failure.message for failure in failures)
    assert searching.store.is_done(searching.choice.leakage(prompt, 2.0).address)
