"""The benchmarks that need no model run as they stand, on next to nothing: what they measure is measured by hand."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest


def test_the_attacks_that_two_plain_tables_serve_are_timed(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None that is learned, or reads other cells, gradients or a changed text, which the tables do not have."""
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["attacks.py", "--few", "20", "--many", "40", "--length", "8"])
    runpy.run_path(str(repo / "benchmarks" / "attacks.py"), run_name="__main__")
    *timed, memory, figures = capsys.readouterr().out.splitlines()
    names = {line.split()[0] for line in timed}
    assert {"loss", "ref", "zlib", "dc_pdd", "wbc", "min_k_pp_ref"} <= names
    assert not {"lira", "rmia", "grad_norm", "lowercase", "recall", "logistic", "transformer"} & names
    assert memory.startswith("memory_mib=")
    assert figures.startswith("seconds=")


def test_the_noise_of_retraining_is_that_of_seeds_times_the_root_of_their_folds(repo: Path) -> None:
    """Five values one to three with a variance of 1/2; chi-square of four degrees of freedom at 2.5% and 97.5%."""
    deviation, low, high = runpy.run_path(str(repo / "benchmarks" / "retraining_noise.py"))["of_a_training"](
        np.array([1.0, 2.0, 2.0, 2.0, 3.0]), folds=2
    )
    assert deviation == pytest.approx(1.0)
    assert (low, high) == pytest.approx(((4 / 11.1433) ** 0.5, (4 / 0.484419) ** 0.5), rel=1e-4)
