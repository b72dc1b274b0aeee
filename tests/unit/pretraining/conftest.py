"""Texts to pretrain on that have nothing in common with those of the tiny studies, and a study on two sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vestige.testing.pretraining import unordered_texts, write_texts
from vestige.testing.studies import Outcome, run_study, tiny_study


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of models that the tests of this folder share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIGE_CACHE", str(cache))


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 texts to pretrain on; not to be written to."""
    return write_texts(tmp_path_factory.mktemp("pretrain") / "texts.jsonl", unordered_texts(200))


def study_on(texts: Path, notes: Path) -> dict[str, Any]:
    """A study of one method on two sizes."""
    table = tiny_study(model=Path("scratch:100k"), corpus=notes)
    table["base"].append({"model": "scratch:0.2m", "dtype": "float32"})
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    table["pretrain"] = {"path": str(texts), "tokens": 12_000, "vocabulary": 400, "context": 64, "batch_size": 8}
    return table


@pytest.fixture
def table(texts: Path, tiny_notes: Path) -> dict[str, Any]:
    """That study; to be changed at will."""
    return study_on(texts, tiny_notes)


@pytest.fixture(scope="session")
def done(texts: Path, tiny_notes: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """That study, run; for reading alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESTIGE_CACHE", str(cache))
        return run_study(study_on(texts, tiny_notes), tmp_path_factory.mktemp("done"))
