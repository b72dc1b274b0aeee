"""Attacks that read other forms of the texts: one more pass per checkpoint, role and form, whoever asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vestige.forms as forms
from vestige.attacks.base import Column, Needs, Tables, score_in_blocks
from vestige.attacks.lowercase import Lowercase
from vestige.attacks.registry import make_attack
from vestige.data.encode import encode
from vestige.errors import ConfigError, StoreError
from vestige.models.loading import load_tokenizer
from vestige.models.sources import resolve
from vestige.records import View
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.plan import Plan
from vestige.study.results.collect import collect
from vestige.study.stages.base import Bench
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.stats import StatsStage, stats_of
from vestige.testing.studies import Outcome, Recorder, plan_of, run_study, write_tiny_corpus

Table = dict[str, Any]
CELLS, CHECKPOINTS = 2, 2


def use(table: Table, *attacks: Any) -> Table:
    table["attacks"] = {"use": list(attacks), "primary": make_attack(attacks[0]).label}
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    return table


def passes(watcher: Recorder) -> Counter[str]:
    """Scoring passes by form, validation apart."""
    return Counter(task.spec["view"] for task in watcher.done if task.stage == "stats" and task.spec["role"] == "pool")


def run(table: Table, folder: Path) -> tuple[Outcome, Recorder]:
    watcher = Recorder()
    outcome = run_study(table, folder / "runs", watcher=watcher)
    assert not outcome.failures
    return outcome, watcher


def forms_of(plan: Plan, model: str, *, role: str = "pool") -> list[str]:
    """The forms in which the base, or a target, is scored on the texts of a role."""
    passes = [task for task in plan.expected() if task.stage == "stats" and task.spec["role"] == role]
    own = [task for task in passes if ("cell" in task.inputs) == (model == "target")]
    return sorted({task.spec["view"] for task in own})


def test_a_form_costs_one_pass_per_checkpoint_and_one_of_the_base(table: Table, tmp_path: Path) -> None:
    outcome, watcher = run(use(table, "loss", "lowercase"), tmp_path)
    once = 1 + CELLS * CHECKPOINTS
    assert passes(watcher) == {"plain": once, "lowercase": once}
    validation = [task.spec["view"] for task in watcher.done if task.stage == "stats" and task.spec["role"] != "pool"]
    assert set(validation) == {"plain"}
    for task in watcher.done:
        if task.stage == "scores" and task.spec["attack"]["name"] == "lowercase":
            model = "base" if task.spec["control"] else "target"
            assert set(task.inputs) == {model, f"{model}/lowercase"}
            views = {View(model): stats_of(outcome.store, task.inputs[model])}  # type: ignore[arg-type]
            lowercase = View(model, forms.Lowercase())  # type: ignore[arg-type]
            views[lowercase] = stats_of(outcome.store, task.inputs[f"{model}/lowercase"])
            expected = score_in_blocks(make_attack("lowercase"), Tables(views), control=task.spec["control"])
            found = scores_of(outcome.store, task.address)
            assert found.scored.all()
            assert np.array_equal(found.values, expected.values)


def test_the_pass_scores_the_rewritten_completion_behind_the_same_prompt(table: Table, tmp_path: Path) -> None:
    outcome, watcher = run(use(table, "lowercase"), tmp_path)
    tokenizer = load_tokenizer(resolve(table["base"][0]["model"]))
    task = next(task for task in watcher.done if task.stage == "stats" and task.spec["view"] == "lowercase")
    examples = examples_of(outcome.store, task.inputs["corpus"], "pool")
    lower = [replace(example, completion=example.completion.lower()) for example in examples]
    texts = encode(lower, tokenizer, max_length=table["corpus"][0]["max_length"])
    scored = np.concatenate([text.ids[text.first : text.end] for text in texts])
    assert np.array_equal(stats_of(outcome.store, task.address).tokens["token_id"], scored)
    assert any(example.prompt != example.prompt.lower() for example in examples)


def test_a_study_without_forms_has_the_tasks_it_always_had(table: Table, tmp_path: Path) -> None:
    plain = plan_of(use(table, "loss", "ref"), tmp_path)
    arm = plan_arm(plain)
    target = Checkpoint(arm, Seat(0, "A"), 1)
    task = plain.catalogue.stats(target, role="pool")
    assert sorted(task.spec) == ["base", "epoch", "max_length", "role", "view"]
    assert task.spec["view"] == "plain"
    assert task.about.endswith("on pool")
    assert list(plain.choice.scores(plain.study.attacks.use[1], target).inputs) == ["base", "target"]
    assert forms_of(plain, "base") == forms_of(plain, "target") == ["plain"]


def test_a_form_of_the_base_beside_the_target_is_scored_for_both(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an attack reads of the base is scored even where its control does not read it."""
    needs: Needs = (*Lowercase.needs, Column(View("base", forms.Lowercase()), "logp"))
    monkeypatch.setattr(Lowercase, "needs", needs)
    plan = plan_of(use(table, "lowercase"), tmp_path)
    assert forms_of(plan, "base") == forms_of(plan, "target") == ["lowercase", "plain"]
    attack, arm = plan.study.attacks.use[0], plan_arm(plan)
    inputs = plan.choice.scores(attack, Checkpoint(arm, Seat(0, "A"), plan.grid.epochs[0])).inputs
    assert list(inputs) == ["base/lowercase", "target", "target/lowercase"]
    planned = {task.address for task in plan.expected()}
    assert planned.issuperset(inputs.values())


