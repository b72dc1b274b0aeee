"""Stages on disk: done last, verified when opened, never trusted half-written."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vestige.errors import StoreError, StoreVersionError, VestigeError
from vestige.store.io import write_json, write_text
from vestige.store.keys import Task
from vestige.store.layout import DONE, RUN, STORE_VERSION, UNFINISHED, Store

TASK = Task("scores", 2, {"attack": {"name": "loss"}}, {"target": "stats/aa"})


def write(store: Store, *, seconds: float = 1.0, task: Task = TASK) -> Path:
    with store.writing(task, details={"seconds": seconds}) as folder:
        write_text(folder / "b.txt", "b")
        write_text(folder / "deep" / "a.txt", "a")
    return folder


def data(folder: Path) -> dict[str, bytes]:
    """Everything that a comparison reads."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != RUN
    }


def test_a_stage_lies_under_its_name_and_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    assert not store.root.exists()
    assert write(store) == tmp_path / "runs" / "scores" / TASK.key
    assert store.is_done(TASK.address)
    assert store.open(TASK.address) == store.folder(TASK.address)


def test_done_lists_every_file_but_the_record_for_people(tmp_path: Path) -> None:
    folder = write(Store(tmp_path))
    done = json.loads((folder / DONE).read_text())
    assert sorted(done["files"]) == ["b.txt", "deep/a.txt"]
    assert (done["stage"], done["spec"], done["inputs"]) == (TASK.stage, TASK.spec, TASK.inputs)
    assert json.loads((folder / RUN).read_text()) == {"seconds": 1.0}


def test_done_comes_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing(TASK, details={}) as folder:
        write_text(folder / "b.txt", "b")
        assert not store.is_done(TASK.address)
    newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert newest.name == DONE


def test_same_task_same_bytes_whatever_the_clock_says(tmp_path: Path) -> None:
    one, two = write(Store(tmp_path / "1"), seconds=1), write(Store(tmp_path / "2"), seconds=2)
    assert data(one) == data(two)


def test_a_failed_attempt_is_not_done_and_is_cleared_by_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(RuntimeError), store.writing(TASK, details={}) as folder:
        _failing(folder)
    assert not store.is_done(TASK.address)
    with pytest.raises(StoreError, match="is not finished"):
        store.open(TASK.address)
    with store.writing(TASK, details={}) as folder:
        assert not (folder / "leftover.txt").exists()
        assert (folder / UNFINISHED / "state.txt").read_text() == "kept"
    assert {path.name for path in folder.iterdir()} == {DONE, RUN}


def test_a_file_in_the_place_of_what_is_unfinished_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_text(store.folder(TASK.address) / UNFINISHED, "x")
    with store.writing(TASK, details={}) as folder:
        assert not (folder / UNFINISHED).exists()


def _failing(folder: Path) -> None:
    write_text(folder / "leftover.txt", "x")
    write_text(folder / UNFINISHED / "state.txt", "kept")
    raise RuntimeError


def test_what_is_left_to_tidy_after_a_kill_is_no_part_of_the_stage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = write(store)
    write_text(folder / UNFINISHED / "state.txt", "x")
    Store(tmp_path).open(TASK.address)
    store.tidy(TASK.address)
    store.tidy(TASK.address)
    assert not (folder / UNFINISHED).exists()


@pytest.mark.parametrize("damage", ["change", "cut", "remove"])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, damage: str) -> None:
    path = write(Store(tmp_path)) / "deep" / "a.txt"
    if damage == "remove":
        path.unlink()
    else:
        path.write_text("b" if damage == "change" else "")
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="is missing" if damage == "remove" else "does not match its hash") as caught:
        store.open(TASK.address)
    assert str(path) in str(caught.value)
    assert f"remove the folder {store.folder(TASK.address)}" in str(caught.value)
    assert store.is_done(TASK.address)
    assert path.exists() == (damage != "remove")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stage": "scores"}'])
def test_a_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    folder = write(Store(tmp_path))
    (folder / DONE).write_text(content)
    with pytest.raises(StoreError, match=r"DONE\.json"):
        Store(tmp_path).open(TASK.address)


@pytest.mark.parametrize(
    "change", [{"spec": {"attack": {"name": "zlib"}}}, {"inputs": {}}, {"version": 9}, {"files": 1}]
)
def test_a_record_that_was_changed_no_longer_fits_its_key(tmp_path: Path, change: dict[str, object]) -> None:
    folder = write(Store(tmp_path))
    record = json.loads((folder / DONE).read_text())
    write_json(folder / DONE, {**record, **change})
    with pytest.raises(StoreError, match=r"DONE\.json does not match the key"):
        Store(tmp_path).open(TASK.address)


def test_a_store_of_a_newer_vestige_is_refused_as_the_users_mistake(tmp_path: Path) -> None:
    write_json(tmp_path / "store.json", {"version": STORE_VERSION + 1})
    with pytest.raises(StoreVersionError, match="written by a newer vestige") as caught:
        Store(tmp_path)
    assert caught.value.exit_status == 2
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("content", ['{"version": 1}', '{"version": "2"}', "{}", "[]", "nonsense"])
def test_only_a_version_that_is_known_is_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "store.json").write_text(content)
    if content == '{"version": 1}':
        write(Store(tmp_path))
        return
    with pytest.raises(StoreError):
        Store(tmp_path)


def test_a_full_disk_leaves_the_stage_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = Store(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(StoreError, match="No space left"):
        _write_until(store, lambda: (patch.setattr("os.replace", full), patch.setattr("pathlib.Path.replace", full)))
    assert not store.is_done(TASK.address)
    assert [path.name for path in store.folder(TASK.address).iterdir()] == ["b.txt"]
    write(store)
    Store(tmp_path).open(TASK.address)


def _write_until(store: Store, full: Callable[[], object]) -> None:
    with store.writing(TASK, details={}) as folder:
        write_text(folder / "b.txt", "b")
        full()


def test_a_store_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(VestigeError, match="runs"):
        write(Store(tmp_path / "runs"))
