"""The neighbourhood attack in a study, with word swaps and with a masked language model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vestige.attacks.base import Tables
from vestige.errors import ModelError
from vestige.forms import PLAIN, Masked
from vestige.records import View
from vestige.store.io import read_parquet
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.stats import stats_of
from vestige.testing.models import save_tiny_masked_model
from vestige.testing.studies import Recorder, plan_of, run_study

Table = dict[str, Any]


def use(table: Table, *attacks: Any) -> Table:
    table["attacks"] = {"use": ["loss", *attacks], "primary": "loss"}
    table["method"] = [one for one in table["method"] if one["name"] == "prompt"]
    table["training"] |= {"epochs": 1, "checkpoints": [1]}
    return table


def test_a_masked_model_rewrites_each_version_once_for_all_cells(table: Table, tmp_path: Path) -> None:
    bert = str(save_tiny_masked_model(tmp_path / "bert"))
    watcher = Recorder()
    attack = {"name": "neighbourhood", "versions": 2, "masked_lm": bert}
    outcome = run_study(use(table, attack), tmp_path / "runs", watcher=watcher)
    assert not outcome.failures
    plan, store = outcome.plan, outcome.store
    done = Counter(task.stage for task in watcher.done)
    assert done["neighbours"] == 2
    written = [task for task in watcher.done if task.stage == "neighbours"]
    pool = examples_of(store, written[0].inputs["corpus"], "pool")
    first, second = (read_parquet(store.open(task.address) / "neighbours.parquet") for task in written)
    assert first["id"].to_pylist() == [example.id for example in pool]
    assert first["completion"].to_pylist() != second["completion"].to_pylist()
    assert all(new != old.completion for new, old in zip(first["completion"].to_pylist(), pool, strict=True))
    one, arm = plan.study.attacks.use[1], plan.grid.arms(plan.grid.pairs[0])[0]
    for task in (
        plan.choice.scores(one, Checkpoint(arm, Seat(0, "A"), 1.0)),
        plan.choice.scores(one, Checkpoint(Arm(*plan.grid.pairs[0]))),
    ):
        model = "base" if task.spec["control"] else "target"
        forms = [PLAIN, Masked(0, bert), Masked(1, bert)]
        views = {View(model, form): View(model, form).name for form in forms}  # type: ignore[arg-type]
        assert set(task.inputs) == set(views.values())
        tables = Tables({view: stats_of(store, task.inputs[name]) for view, name in views.items()})
        expected = one.control(tables) if task.spec["control"] else one.score(tables)
        assert scores_of(store, task.address).values.tolist() == expected.values.tolist()


def test_the_key_knows_the_masked_model_and_not_its_folder(table: Table, tmp_path: Path) -> None:
    same, copy, other = (
        str(save_tiny_masked_model(tmp_path / name, seed=seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )

    def address(bert: str) -> str:
        plan = plan_of(use(table, {"name": "neighbourhood", "versions": 1, "masked_lm": bert}), tmp_path / "runs")
        arm = plan.grid.arms(plan.grid.pairs[0])[0]
        return plan.catalogue.stats(Checkpoint(arm, Seat(0, "A"), 1.0), role="pool", form=Masked(0, bert)).address

    assert address(same) == address(copy) != address(other)


def test_without_a_masked_model_words_are_swapped_as_for_pac(table: Table, tmp_path: Path) -> None:
    plan = plan_of(use(table, "neighbourhood", "pac"), tmp_path / "runs")
    passes = [task for task in plan.expected() if task.stage == "stats" and task.spec["role"] == "pool"]
    assert {task.spec["view"] for task in passes} == {"plain", *(f"swap-{version}" for version in range(10))}


def test_a_model_without_a_mask_is_refused_before_anything_is_done(table: Table, tmp_path: Path) -> None:
    attack = {"name": "neighbourhood", "masked_lm": table["base"][0]["model"]}
    with pytest.raises(ModelError, match="is not a masked language model with a fast tokenizer"):
        plan_of(use(table, attack), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