def test_a_pass_carries_its_form_and_none_is_stored_under_the_key_of_another(table: Table, tmp_path: Path) -> None:
    plan = plan_of(use(table, "lowercase", "pac"), tmp_path)
    target = Checkpoint(plan_arm(plan), Seat(0, "A"), 1)
    told = {}
    for form in (forms.PLAIN, forms.Lowercase(), forms.Swapped(3)):
        task = plan.catalogue.stats(target, role="pool", form=form)
        told[task.spec["view"]] = task.where["form"]
        assert forms.from_json(task.where["form"]) == form
    wrong = replace(task, where={**task.where, "form": told["lowercase"]})
    assert wrong.address == task.address
    with pytest.raises(StoreError, match="in the form 'swap-3' carries the form lowercase"):
        StatsStage.run(StatsStage.read(wrong.spec), wrong, Bench(plan.store, tmp_path, lambda _: None))


def test_recall_is_the_ratio_of_two_passes_with_a_context(table: Table, tmp_path: Path) -> None:
    table = use(table, {"name": "recall", "prefix": 24, "beginnings": 1})
    table["corpus"][0]["context"] = 4
    outcome, watcher = run(table, tmp_path)
    once = 1 + CELLS * CHECKPOINTS
    assert passes(watcher) == {"plain": once, "prefixed-24": once}
    for task in watcher.done:
        if task.stage == "scores":
            scores = scores_of(outcome.store, task.address)
            alone, behind = (stats_of(outcome.store, task.inputs[name]) for name in sorted(task.inputs))
            assert np.array_equal(alone.tokens["token_id"], behind.tokens["token_id"])
            ratios = [
                behind.tokens["logp"][start:stop].mean(dtype=np.float64)
                / alone.tokens["logp"][start:stop].mean(dtype=np.float64)
                for start, stop in pairwise(alone.offsets)
            ]
            np.testing.assert_allclose(scores.values, ratios, rtol=1e-9)


def test_pac_costs_the_eleven_passes_that_it_says(table: Table, tmp_path: Path) -> None:
    table = use(table, "pac")
    table["training"] |= {"epochs": 1, "checkpoints": [1]}
    outcome, watcher = run(table, tmp_path)
    assert len(passes(watcher)) == make_attack("pac").assumed.passes == 11
    assert set(passes(watcher).values()) == {1 + CELLS}
    for task in watcher.done:
        if task.stage == "scores":
            values = scores_of(outcome.store, task.address).values
            assert np.isfinite(values).all()
            assert len(set(values.tolist())) > 10


@pytest.mark.parametrize(
    ("prefix", "changes", "expected"),
    [
        (24, {}, r"24 tokens of the role `context`.*'notes' has no text in that role\. Set `context`"),
        (80, {"context": 2}, r"the 2 texts that it is made of have \d+ together\. Raise `context`"),
        (90, {"context": 6}, r"90 tokens .*max_length = 40 .*beyond the context of .*128 tokens\. Lower max_length"),
    ],
)
def test_a_beginning_that_cannot_be_is_the_users_mistake(
    table: Table, tmp_path: Path, prefix: int, changes: dict[str, int], expected: str
) -> None:
    table = use(table, {"name": "recall", "prefix": prefix, "beginnings": 1})
    table["corpus"][0] |= changes
    with pytest.raises(ConfigError, match=f"(?s){expected}"):
        run_study(table, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


class Mistyped(forms.Rewritten):
    """A form that is not one of the project's."""

    @property
    def name(self) -> str:
        return "lowercas"

    def changed(self, completion: str) -> str:
        return completion


def test_an_unknown_form_is_found_before_anything_is_written(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lowercase, "needs", (Column(View("target", Mistyped()), "logp"),))
    with pytest.raises(ConfigError, match="Did you mean 'lowercase'"):
        run_study(use(table, "lowercase"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def plan_arm(plan: Plan) -> Arm:
    (arm,) = plan.grid.arms(plan.grid.pairs[0])
    return arm


def test_a_model_that_knows_its_texts_by_heart_is_found_out_and_the_base_is_not(table: Table, tmp_path: Path) -> None:
    """The signs are right where it counts: on members and non-members of a real training."""
    table = use(table, "lowercase", "pac", "neighbourhood", {"name": "recall", "prefix": 48})
    table["corpus"][0] |= {
        "path": str(write_tiny_corpus(tmp_path / "notes.jsonl", texts=90)),
        "pool": 60,
        "context": 20,
    }
    table["method"] = [{"name": "full", "learning_rate": 3e-3}]
    table["training"] = {"epochs": 12, "batch_size": 4, "checkpoints": [12]}
    outcome, _ = run(table, tmp_path)
    frame = collect(outcome.plan).estimates
    rows = [row for row in frame.iter_rows(named=True) if row["quantity"] == "auc"]
    for attack in table["attacks"]["use"]:
        label = make_attack(attack).label
        found = {row["method"]: row["value"] for row in rows if row["attack"] == label}
        assert found["full"] > 0.9, label
        assert abs(found[None] - 0.5) < 0.2, label
