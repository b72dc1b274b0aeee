"""A tiny study as tables, and the same study run once for all tests that only look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vestige.testing.studies import Outcome, run_study, tiny_study


@pytest.fixture
def table(tiny_llama: Path, tiny_notes: Path) -> dict[str, Any]:
    """The tables of the tiny study, to be changed at will."""
    return tiny_study(model=tiny_llama, corpus=tiny_notes)


@pytest.fixture(scope="session")
def finished(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The tiny study, run; its store is not to be written to."""
    outcome = run_study(tiny_study(model=tiny_llama, corpus=tiny_notes), tmp_path_factory.mktemp("finished") / "runs")
    assert not outcome.failures
    return outcome
