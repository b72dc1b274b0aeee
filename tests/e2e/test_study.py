"""A whole study on a tiny model: once, again, elsewhere, extended."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl

from vestige.models.loading import _load_base
from vestige.store.layout import LOGS, UNFINISHED
from vestige.study.grid import Arm, Checkpoint
from vestige.study.results.collect import collect
from vestige.testing.studies import Outcome, Recorder, content, run_study
from vestige.tuning.methods import discover


def test_everything_is_done_and_nothing_is_left_over(undisturbed: Outcome) -> None:
    assert not undisturbed.failures
    tasks = undisturbed.plan.known()
    assert {task.stage for task in tasks} >= {"corpus", "train", "stats", "scores", "leakage", "floors", "utility"}
    assert all(undisturbed.store.is_done(task.address) for task in tasks)
    own = {"store.json", ".gitignore", ".lock", LOGS}
    assert {path.name for path in undisturbed.store.root.iterdir()} == {*(task.stage for task in tasks), *own}
    assert not list(undisturbed.store.root.rglob(UNFINISHED))
    assert {path.name for path in undisturbed.store.root.rglob(".*")} == {".gitignore", ".lock"}


def test_nothing_is_pickled(undisturbed: Outcome) -> None:
    files = [path for path in undisturbed.store.root.rglob("*") if path.is_file()]
    assert {path.suffix for path in files if not path.name.startswith(".")} == {".json", ".parquet", ".safetensors"}
    assert {path.read_text(encoding="utf-8") for path in files if path.name.startswith(".")} == {"", "*\n"}


def test_no_file_but_the_corpus_holds_a_text(undisturbed: Outcome, tiny_notes: Path) -> None:
    names = [b"lighthouse", b"orchard", b"violin"]
    for path in undisturbed.store.root.rglob("*"):
        if path.is_file() and path.parent.parent.name != "corpus":
            assert not any(name in path.read_bytes() for name in names), path


def test_a_second_run_reuses_everything(table: dict[str, Any], undisturbed: Outcome, tmp_path: Path) -> None:
    runs = shutil.copytree(undisturbed.store.root, tmp_path / "runs")
    watcher = Recorder()
    outcome = run_study(table, runs, watcher=watcher)
    assert not outcome.failures
    assert (watcher.begun, watcher.tokens) == ([], {})
    assert len(watcher.found) == len(undisturbed.plan.known())


def test_another_place_gives_the_same_bytes(table: dict[str, Any], undisturbed: Outcome, tmp_path: Path) -> None:
    table["base"][0]["model"] = str(shutil.copytree(table["base"][0]["model"], tmp_path / "model-elsewhere"))
    table["corpus"][0]["path"] = str(shutil.copy(table["corpus"][0]["path"], tmp_path / "texts.jsonl"))
    run_study(table, tmp_path / "runs")
    assert content(tmp_path / "runs") == content(undisturbed.store.root)


def test_a_further_attack_runs_no_model(table: dict[str, Any], undisturbed: Outcome, tmp_path: Path) -> None:
    runs = shutil.copytree(undisturbed.store.root, tmp_path / "runs")
    table["attacks"]["use"].append({"name": "min_k", "k": 0.5})
    watcher = Recorder()
    outcome = run_study(table, runs, watcher=watcher)
    assert {task.stage for task in watcher.done} == {"scores", "leakage", "comparison"}
    attacks = collect(outcome.plan).scores["attack"].unique()
    assert "min_k(k=0.5)" in attacks


def test_every_method_runs_on_one_loaded_base_that_stays_as_it_was(table: dict[str, Any], tmp_path: Path) -> None:
    """One training of each after the other; the base, scored first, is scored again last, byte for byte alike."""
    table["study"]["folds"], table["training"] = 1, {"epochs": 1, "batch_size": 4, "checkpoints": [1]}
    table["method"] = [{"name": name, "learning_rate": 1e-3} for name in discover()]
    _load_base.cache_clear()
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    assert _load_base.cache_info().misses == 1
    base = Checkpoint(Arm(*outcome.plan.grid.pairs[0]))
    floor = outcome.plan.catalogue.stats(base, role="validation")
    before = outcome.store.open(floor.address) / "tokens.parquet"
    first = before.read_bytes()
    for removed in (floor, outcome.plan.catalogue.losses(base, "validation")):
        shutil.rmtree(outcome.store.folder(removed.address))
    assert not run_study(table, tmp_path / "runs").failures
    assert _load_base.cache_info().misses == 1
    assert before.read_bytes() == first
    frame = collect(outcome.plan).estimates.drop_nulls("method")
    assert set(frame["method"]) == set(discover())
    assert set(frame["family"]) == {"parameter", "prompt", "hybrid"}


def test_training_is_seen_by_the_attacks(table: dict[str, Any], tmp_path: Path) -> None:
    """Trained long enough, LoRA remembers the 8 texts of its half, and `ref` tells them from the other half."""
    table["method"] = [{"name": "lora", "learning_rate": 1e-2}]
    table["training"] = {"epochs": 20, "batch_size": 4, "checkpoints": [1, 20]}
    outcome = run_study(table, tmp_path / "runs")
    estimates = collect(outcome.plan).estimates
    auc = estimates.filter(quantity="auc", attack="ref", epoch=20.0)["value"].item()
    floor = estimates.filter(pl.col("method").is_null(), quantity="auc", attack="ref")["value"].item()
    assert auc > 0.95
    assert auc > floor
