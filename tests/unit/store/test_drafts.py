"""Drafts: what a kill leaves is collected by nothing and swept by the next run; what is being written stays."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vestige.store.drafts import draft, is_draft, sweep
from vestige.store.io import write_text
from vestige.store.keys import Task
from vestige.store.layout import Store

TASK = Task("scores", 2, {"attack": {"name": "loss"}})
_KILLED = """
import os, signal, sys
from pathlib import Path
from vestige.store.io import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_while_writing(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, path])
    assert done.returncode == -signal.SIGKILL
    assert any(is_draft(beside.name) for beside in path.parent.iterdir())


def test_what_a_kill_left_is_swept_anywhere_in_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for path in (tmp_path / "store.json", tmp_path / "tiny" / "report.html", tmp_path / "logs" / "x.log"):
        kill_while_writing(path)
    with store.locked(say=print):
        left = [path for path in tmp_path.rglob("*") if is_draft(path.name)]
    assert left == []


def test_what_is_being_written_is_not_swept(tmp_path: Path) -> None:
    """`vestige report` needs no lock, and a run may begin while it writes."""
    with draft(tmp_path / "report.html") as temporary:
        temporary.write_text("half")
        sweep(tmp_path, own=["scores"])
        assert temporary.read_text() == "half"
    assert list(tmp_path.iterdir()) == []


def test_a_draft_is_no_data_of_a_stage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing(TASK, details={}) as folder:
        kill_while_writing(folder / "a.txt")
        write_text(folder / "a.txt", "a")
    assert '"files": {\n  "a.txt"' in (folder / "DONE.json").read_text()
    sweep(tmp_path, own=["scores"])
    Store(tmp_path).open(TASK.address)


def test_a_sweep_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / ".a.12345678.draft").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    for name in ("link", ".b.12345678.draft", "stats"):
        (tmp_path / "runs" / name).symlink_to(outside)
    sweep(tmp_path / "runs", own=["stats"])
    assert (outside / ".a.12345678.draft").is_dir()


def test_what_is_not_of_the_store_is_left_alone(tmp_path: Path) -> None:
    """A store may share a folder with other things (`--store .`)."""
    others = [
        tmp_path / "mine" / ".notes.draft",
        tmp_path / ".mail.2.draft",
        tmp_path / "a" / "b" / ".c.12345678.draft",
    ]
    for folder in others:
        folder.mkdir(parents=True)
    (tmp_path / ".store.json.12345678.draft").mkdir()
    with Store(tmp_path).locked(say=print):
        assert [folder.is_dir() for folder in others] == [True] * 3
        assert not (tmp_path / ".store.json.12345678.draft").exists()


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "[x]*.csv"])
def test_any_name_that_a_file_can_have_has_a_draft(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_store_that_vanished_meanwhile_is_no_reason_to_fail(tmp_path: Path) -> None:
    with draft(tmp_path / "sub") as temporary:
        shutil.rmtree(temporary.parent)
    assert list(tmp_path.iterdir()) == []
