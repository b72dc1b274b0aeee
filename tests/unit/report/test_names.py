"""Names that would steer a browser or a figure, axes whose labels tell their ticks apart, and nothing drawn twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest
from matplotlib.figure import Figure

from vestige.outcome.frames import Results
from vestige.outcome.points import sections
from vestige.report.drawing import epoch_axis, log_axis
from vestige.report.figures import drawings
from vestige.report.html import render
from vestige.report.notes import how_to_read

HOSTILE = "a\x1b[31m\x00\x85\u202e<i>$x_{$\n\\frac"


def test_no_name_steers_the_page(one_corpus: Results, renamed: Callable[[dict[str, str]], Results]) -> None:
    names = ("tiny", "notes", "lora", "ref")
    page = render(renamed({name: f"{HOSTILE}{name}" for name in names}))
    assert "At 90% of the reachable gain" in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)
    for name in names:
        assert rf"a\x1b[31m\x00\x85\u202e&lt;i&gt;$x_{{$\n\frac{name}" in page
    assert "<i>$" not in page


def test_the_roc_is_drawn_once_where_the_last_checkpoint_is_the_best(one_corpus: Results) -> None:
    last = pl.col("epoch").is_null() | (pl.col("epoch") == 3.0)
    estimates = one_corpus.estimates.filter(last).with_columns(is_best=True, is_last=True)
    (section,) = sections(one_corpus)
    assert sum("ROC" in one.title for one in drawings(one_corpus, section)) == 2
    same = replace(one_corpus, estimates=estimates)
    (section,) = sections(same)
    assert [one.title for one in drawings(same, section) if "ROC" in one.title] == [
        "ROC of ref, at the last checkpoint, which is the best"
    ]


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ([0.05], "TPR at 5% FPR is the share of training texts that are caught when at most 5% of the others"),
        ([0.01, 0.001], "TPR at 1% and 0.1% FPR"),
        ([], "1 is certainty."),
    ],
)
def test_the_rates_of_the_study_are_explained(rates: list[float], said: str, results: Results) -> None:
    facts = replace(results.facts, study=replace(results.facts.study, fpr=tuple(rates)))
    first = how_to_read(replace(results, facts=facts))[0]
    assert said in first
    assert ("1% FPR" in first) == (0.01 in rates)


@pytest.mark.parametrize(
    "epochs",
    [(0.25, 0.3), (1.0,), (1.0, 2.0, 3.0), (0.001, 0.002), (1000.001, 1000.002), tuple(range(1, 41)), (1, 1.0000001)],
)
def test_no_two_ticks_of_the_epochs_bear_the_same_label(epochs: tuple[float, ...]) -> None:
    axes = Figure().add_subplot()
    axes.plot(epochs, epochs)
    epoch_axis(axes.xaxis, epochs=epochs)
    labels = [one.get_text() for one in axes.get_xticklabels()]
    assert len(set(labels)) == len(labels) >= 2


def test_checkpoints_are_the_ticks() -> None:
    axes = Figure().add_subplot()
    axes.plot((0.25, 0.3), (1, 2))
    epoch_axis(axes.xaxis, epochs=(0.5, 1.0, 2.0, 4.0))
    assert [one.get_text() for one in axes.get_xticklabels()] == ["0", "0.5", "1", "2", "4"]


def test_no_two_ticks_of_a_narrow_axis_bear_the_same_label() -> None:
    axes = Figure().add_subplot()
    axes.plot((1, 2), (12345.61, 12345.64))
    log_axis(axes.yaxis, values=(12345.61, 12345.64))
    labels = [one.get_text() for one in axes.get_yticklabels()]
    assert len(set(labels)) == len(labels) >= 2
