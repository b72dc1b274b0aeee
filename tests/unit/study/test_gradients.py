"""An attack on gradients in a study: one pass there and back per checkpoint and role, of the base too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from vestige.study.costs import Costs
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.results.collect import collect
from vestige.study.stages.gradients import GRADIENT_COST, gradients_of
from vestige.study.stages.scores import scores_of
from vestige.testing.studies import Recorder, plan_of, run_study

Table = dict[str, Any]


def test_gradients_are_taken_once_per_checkpoint_and_once_of_the_base(table: Table, tmp_path: Path) -> None:
    table["attacks"] = {"use": ["loss", "grad_norm", {"name": "grad_norm", "p": 1}], "primary": "loss"}
    table["method"] = table["method"][1:]
    watcher = Recorder()
    outcome = run_study(table, tmp_path / "runs", watcher=watcher)
    assert not outcome.failures
    plan = outcome.plan
    taken = [task for task in watcher.done if task.stage == "gradients"]
    assert Counter(("cell" in task.inputs, task.spec.get("epoch")) for task in taken) == {
        (False, None): 1,
        (True, 1.0): 2,
        (True, 2.0): 2,
    }
    for task in taken:
        assert (
            Costs(plan.identities).of(task)
            == GRADIENT_COST * plan.identities.lengths[plan.grid.pairs[0]]["pool"].tokens
        )
    arm = plan.grid.arms(plan.grid.pairs[0])[0]
    for attack in plan.study.attacks.use[1:]:
        for task in (
            plan.choice.scores(attack, Checkpoint(arm, Seat(0, "A"), 1.0)),
            plan.choice.scores(attack, Checkpoint(Arm(*plan.grid.pairs[0]))),
        ):
            norms = gradients_of(outcome.store, task.inputs["gradients"])
            expected = norms.first if task.spec["attack"]["p"] == 1 else norms.second
            assert np.array_equal(scores_of(outcome.store, task.address).values, -expected, equal_nan=True)
    rows = collect(plan).estimates.filter(quantity="auc", attack="grad_norm")
    assert len(rows) == 3, "the base and two checkpoints"


def test_a_study_that_does_not_ask_takes_none(table: Table, tmp_path: Path) -> None:
    assert not [task for task in plan_of(table, tmp_path).known() if task.stage == "gradients"]
