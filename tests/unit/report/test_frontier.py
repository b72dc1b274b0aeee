"""The figures of leakage against utility: better is to the right, levels and the common reach stand where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vestige.metrics.comparison import Comparison
from vestige.outcome.facts import ComparisonFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import sections
from vestige.report.drawing import BASE, look
from vestige.report.frontier import frontiers


def _axes(results: Results, place: int = 0) -> Axes:
    panel = frontiers(results, sections(results)[0])[place].panel
    assert panel is not None
    return panel.axes


def _with(results: Results, **changes: Any) -> Results:
    (facts,) = results.facts.comparisons
    changed = ComparisonFacts(facts.base, facts.corpus, replace(facts.comparison, **changes))
    return replace(results, facts=replace(results.facts, comparisons=(changed,)))


def _upright(axes: Axes) -> dict[str, list[float]]:
    """Places of upright lines by how they are drawn; the fixture gains .9 from 3.0."""
    found: dict[str, list[float]] = {}
    for line in axes.lines:
        x = np.asarray(line.get_xdata(), dtype=np.float64)
        if len(np.unique(x)) == 1 and line.get_ydata() == [0, 1]:
            found.setdefault("solid" if line.get_linestyle() == "-" else "dotted", []).append(round(float(x[0]), 6))
    return found


def test_levels_stand_at_their_share_of_the_reach(compared: Results) -> None:
    axes = _axes(compared)
    assert _upright(axes) == {"solid": [2.19], "dotted": [2.28, 2.145]}
    assert axes.get_xlim()[0] > axes.get_xlim()[1], "the loss falls to the right"
    (shade,) = axes.patches
    assert sorted(shade.get_extents().transformed(axes.transData.inverted()).intervalx) == pytest.approx([2.1, 3.0])


def test_better_is_to_the_right_on_every_axis_of_utility(compared: Results) -> None:
    comparison: Comparison = compared.facts.comparisons[0].comparison
    bleu = tuple(
        replace(one, curve=tuple(replace(point, loss=10 + 20 * point.share) for point in one.curve))
        for one in comparison.standings
    )
    reach = replace(comparison.reach, value=20.0)
    axes = _axes(_with(compared, utility="bleu", base_loss=10.0, reach=reach, standings=bleu))
    assert axes.get_xlabel() == "BLEU (better →)"
    assert axes.get_xlim()[0] < axes.get_xlim()[1]
    assert _upright(axes)["solid"] == [28.0]


def test_a_line_is_pale_beyond_its_best(compared: Results) -> None:
    """The fixture's curves turn at their seventh point of eight."""
    lines: list[Line2D] = [one for one in _axes(compared).lines if one.get_color() == look(0).color]
    assert [(np.size(line.get_xdata()), line.get_alpha()) for line in lines] == [(7, 1.0), (2, 0.35)]


def test_wide_intervals_do_not_squeeze_the_lines(compared: Results) -> None:
    comparison = compared.facts.comparisons[0].comparison
    wide = tuple(
        replace(one, curve=tuple(replace(point, low=0.0, high=1.0) for point in one.curve))
        for one in comparison.standings
    )
    low, high = _axes(_with(compared, standings=wide)).get_ylim()
    assert 0.4 < low < 0.5
    assert high < 0.9


def test_memorization_is_drawn_where_it_was_measured(compared: Results, measured_memorization: Results) -> None:
    assert len(frontiers(compared, sections(compared)[0])) == 1
    axes = _axes(measured_memorization, 1)
    assert axes.get_ylabel() == "nats per token (↓ better)"
    floor = [one for one in axes.lines if one.get_color() == BASE.color and one.get_ydata() == [0.0, 0.0]]
    assert len(floor) == 1


@pytest.fixture
def measured_memorization(compared: Results) -> Results:
    """The study with memorization at every checkpoint: a tenth of what its AUC is above ½."""
    own = compared.estimates.filter(pl.col("method").is_not_null(), quantity="auc", attack="ref")
    scaled = [((pl.col(name) - 0.5) / 10).alias(name) for name in ("value", "low", "high")]
    rows = own.with_columns(*scaled, quantity=pl.lit("memorization"), attack=pl.lit(None, pl.String))
    return replace(compared, estimates=pl.concat([compared.estimates, rows]))
