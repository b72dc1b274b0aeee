"""A study whose members and non-members are those of two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from vestige.checks.registry import discover
from vestige.errors import ConfigError
from vestige.study.results.collect import collect
from vestige.testing.studies import run_study, write_tiny_corpus

Table = dict[str, Any]


@pytest.fixture
def official(table: Table, tmp_path: Path) -> Table:
    """The tiny study at one learning rate, its non-members from a second file; its records are named by their lines."""
    other = write_tiny_corpus(tmp_path / "test.jsonl", seed=1)
    table["corpus"][0] |= {"design": "official-splits", "non_members": str(other)}
    table["corpus"][0]["fields"] = {"completion": "note", "prompt": "question"}
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    return table


def test_it_trains_on_one_file_and_never_on_the_other(official: Table, tmp_path: Path) -> None:
    official["study"]["folds"] = 1
    outcome = run_study(official, tmp_path / "runs")
    assert not outcome.failures
    results = collect(outcome.plan)
    scores = results.scores.filter(pl.col("method").is_not_null())
    assert scores["is_member"].sum() * 2 == len(scores)
    assert scores.filter(pl.col("id").str.starts_with("other-"))["is_member"].unique().to_list() == [False]
    assert scores.filter(~pl.col("id").str.starts_with("other-"))["is_member"].unique().to_list() == [True]
    verdict = discover()["V035"]().look(results)
    assert verdict.outcome == "failed"


def test_two_folds_are_refused_with_the_reason(official: Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never on those of `non_members`, so that there is one fold: set folds = 1"):
        run_study(official, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
