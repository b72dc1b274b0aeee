"""Attacks at the shown checkpoints alone, and at which texts the base is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vestige.errors import ConfigError
from vestige.outcome.points import sections
from vestige.study.cells import find_folds
from vestige.study.results.collect import collect
from vestige.testing.studies import Recorder, plan_of, run_study

Table = dict[str, Any]


@pytest.fixture
def shown(table: Table) -> Table:
    """Full fine-tuning long past its best: the first of three checkpoints has the lowest validation loss."""
    table["method"] = [{"name": "full", "learning_rate": 2e-2}]
    table["training"] = {"epochs": 12, "batch_size": 4, "checkpoints": [4, 8, 12]}
    table["attacks"] |= {"use": ["loss", "ref", "lowercase"], "at": "shown"}
    return table


def test_only_the_best_and_the_last_checkpoint_are_attacked(shown: Table, tmp_path: Path) -> None:
    watcher = Recorder()
    outcome = run_study(shown, tmp_path / "runs", watcher=watcher)
    assert not outcome.failures
    results = collect(outcome.plan)
    section = sections(results)[0]
    best, last = section.best("full"), section.last("full")
    assert best is not None
    assert last is not None
    assert (best.epoch, last.epoch) == (4.0, 12.0), "the premise of this test"
    for point in section.trajectory("full"):
        assert point.number("perplexity").estimate.value is not None
        assert (point.number("auc", "ref").estimate.value is None) == (point.epoch == 8.0)
    passes = [task.spec for task in watcher.done if task.stage == "stats" and task.spec["role"] == "pool"]
    assert sorted({spec["epoch"] for spec in passes if "epoch" in spec}) == [4.0, 12.0]
    with pytest.raises(ConfigError, match="no cell is called 'epoch 8'"):
        find_folds(outcome.plan, "epoch 8, fold A")


def test_the_cost_is_known_before_the_best_checkpoint_is(shown: Table, tmp_path: Path) -> None:
    plan = plan_of(shown, tmp_path / "runs")
    (arm,) = plan.grid.arms(plan.grid.pairs[0])
    assert plan.choice.attacked_epochs(arm) == [4.0, 12.0]
    shown["attacks"]["at"] = "all"
    assert plan_of(shown, tmp_path / "runs").choice.attacked_epochs(arm) == [4.0, 8.0, 12.0]


def test_a_damaged_utility_is_named_and_the_rest_goes_on(shown: Table, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = run_study(shown | {"attacks": {"use": ["loss"], "primary": "loss"}}, runs)
    (arm,) = first.plan.grid.arms(first.plan.grid.pairs[0])
    path = runs / first.plan.catalogue.utility(arm, 4.0, first.plan.grid.seats).address / "estimates.json"
    path.write_text("[")
    outcome = run_study(shown, runs)
    assert [str(path) in failure.message for failure in outcome.failures] == [True]
    assert outcome.store.is_done(outcome.plan.choice.leakage(arm, 12.0).address)


def test_controls_are_made_on_the_pool_alone(shown: Table, tmp_path: Path) -> None:
    """`ref` reads the base on the calibration texts; no control does."""
    shown["corpus"][0] |= {"validation": 4, "calibration": 4}
    shown["attacks"]["use"].append("grad_norm")
    plan = plan_of(shown, tmp_path / "runs")
    base = [task for task in plan.known() if "cell" not in task.inputs]
    passes = [(task.spec["role"], task.spec["view"]) for task in base if task.stage == "stats"]
    assert sorted(passes) == [
        ("calibration", "plain"),
        ("pool", "lowercase"),
        ("pool", "plain"),
        ("validation", "plain"),
    ]
    assert [task.spec["role"] for task in base if task.stage == "gradients"] == ["pool"]
