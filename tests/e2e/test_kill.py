"""`kill -9` at named points, and Ctrl-C: the same command goes on, and the store ends as an undisturbed one, byte for
byte.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import killed
import pytest

from vestige.cli.main import main
from vestige.errors import Stopped
from vestige.store.keys import Task
from vestige.store.layout import DONE
from vestige.study.progress import Lines
from vestige.testing.studies import Outcome, Recorder, as_toml, content, run_study

QUICK = ["training, before any state", "training, after the first state", "scoring", "scoring, before DONE"]
SLOW = [
    "training, half of its state",
    "training, before DONE",
    "training, before tidying",
    "corpus, before DONE",
    "attack, before DONE",
    "estimate, before DONE",
]


def kill(table: dict[str, Any], store: Path, point: str) -> None:
    """In a process of its own, forked from one that has imported what all of them need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed", "transformers.trainer", "peft"])
    process = context.Process(target=killed.main, args=(table, store, point))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def assert_same(store: Path, undisturbed: Outcome) -> None:
    found, expected = content(store), content(undisturbed.store.root)
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []


@pytest.mark.parametrize("point", [*QUICK, *(pytest.param(point, marks=pytest.mark.slow) for point in SLOW)])
def test_a_killed_run_ends_as_an_undisturbed_one(
    table: dict[str, Any], tmp_path: Path, undisturbed: Outcome, point: str
) -> None:
    store = tmp_path / "runs"
    kill(table, store, point)
    assert len(list(store.rglob(DONE))) < len(list(undisturbed.store.root.rglob(DONE)))
    watcher = Recorder()
    assert not run_study(table, store, watcher=watcher).failures
    assert_same(store, undisturbed)
    if point == "training, after the first state":
        assert watcher.tokens["train"] < sum_of_training_tokens(table, tmp_path / "again"), (
            "what was saved was not used"
        )


def sum_of_training_tokens(table: dict[str, Any], store: Path) -> int:
    watcher = Recorder()
    run_study(table, store, watcher=watcher)
    return watcher.tokens["train"]


@pytest.mark.slow
def test_a_run_killed_again_and_again_gets_there(table: dict[str, Any], tmp_path: Path, undisturbed: Outcome) -> None:
    """No more than the work since a checkpoint is lost, so that each attempt dies in a later training than the last."""
    store = tmp_path / "runs"
    for attempt in range(2):
        kill(table, store, "training, after the first state")
        assert len(list((store / "train").iterdir())) == attempt + 1
    kill(table, store, "scoring, before DONE")
    assert not run_study(table, store).failures
    assert_same(store, undisturbed)


# Ctrl-C


class CtrlC(Recorder):
    """Pressed in step `at` of all training; steps are counted."""

    def __init__(self, *, at: int) -> None:
        super().__init__()
        self.at, self.steps = at, 0

    def progressed(self, task: Task, tokens: int) -> None:
        if task.stage == "train":
            self.steps += 1
            if self.steps == self.at:
                os.kill(os.getpid(), signal.SIGINT)


def test_a_stopped_run_ends_as_an_undisturbed_one(table: dict[str, Any], tmp_path: Path, undisturbed: Outcome) -> None:
    """Stopped in the third step of the first of five trainings of four steps, one after its first checkpoint."""
    store, first, second = tmp_path / "runs", CtrlC(at=3), CtrlC(at=0)
    with pytest.raises(Stopped, match="step 3 of 4"):
        run_study(table, store, watcher=first)
    assert [path.name for path in store.glob("train/*/unfinished/state/*")] == ["3"]
    assert not run_study(table, store, watcher=second).failures
    assert_same(store, undisturbed)
    assert (first.steps, second.steps) == (3, 17), "no step was done twice"


def test_the_command_line_says_what_it_keeps_and_how_to_go_on(
    table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    study, pressed = tmp_path / "my study.toml", CtrlC(at=3)
    study.write_text(as_toml(table), encoding="utf-8")
    monkeypatch.setattr(Lines, "progressed", lambda _, task, tokens: pressed.progressed(task, tokens))
    monkeypatch.setattr(sys, "argv", ["vestige", "run", str(study), "--store", str(tmp_path / "runs")])
    with pytest.raises(SystemExit) as caught:
        main()
    said = capfd.readouterr().err
    assert caught.value.code == 128 + signal.SIGINT
    assert "stopping: the training keeps its state at step 3 of 4" in said
    assert "stopped. The training has kept its state at step 3 of 4" in said
    assert f"To go on: vestige run '{study}' --store {tmp_path / 'runs'}" in said
    assert "Traceback" not in said
