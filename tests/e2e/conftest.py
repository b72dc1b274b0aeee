"""The tiny study run once without any disturbance, to compare all others with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vestige.testing.studies import Outcome, run_study, tiny_study


@pytest.fixture
def table(tiny_llama: Path, tiny_notes: Path) -> dict[str, Any]:
    """The tables of the tiny study, with dropout, so that the state of the generators matters."""
    return _table(tiny_llama, tiny_notes)


@pytest.fixture(scope="session")
def undisturbed(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The study of `table`, run from beginning to end; its store is not to be written to."""
    return run_study(_table(tiny_llama, tiny_notes), tmp_path_factory.mktemp("undisturbed") / "runs")


def _table(model: Path, corpus: Path) -> dict[str, Any]:
    table = tiny_study(model=model, corpus=corpus)
    table["method"][0]["dropout"] = 0.2
    return table
