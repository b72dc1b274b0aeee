"""Attacks that read the study's other cells: which ones, how many are enough, and that they cost no pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vestige.attacks.base import OtherCells, Tables
from vestige.data.splits import members_of
from vestige.errors import ConfigError
from vestige.records import OtherCell, View
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.results.collect import collect
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.stats import stats_of
from vestige.testing.studies import Recorder, plan_of, run_study

Table = dict[str, Any]


def comparing(table: Table, *attacks: Any, seeds: int, folds: int = 2) -> Table:
    table["study"] |= {"seeds": list(range(seeds)), "folds": folds}
    table["corpus"][0]["calibration"] = 4
    table["method"] = [one for one in table["method"] if one["name"] == "prompt"]
    table["training"] |= {"epochs": 1, "checkpoints": [1]}
    table["attacks"] = {"use": ["loss", *attacks], "primary": "loss"}
    return table


def test_other_seeds_are_read_and_nothing_is_scored_for_it(table: Table, tmp_path: Path) -> None:
    offline = {"name": "lira", "online": False}
    watcher = Recorder()
    outcome = run_study(comparing(table, offline, "rmia", seeds=3), tmp_path / "runs", watcher=watcher)
    assert not outcome.failures
    plan, store = outcome.plan, outcome.store
    plain = plan_of(comparing(table, seeds=3), tmp_path / "plain")
    assert {task.address for task in plain.known() if task.stage == "stats"} == {
        task.address for task in plan.known() if task.stage == "stats"
    }
    arm = plan.grid.arms(plan.grid.pairs[0])[0]
    lira, rmia = plan.study.attacks.use[1:]
    task = plan.choice.scores(lira, Checkpoint(arm, Seat(1, "A"), 1.0))
    assert [(one["seed"], one["fold"]) for one in task.spec["cells"]] == [(0, "A"), (0, "B"), (2, "A"), (2, "B")]
    pool = examples_of(store, task.inputs["corpus"], "pool")
    cells = []
    for seed, fold in ((0, "A"), (0, "B"), (2, "A"), (2, "B")):
        stats = stats_of(store, plan.catalogue.stats(Checkpoint(arm, Seat(seed, fold), 1.0), role="pool").address)  # type: ignore[arg-type]
        cells.append(OtherCell(stats, members_of(pool, seed=seed, fold=fold)))  # type: ignore[arg-type]
    assert np.sum([cell.is_member for cell in cells], axis=0).tolist() == [2] * len(pool)
    tables = Tables({View("target"): stats_of(store, task.inputs["target"])}, {OtherCells(): tuple(cells)})
    assert np.array_equal(scores_of(store, task.address).values, lira.score(tables).values)
    assert set(plan.choice.scores(rmia, Checkpoint(arm, Seat(1, "A"), 1.0)).inputs) >= {
        "target",
        "calibration",
        "calibration/0/A",
        "cell/2/B",
    }
    assert set(plan.choice.scores(lira, Checkpoint(Arm(*plan.grid.pairs[0]))).inputs) == {"base"}
    attacked = [task.spec["attack"]["name"] for task in watcher.done if task.stage == "scores"]
    assert attacked.count("loss") == 1 + 2 * 6, "the base, and pool and calibration of every cell"
    assert attacked.count("lira") == attacked.count("rmia") == 1 + 6, "only texts of the pool can be members elsewhere"
    rows = collect(plan).estimates.filter(quantity="auc").drop_nulls("method")
    assert rows["value"].is_not_null().all()


def test_an_attack_that_needs_more_cells_says_how_many(table: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"at least 4 that were trained on each text and 4 that were not.* 1 and 1"):
        plan_of(comparing(table, "lira", seeds=2), tmp_path)
    with pytest.raises(ConfigError, match=r"leave 0 and 0 in the corpus 'notes'. Set folds = 2 and at least 3 seeds"):
        plan_of(comparing(table, "rmia", seeds=1), tmp_path)
    plan_of(comparing(table, "lira", "rmia", seeds=5), tmp_path)


def test_rmia_needs_calibration_texts(table: Table, tmp_path: Path) -> None:
    table = comparing(table, "rmia", seeds=3)
    del table["corpus"][0]["calibration"]
    with pytest.raises(ConfigError, match="rmia compares with texts of the role `calibration`, and the corpus 'notes'"):
        plan_of(table, tmp_path)
