"""What a store has on record: which primary attack a study named, and whether it was run as it is written."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from vestige.api import Result
from vestige.checks.registry import check
from vestige.errors import ConfigError, StoreError
from vestige.report.about import asked
from vestige.report.checked import failed
from vestige.report.summary import summary_table
from vestige.store.io import write_json
from vestige.study.grid import Arm, Checkpoint
from vestige.study.record import primaries, was_run
from vestige.study.results.collect import collect
from vestige.testing.studies import Outcome, plan_of, run_study

Table = dict[str, Any]


@pytest.fixture
def runs(finished: Outcome, tmp_path: Path) -> Path:
    """A copy of the store of the finished study, whose primary attack is `ref`."""
    shutil.copytree(finished.store.root, tmp_path / "runs")
    return tmp_path / "runs"


def record(runs: Path) -> dict[str, list[dict[str, str]]]:
    content: dict[str, list[dict[str, str]]] = json.loads((runs / "logs" / "runs.json").read_text())
    return content


def said(runs: Path, table: Table) -> str:
    """The report's words on the primary attack."""
    results = collect(plan_of(table, runs))
    words = [sentence for term, sentences in asked(results) if term == "Attacks" for sentence in sentences]
    return "\n".join([*words, *(line.said for line in failed(check(results))), summary_table(results)])


def with_primary(table: Table, primary: str) -> Table:
    return table | {"attacks": {**table["attacks"], "primary": primary}}


def test_a_run_is_recorded_once_however_often_it_is_made(table: Table, runs: Path) -> None:
    before = record(runs)
    assert [entry["primary"] for entry in before["tiny"]] == ["ref"]
    run_study(table, runs)
    assert record(runs) == before
    assert "the primary one, named before the run, is ref" in said(runs, table)
    assert "changed" not in said(runs, table)


@pytest.mark.parametrize("search_only", [False, True])
def test_a_primary_that_is_changed_after_a_look_is_reported(table: Table, runs: Path, search_only: bool) -> None:
    from vestige.study.run import run
    from vestige.testing.studies import Recorder

    watcher, other = Recorder(), with_primary(table, "zlib")
    run(plan_of(other, runs), watcher=watcher, search_only=search_only)
    told = [] if search_only else ["comparison"]
    assert [one.stage for one in watcher.done] == told, "no other key knows of the primary attack"
    words = said(runs, other)
    assert "named before the run" not in words
    assert words.count("The primary attack was changed from run to run: ref since 20") == 2, "in page and summary"
    assert [one.attack for one in primaries(plan_of(other, runs))] == ["ref", "zlib"]
    run_study(table, runs)
    assert [entry["primary"] for entry in record(runs)["tiny"]] == ["ref", "zlib", "ref"], "only ever added to"
    assert "named before the run" not in said(runs, table)


def test_a_change_that_was_never_run_is_reported(table: Table, runs: Path) -> None:
    words = said(runs, with_primary(table, "loss"))
    assert "and loss in the study file, not run" in words
    assert "named before the run" not in words


def test_another_name_for_the_study_does_not_hide_that_there_were_numbers(table: Table, runs: Path) -> None:
    renamed = with_primary(table, "zlib") | {"study": {**table["study"], "name": "fresh"}}
    record_path = runs / "logs" / "runs.json"
    run_study(renamed, runs)
    later = json.loads(record_path.read_text())
    later["fresh"][0]["time"] = "2999-01-01T00:00:00+00:00"
    write_json(record_path, later)
    assert "zlib is on record as the primary attack since 2999-01-01 00:00 UTC, when" in said(runs, renamed)


def test_a_store_without_a_record_says_so(table: Table, runs: Path) -> None:
    (runs / "logs" / "runs.json").unlink()
    assert "It is not on record when ref was named the primary attack" in said(runs, table)


@pytest.mark.parametrize("content", ["", "[]", '{"tiny": 1}', '{"tiny": [{"primary": "ref"}]}'])
def test_a_damaged_record_is_named(table: Table, runs: Path, content: str) -> None:
    (runs / "logs" / "runs.json").write_text(content)
    with pytest.raises(StoreError, match=r"runs\.json is damaged"):
        run_study(table, runs)


# A report of what was never run


EDITS: dict[str, Table] = {
    "seeds": {"study": {"name": "tiny", "seeds": [1], "folds": 2}},
    "methods": {"method": [{"name": "lora", "r": 1, "learning_rate": 1e-3}]},
    "epochs": {"training": {"epochs": 3, "batch_size": 4, "checkpoints": [1, 3]}},
    "fpr": {"report": {"fpr": [0.5], "samples": 100}},
    "attacks": {"attacks": {"use": ["loss", "ref", {"name": "min_k", "k": 0.9}], "primary": "ref"}},
}


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_an_edited_study_that_was_never_run_overwrites_no_report(table: Table, runs: Path, edit: str) -> None:
    page = Result.of(plan_of(table, runs)).report()
    before = {path.name: path.read_bytes() for path in page.parent.iterdir()}
    plan = plan_of(table | EDITS[edit], runs)
    assert not was_run(plan)
    with pytest.raises(ConfigError, match=rf"holds no numbers of the study 'tiny'.*differs.*{edit}"):
        Result.of(plan).report()
    assert {path.name: path.read_bytes() for path in page.parent.iterdir()} == before


def test_what_the_store_holds_of_an_edited_study_can_be_reported(table: Table, runs: Path) -> None:
    """One method fewer: all its numbers are there."""
    page = Result.of(plan_of(table | {"method": table["method"][1:]}, runs)).report()
    assert "prompt(tokens=4)" in page.read_text(encoding="utf-8")


def test_what_is_done_of_the_controls_changes_no_record(table: Table, runs: Path) -> None:
    """An estimate's key depends on the controls that are done; whether the study was run as written does not."""
    plan = plan_of(table, runs)
    assert was_run(plan)
    shutil.rmtree(runs / "leakage")
    pair = plan.grid.pairs[0]
    shutil.rmtree(plan.store.folder(plan.choice.scores(plan.study.attacks.use[-1], Checkpoint(Arm(*pair))).address))
    assert was_run(plan_of(table, runs))


def test_a_study_whose_run_was_cut_short_can_be_reported(table: Table, runs: Path) -> None:
    shutil.rmtree(runs / "leakage")
    assert Result.of(plan_of(table, runs)).report().exists()


def test_a_report_before_any_run_writes_nothing(table: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Run it first"):
        Result.of(plan_of(table, tmp_path / "runs")).report()
    assert not (tmp_path / "runs").exists()


# What a finished store looks like from outside


def test_every_file_of_a_store_is_its_owners_alone(table: Table, runs: Path) -> None:
    Result.of(plan_of(table, runs)).report()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (runs, *runs.rglob("*"))}
    assert [path for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)] == []


@pytest.mark.parametrize("place", ["tiny", "logs"])
def test_reports_and_logs_are_not_written_through_a_link(table: Table, runs: Path, place: str) -> None:
    outside = runs.parent / "outside"
    outside.mkdir()
    if place == "logs":
        (runs / place).rename(runs.parent / "moved")
    (runs / place).symlink_to(outside)
    with pytest.raises(StoreError, match=rf"{place} is a symbolic link"):
        _run_and_report(table, runs)
    assert list(outside.iterdir()) == []


def _run_and_report(table: Table, runs: Path) -> None:
    run_study(with_primary(table, "zlib"), runs)
    Result.of(plan_of(table, runs)).report()
