"""Nobody but its owner reads a store, git does not see it, and no link leads out of it."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from vestige.errors import StoreError
from vestige.store.io import replacing, write_json, write_parquet, write_text
from vestige.store.keys import Task
from vestige.store.layout import DONE, UNFINISHED, Store
from vestige.tuning.checkpoint import save_tensors

TASK = Task("scores", 2, {"attack": {"name": "loss"}})
WRITERS: dict[str, Callable[[Path], None]] = {
    "text": lambda path: write_text(path, "x"),
    "json": lambda path: write_json(path, [1]),
    "parquet": lambda path: write_parquet(path, pa.table({"a": [1]})),
    "safetensors": lambda path: save_tensors(path, {"a": torch.ones(2)}),
}


@pytest.fixture(params=[0o000, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(root: Path) -> dict[str, set[str]]:
    """The modes of the folders and of the files at and below `root`."""
    found: dict[str, set[str]] = {"folders": set(), "files": set()}
    for path in (root, *root.rglob("*")):
        found["folders" if path.is_dir() else "files"].add(oct(stat.S_IMODE(path.stat().st_mode)))
    return found


def filled(root: Path) -> Store:
    store = Store(root)
    with store.writing(TASK, details={}) as folder:
        write_text(folder / "deep" / "a.txt", "a")
    return store


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_every_writer_makes_private_files_in_private_folders(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](tmp_path / "one" / "two" / "file")
    assert modes(tmp_path / "one") == {"folders": {"0o700"}, "files": {"0o600"}}


@pytest.mark.usefixtures("umask")
def test_a_store_is_private_from_its_first_file_on(tmp_path: Path) -> None:
    with filled(tmp_path / "runs").locked(say=print):
        assert modes(tmp_path / "runs") == {"folders": {"0o700"}, "files": {"0o600"}}


def test_a_file_is_private_before_it_has_content(tmp_path: Path) -> None:
    with replacing(tmp_path / "file") as temporary:
        temporary.touch()
        assert stat.S_IMODE(temporary.parent.stat().st_mode) == 0o700


def test_a_store_made_readable_by_all_is_closed_at_its_root(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / ".gitignore").unlink()
    tmp_path.chmod(0o755)
    with Store(tmp_path).locked(say=print):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_git_does_not_see_a_store(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    filled(tmp_path / "runs")
    listed = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(listed, check=True, capture_output=True, text=True).stdout == ""


def test_a_folder_with_other_things_in_it_is_not_hidden_from_git(tmp_path: Path) -> None:
    """`--store .` in a project: what else lies there is not the store's to close or to hide."""
    (tmp_path / "study.toml").write_text("x")
    tmp_path.chmod(0o755)
    filled(tmp_path)
    assert not (tmp_path / ".gitignore").exists()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert modes(tmp_path / "scores") == {"folders": {"0o700"}, "files": {"0o600"}}


def test_a_folder_like_that_of_a_stage_in_which_other_things_lie_is_not_the_stores(tmp_path: Path) -> None:
    """A stage is known by the keys in its folder, whatever its name: one of a newer version is the store's as well."""
    (tmp_path / "stats" / "mine").mkdir(parents=True)
    (tmp_path / "newer" / TASK.key).mkdir(parents=True)
    filled(tmp_path)
    assert not (tmp_path / ".gitignore").exists()
    (tmp_path / "stats" / "mine").rmdir()
    (tmp_path / "stats").rmdir()
    filled(tmp_path)
    assert (tmp_path / ".gitignore").exists()


LINKED = ["scores", f"scores/{TASK.key}", f"scores/{TASK.key}/{UNFINISHED}", f"scores/{TASK.key}/{UNFINISHED}/state"]


@pytest.mark.parametrize("is_dangling", [False, True], ids=["", "dangling"])
@pytest.mark.parametrize("place", LINKED)
def test_a_stage_is_not_written_through_a_link(tmp_path: Path, place: str, is_dangling: bool) -> None:
    outside = tmp_path / "outside"
    if not is_dangling:
        outside.mkdir()
        (outside / "kept.txt").write_text("kept")
    link = tmp_path / "runs" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(StoreError, match="is a symbolic link") as caught:
        filled(tmp_path / "runs")
    assert str(link) in str(caught.value)
    assert outside.exists() != is_dangling
    assert is_dangling or [path.name for path in outside.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("place", ["", "deep", "deep/a.txt", DONE, UNFINISHED])
def test_a_stage_is_not_read_through_a_link(tmp_path: Path, place: str) -> None:
    """Even where the file at its end has the right content."""
    folder = filled(tmp_path / "runs").folder(TASK.address)
    moved = tmp_path / "moved"
    if place == UNFINISHED:
        moved.mkdir()
    else:
        (folder / place).rename(moved)
    (folder / place).symlink_to(moved)
    with pytest.raises(StoreError, match="is a symbolic link"):
        Store(tmp_path / "runs").open(TASK.address)


def test_the_store_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    filled(tmp_path / "runs")
    Store(tmp_path / "runs").open(TASK.address)
