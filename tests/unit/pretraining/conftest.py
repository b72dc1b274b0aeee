"""Texts to pretrain on that have nothing in common with those of the tiny studies, and a study on three sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vestige.testing.pretraining import unordered_texts, write_texts
from vestige.testing.studies import Outcome, run_study, tiny_study, write_tiny_corpus


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
    """A study of one method on three sizes."""
    table = tiny_study(model=Path("scratch:100k"), corpus=notes)
    table["base"] += [{"model": f"scratch:{size}", "dtype": "float32"} for size in ("0.2m", "0.3m")]
    # Ten groups of a class are the fewest that are compared.
    table["corpus"][0] |= {"pool": 24, "validation": 12}
    table["training"] = {"epochs": 2, "batch_size": 4, "checkpoints": [1, 2]}
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    table["pretrain"] = {"path": str(texts), "tokens": 12_000, "vocabulary": 400, "context": 64, "batch_size": 8}
    return table


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 records to fine-tune on; not to be written to."""
    return write_tiny_corpus(tmp_path_factory.mktemp("data") / "notes.jsonl", texts=40)


@pytest.fixture
def table(texts: Path, notes: Path) -> dict[str, Any]:
    """That study; to be changed at will."""
    return study_on(texts, notes)


@pytest.fixture(scope="session")
def done(texts: Path, notes: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """That study, run; for reading alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESTIGE_CACHE", str(cache))
        return run_study(study_on(texts, notes), tmp_path_factory.mktemp("done"))
