"""All attacks together cost no more forward passes than one: counted where models run, not where tasks are planned."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vestige.attacks import discover, make_attack
from vestige.attacks.base import COUNTS
from vestige.forms import PLAIN
from vestige.records import View
from vestige.stats.forward import Forward
from vestige.store.keys import Task
from vestige.study.costs import Costs
from vestige.study.grid import Checkpoint
from vestige.study.results.collect import collect
from vestige.study.run import run
from vestige.study.stages.counts import counts_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.stats import stats_of
from vestige.testing.studies import Outcome, Recorder, plan_of, tiny_study

Table = dict[str, Any]
BUILT_IN = {name: make_attack(name) for name in discover().own()}
ALL = [
    name
    for name, attack in BUILT_IN.items()
    if {view.form for need in attack.reads for view in need.views} == {PLAIN}
    and not attack.assumed.shadow_models
    and not attack.assumed.gradients
]
"""The attacks that read target and base on the texts as they are, and nothing else."""


class Counting:
    """Texts that a model sees in each scoring pass, the passes in the order of their tasks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[int] = []
        made, called = Forward.__init__, Forward.__call__

        def init(forward: Forward, model: Any, **how: Any) -> None:
            self.texts.append(0)
            made(forward, model, **how)

        def call(forward: Forward, **inputs: Any) -> Any:
            self.texts[-1] += len(inputs["input_ids"])
            return called(forward, **inputs)

        monkeypatch.setattr(Forward, "__init__", init)
        monkeypatch.setattr(Forward, "__call__", call)


@pytest.fixture(scope="module")
def everything(
    tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Recorder, Counting]:
    """A study with all attacks, run and counted once; its store is not to be written to."""
    table = tiny_study(model=tiny_llama, corpus=tiny_notes)
    table["attacks"] = {"use": ALL, "primary": "ez"}
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    plan, watcher = plan_of(table, tmp_path_factory.mktemp("everything") / "runs"), Recorder()
    with pytest.MonkeyPatch.context() as patch:  # the trial of every method is over, and is not counted
        counting = Counting(patch)
        assert not run(plan, watcher=watcher)
    return Outcome(plan, ()), watcher, counting


def test_all_attacks_together_cost_one_pass_per_checkpoint_and_role_and_one_of_the_base(
    everything: tuple[Outcome, Recorder, Counting],
) -> None:
    outcome, watcher, counting = everything
    assert {"loss", "zlib", "dc_pdd", "ref", "ez", "wbc"} <= set(ALL)
    passes = [task for task in watcher.done if task.stage == "stats"]
    assert len(counting.texts) == len(passes)
    named = Counter((task.spec["role"], task.inputs.get("cell"), task.spec.get("epoch")) for task in passes)
    assert set(named.values()) == {1}
    cells = [task for task in watcher.done if task.stage == "train"]
    assert len(passes) == 2 + len(cells) * len(outcome.plan.grid.epochs) * 2
    assert [task.spec["role"] for task in passes if "cell" not in task.inputs] == ["validation", "pool"]
    # Each text once; the head is held against the model on a few tokens of one text, with and without its logits.
    sizes = {"pool": 16, "validation": 8}
    assert counting.texts == [sizes[task.spec["role"]] + 2 for task in passes]


def test_every_attack_scores_every_text_of_every_cell(everything: tuple[Outcome, Recorder, Counting]) -> None:
    outcome, watcher, _ = everything
    tasks = [task for task in watcher.done if task.stage == "scores"]
    assert Counter(task.spec["attack"]["name"] for task in tasks) == dict.fromkeys(ALL, 1 + 2 * 2)
    for task in tasks:
        scores = scores_of(outcome.store, task.address)
        assert scores.scored.all(), task.about
        name, is_control = task.spec["attack"]["name"], task.spec["control"]
        if name in ("surp", "ez", "loss"):
            assert (scores.notes is not None) == (name == "surp" or (name == "ez" and not is_control))


def test_corners_that_a_rule_scores_reach_the_report_as_counts(everything: tuple[Outcome, Recorder, Counting]) -> None:
    outcome, _, _ = everything
    rows = collect(outcome.plan).facts.corners
    expected: Counter[str] = Counter()
    for task in outcome.plan.known():
        if task.stage == "scores" and not task.spec["control"]:
            notes = scores_of(outcome.store, task.address).notes
            expected.update(note for note in (() if notes is None else notes.tolist()) if note)
    found: Counter[str] = Counter()
    for row in rows:
        found[row.note] += row.members + row.non_members
    assert found == expected


def test_the_population_is_counted_once_over_texts_that_no_attack_scores(
    everything: tuple[Outcome, Recorder, Counting],
) -> None:
    outcome, watcher, _ = everything
    counted = [task for task in watcher.done if task.stage == "counts"]
    assert [task.spec["roles"] for task in counted] == [["validation"]]
    validation = next(task for task in watcher.done if task.stage == "stats" and task.spec["role"] == "validation")
    tokens = stats_of(outcome.store, validation.address).tokens["token_id"]
    counts = counts_of(outcome.store, counted[0].address).counts
    assert np.array_equal(counts, np.bincount(tokens, minlength=len(counts)))
    users = {task.spec["attack"]["name"] for task in watcher.done if "counts" in task.inputs}
    assert users == {name for name in ALL if COUNTS in BUILT_IN[name].reads} >= {"dc_pdd"}


def test_calibration_and_context_are_the_population_where_there_are_any(table: Table, tmp_path: Path) -> None:
    from vestige.study.grid import Arm

    table["attacks"] = {"use": ["dc_pdd"], "primary": "dc_pdd"}
    table["corpus"][0] |= {"calibration": 3, "context": 2}
    plan = plan_of(table, tmp_path)
    task: Task = plan.catalogue.counts(plan.grid.pairs[0])
    assert task.spec["roles"] == ["calibration", "context"]
    assert Costs(plan.identities).of(task) == 0
    assert "base" in plan.choice.scores(plan.study.attacks.use[0], Checkpoint(Arm(*plan.grid.pairs[0]))).inputs
    assert {view for need in plan.study.attacks.use[0].needs for view in need.views} == {View("target")}
