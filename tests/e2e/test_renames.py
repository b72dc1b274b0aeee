"""A kill before a rename, where a file is written and not yet in its place: nothing collects it, the next run sweeps
it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vestige.store.drafts import is_draft
from vestige.testing.studies import Recorder, content, run_study, tiny_study

PLACES = ["examples.parquet", "unfinished/checkpoints", "unfinished/state", "linked", "DONE"]
SLOW = ["store.json", ".gitignore", "losses.json", "optimizer", "run.json", "tokens.parquet", "estimates.json"]


class Killed(BaseException):
    """Stands for `kill -9`: nothing catches it, and nothing is tidied up after it."""


class Deadly:
    """Renames that die where `is_last` says so of the path to be replaced; the dead remove nothing."""

    def __init__(self, patch: pytest.MonkeyPatch, is_last: Callable[[Path], bool]) -> None:
        self.renamed: list[Path] = []
        self._is_dead, self._is_last = False, is_last
        self._replace, self._remove = Path.replace, shutil.rmtree
        patch.setattr(Path, "replace", lambda path, target: self.replace(path, target))  # noqa: PLW0108  # binds the path
        patch.setattr(shutil, "rmtree", self.remove)

    def replace(self, path: Path, target: Path) -> Path:
        self.renamed.append(target)
        self._is_dead |= self._is_last(target)
        if self._is_dead:
            raise Killed
        return self._replace(path, target)

    def remove(self, *args: Any, **settings: Any) -> None:
        if not self._is_dead:
            self._remove(*args, **settings)


def quick_study(model: Path, corpus: Path) -> dict[str, Any]:
    table = tiny_study(model=model, corpus=corpus)
    table["study"]["folds"] = 1
    table["method"] = [{"name": "lora", "r": 1, "learning_rate": 1e-2}]
    table["training"] = {"epochs": 1, "batch_size": 4, "checkpoints": [0.5, 1]}
    table["attacks"] = {"use": ["loss"], "primary": "loss"}
    return table


@pytest.fixture(scope="module")
def quick(tiny_llama: Path, tiny_notes: Path) -> dict[str, Any]:
    return quick_study(tiny_llama, tiny_notes)


@pytest.fixture(scope="module")
def expected(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    store = tmp_path_factory.mktemp("undisturbed") / "runs"
    run_study(quick, store)
    return content(store)


def is_at(place: str) -> Callable[[Path], bool]:
    if place == "linked":  # from unfinished/ into the stage
        return lambda path: path.suffix == ".safetensors" and "unfinished" not in path.parts
    return lambda path: place in path.as_posix()


@pytest.mark.parametrize("place", [*PLACES, *(pytest.param(place, marks=pytest.mark.slow) for place in SLOW)])
def test_a_run_killed_before_a_rename_ends_as_an_undisturbed_one(
    quick: dict[str, Any], tmp_path: Path, expected: dict[str, bytes], place: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        deadly = Deadly(patch, is_at(place))
        with pytest.raises(Killed):
            run_study(quick, tmp_path / "runs")
    assert deadly.renamed, "the kill came before anything was written"
    assert any(is_draft(path.name) for path in (tmp_path / "runs").rglob("*")), "the kill left nothing behind"
    assert not run_study(quick, tmp_path / "runs", watcher=Recorder()).failures
    assert content(tmp_path / "runs") == expected
    assert not [path for path in (tmp_path / "runs").rglob("*") if is_draft(path.name)]
