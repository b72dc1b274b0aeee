"""The scripts of examples/ run as they stand, on a study of seconds."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from vestige.study.imported import sides
from vestige.testing.studies import as_toml, tiny_study


def test_five_lines(
    repo: Path,
    tiny_llama: Path,
    tiny_notes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = tmp_path / "study.toml"
    tables = tiny_study(model=tiny_llama, corpus=tiny_notes)
    study.write_text(as_toml(tables), encoding="utf-8")
    monkeypatch.setenv("VESTIGE_STORE", str(tmp_path / "runs"))
    monkeypatch.setattr(sys, "argv", ["five_lines.py", str(study)])
    runpy.run_path(str(repo / "examples" / "five_lines.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "base (floor)" in out
    assert (tmp_path / "runs" / "tiny" / "report.html").exists()


def test_word_problems(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are of the form that `vestige import peft-comparison` reads, and their answers are right."""
    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr(sys, "argv", ["word_problems.py", str(path), "41"])
    runpy.run_path(str(repo / "examples" / "word_problems.py"), run_name="__main__")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 41
    assert len({row["query"] for row in rows}) == 41
    for row in rows:
        first, each, days = map(int, re.findall(r"\d+", row["original_question"]))
        assert row["response"].endswith(f"The answer is: {first + each * days}")
    members, later = sides(path, trained=20)
    assert (len(members), len(later)) == (20, 21)
