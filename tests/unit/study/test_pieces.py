"""Pieces: what is finished of a study travels to another store, and is not made there again."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vestige
from vestige.errors import ConfigError
from vestige.store.keys import Task
from vestige.store.layout import DONE
from vestige.study.compared import comparison
from vestige.study.outlook import outlook
from vestige.study.pieces import read_piece, write_piece
from vestige.study.plan import Plan
from vestige.study.results.collect import collect
from vestige.study.stages.registry import stage_named
from vestige.testing.models import tiny_texts
from vestige.testing.studies import Outcome, Recorder, plan_of, run_study, tiny_study

Table = dict[str, Any]

BY_CELL = ("trained", "losses", "scores")


def of_seeds(table: Table, *seeds: int) -> Table:
    return {**table, "study": {**table["study"], "seeds": list(seeds)}}


@pytest.fixture(scope="module")
def fixed(tiny_llama: Path, tiny_notes: Path) -> Table:
    """Two methods at one learning rate each, two seeds."""
    table = tiny_study(model=tiny_llama, corpus=tiny_notes)
    table["method"][0]["learning_rate"] = 1e-2
    table["attacks"] = {"use": ["loss", "ref"], "primary": "ref"}
    return of_seeds(table, 0, 1)


@pytest.fixture(scope="module")
def whole(fixed: Table, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    outcome = run_study(fixed, tmp_path_factory.mktemp("whole") / "runs")
    assert not outcome.failures
    return outcome


@pytest.fixture
def piece(whole: Outcome, fixed: Table, tmp_path: Path) -> Callable[..., Path]:
    """What the store has of a study of these seeds alone, as a piece."""

    def write(*seeds: int) -> Path:
        path = tmp_path / f"{seeds}.parquet"
        write_piece(plan_of(of_seeds(fixed, *seeds), whole.store.root), path)
        return path

    return write


def compared(plan: Plan) -> Task:
    task = comparison(plan.choice, plan.grid.pairs[0])
    assert task is not None
    return task


def test_a_study_of_one_seed_shares_every_task_of_its_cells(fixed: Table, tmp_path: Path) -> None:
    def of_cells(*seeds: int) -> set[str]:
        tasks = plan_of(of_seeds(fixed, *seeds), tmp_path / "runs").known()
        return {task.address for task in tasks if task.stage in ("train", "stats", *BY_CELL)}

    assert of_cells(0) | of_cells(1) == of_cells(0, 1)
    assert len(of_cells(0) & of_cells(1)) < len(of_cells(0)) / 4, "the base and its scores alone"


def test_pieces_of_two_seeds_make_the_study_of_both(
    whole: Outcome, fixed: Table, piece: Callable[..., Path], tmp_path: Path
) -> None:
    """Nothing of a cell is trained, scored or attacked; every result is that of the store which had all of it."""
    other = tmp_path / "other"
    for seed in (0, 1):
        assert read_piece(plan_of(fixed, other), piece(seed)).new
    assert {row["state"].partition(",")[0] for row in outlook(plan_of(fixed, other)).cells.to_dicts()} == {"trained"}
    watcher = Recorder()
    outcome = run_study(fixed, other, watcher=watcher)
    assert not outcome.failures
    made = Counter(task.stage for task in watcher.done)
    assert not made.keys() & {"train", *BY_CELL}
    of_base = [{*task.inputs} for task in watcher.done if task.stage == "stats"]
    assert of_base == [{"corpus"}], "what floors read"
    assert "Nothing to do" in outlook(outcome.plan).rest
    for task in whole.plan.known():
        if task.stage not in ("train", "stats"):
            here, there = (store.folder(task.address) / DONE for store in (outcome.store, whole.store))
            assert here.read_bytes() == there.read_bytes(), task.about
    mine, theirs = collect(outcome.plan), collect(whole.plan)
    assert mine.facts.comparisons == theirs.facts.comparisons
    assert mine.losses.equals(theirs.losses)
    assert mine.scores.equals(theirs.scores)


def test_a_piece_has_no_text_no_token_and_no_weight(whole: Outcome, piece: Callable[..., Path]) -> None:
    path = piece(0, 1)
    table = pq.read_table(path)
    travelling = {task.stage for task in whole.plan.known() if stage_named(task.stage).travels}
    assert {address.partition("/")[0] for address in table["address"].to_pylist()} == travelling
    assert travelling >= {*BY_CELL, "utility", "leakage", "memorization", "floors", "comparison"}
    assert not travelling & {"corpus", "stats", "neighbours", "train", "generations"}, "these have texts or weights"
    contents = b"".join(table["content"].to_pylist())
    assert not any(text.encode() in contents for text in tiny_texts(30))
    assert b"token_id" not in contents
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_there_is_not_read_again(whole: Outcome, piece: Callable[..., Path]) -> None:
    found = read_piece(whole.plan, piece(0))
    assert found.new == 0
    assert found.results["losses"] == 2 + 2 * 2 * 2 * 2 + 2, "base, arms × folds × checkpoints × roles, prompt at 0"


def test_only_what_a_new_attack_needs_is_trained_again(
    fixed: Table, piece: Callable[..., Path], tmp_path: Path
) -> None:
    more = copy.deepcopy(fixed)
    more["attacks"]["use"].append("min_k")
    read_piece(plan_of(more, tmp_path / "other"), piece(0, 1))
    left = [task for wave in plan_of(more, tmp_path / "other").left() for task in wave.tasks]
    assert Counter(task.stage for task in left)["train"] == 2 * 2 * 2


# What is no piece of the study


def rewritten(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return path


def at(rows: list[dict[str, Any]], file: str) -> dict[str, Any]:
    return next(row for row in rows if row["file"] == file)


def flipped(rows: list[dict[str, Any]]) -> None:
    row = at(rows, "losses.parquet")
    row["content"] = row["content"][:-9] + bytes([row["content"][-9] ^ 1]) + row["content"][-8:]


def another_spec(rows: list[dict[str, Any]]) -> None:
    row = at(rows, DONE)
    row["content"] = json.dumps({**json.loads(row["content"]), "spec": {"seed": 5}}).encode()


def gone(rows: list[dict[str, Any]]) -> None:
    rows.remove(at(rows, "scores.parquet"))


def elsewhere(rows: list[dict[str, Any]]) -> None:
    row = at(rows, "scores.parquet")
    done = next(one for one in rows if one["address"] == row["address"] and one["file"] == DONE)
    record = json.loads(done["content"])
    record["files"] = {"../../scores.parquet": record["files"]["scores.parquet"]}
    row["file"], done["content"] = "../../scores.parquet", json.dumps(record).encode()


def weights(rows: list[dict[str, Any]]) -> None:
    rows.append({"address": "train/" + "0" * 20, "file": DONE, "content": b"{}"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flipped, r"losses/\w{20} has a file, losses.parquet, that does not match its hash"),
        (another_spec, r"\w+/\w{20} does not match its key"),
        (gone, r"scores/\w{20} has other files than it left"),
        (elsewhere, r"scores/\w{20} has a file that lies elsewhere"),
        (weights, r"train/0{20} is no result that a piece carries"),
    ],
)
def test_a_changed_piece_is_named_and_nothing_of_it_is_written(
    fixed: Table, piece: Callable[..., Path], tmp_path: Path, change: Callable[..., None], message: str
) -> None:
    path = rewritten(piece(0), change)
    with pytest.raises(ConfigError, match=message) as raised:
        read_piece(plan_of(fixed, tmp_path / "other"), path)
    assert str(path) in str(raised.value)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("content", [b"", b"PAR1 not quite", None])
def test_what_is_no_piece_is_named(fixed: Table, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "scores.parquet"
    if content is None:
        pq.write_table(pa.table({"id": ["a"]}), path)
    else:
        path.write_bytes(content)
    for one in (path, tmp_path / "absent.parquet"):
        with pytest.raises(ConfigError, match=str(one)):
            read_piece(plan_of(fixed, tmp_path / "other"), one)
    assert not (tmp_path / "other").exists()


def test_a_piece_of_another_study_is_refused(fixed: Table, piece: Callable[..., Path], tmp_path: Path) -> None:
    other = copy.deepcopy(fixed)
    other["corpus"][0]["max_length"] = 20
    with pytest.raises(ConfigError, match="has nothing of this study"):
        read_piece(plan_of(other, tmp_path / "other"), piece(0))
    assert not (tmp_path / "other").exists()


def test_there_must_be_something_to_write(fixed: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds nothing of this study"):
        write_piece(plan_of(fixed, tmp_path / "empty"), tmp_path / "piece.parquet")
    assert not (tmp_path / "piece.parquet").exists()


def test_a_piece_is_written_and_read_from_python(whole: Outcome, fixed: Table, tmp_path: Path) -> None:
    written = vestige.write_piece(fixed, tmp_path / "piece.parquet", store=whole.store.root)
    assert repr(written).startswith(f"{tmp_path / 'piece.parquet'}: 38 losses, 8 trained, ")
    read = vestige.read_piece(fixed, tmp_path / "piece.parquet", store=tmp_path / "other")
    assert read.results == written.results
    assert read.new == sum(read.results.values())
