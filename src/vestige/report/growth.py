"""How leakage grows with size: a table of slopes and the figures behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from vestige.metrics.comparison import BITS, MEMORIZATION
from vestige.metrics.slopes import STANDINGS, Slope, Standing
from vestige.outcome.facts import ScalingFacts
from vestige.outcome.frames import Results
from vestige.outcome.growth import AXES
from vestige.outcome.growth import STANDINGS as SAID
from vestige.outcome.points import method_labels
from vestige.outcome.wording import REFUSED, tpr_key
from vestige.records import Estimated
from vestige.report.drawing import BASE, Look, Panel, look, margins, size_axis
from vestige.report.figures import Drawing
from vestige.report.tables import Cell, Group, Row, Table, as_cell, method_cell

_HEAD = ("Method", "Points", "AUC", "Bend", "R²", "TPR − FPR", "Memorization", "Bits of a text")

_COLUMNS = (
    "AUC: the slope of Φ⁻¹(AUC) of the primary attack for a tenfold, +.10 being from .60 to .64; TPR − FPR: that of "
    "its natural logarithm; memorization: nats per token; bits: what a text is worth to the model that was trained on "
    "it, beyond one that was not."
)
_PLACES = (
    "At 90% of its own gain every size is as far along as the others; the last checkpoint is how such series are "
    "published, where a larger model may only be further along."
)
_INTERVALS = (
    "Intervals hold for these models: how far another pretraining of the same sizes would differ is not in them. Bend: "
    "how much steeper the line is through the later half of the points than through the earlier one."
)


def growth_table(results: Results) -> Table | None:
    """Slopes for a tenfold of what is varied, a group of rows for each series and standing; None where there is no
    series.
    """
    groups = [
        Group(tuple(_rows(results, scaling, standing)), f"{_name(scaling)}, {SAID[standing]}")
        for scaling in results.facts.scalings
        for standing in STANDINGS
    ]
    return Table(_HEAD, tuple(groups)) if groups else None


def _name(scaling: ScalingFacts) -> str:
    return f"{scaling.over}, for a tenfold of {AXES[scaling.axis]}"


def _rows(results: Results, scaling: ScalingFacts, standing: Standing) -> Iterator[Row]:
    primary = results.facts.study.primary
    rate = f"{tpr_key(results.facts.study.fpr[0])}:{primary}"
    for series in dict.fromkeys(one.series for one in scaling.slopes):
        found = {one.what: one for one in scaling.slopes if (one.series, one.standing) == (series, standing)}
        main = found[primary]
        squared = REFUSED if main.r_squared is None else f"{main.r_squared:.2f}".removeprefix("0")
        others = (_slope(found.get(what)) for what in (rate, MEMORIZATION, BITS))
        bend = as_cell(Estimated("slope", main.bend))
        yield Row(
            (method_cell(results, series), Cell(str(len(main.points))), _slope(main), bend, Cell(squared), *others)
        )


def _slope(found: Slope | None) -> Cell:
    if found is None:
        return Cell(REFUSED, "not measured: it takes both folds of every seed")
    quantity = "nats_slope" if found.what in (MEMORIZATION, BITS) else "slope"
    return as_cell(Estimated(quantity, found.slope))


def growth_figures(results: Results) -> list[Drawing]:
    """AUC along each series, at each standing that has a number, with the lines that are drawn through the points."""
    return [
        drawing
        for scaling in results.facts.scalings
        for standing in STANDINGS
        if (drawing := _figure(results, scaling, standing)) is not None
    ]


def _figure(results: Results, scaling: ScalingFacts, standing: Standing) -> Drawing | None:
    primary, labels = results.facts.study.primary, method_labels(results)
    own = [one for one in scaling.slopes if (one.what, one.standing) == (primary, standing)]
    known = [(one, [point for point in one.points if point.estimate.value is not None]) for one in own]
    known = [(one, points) for one, points in known if points]
    if not known:
        return None
    panel = Panel(x=AXES[scaling.axis], y=f"AUC of {primary}")
    for place, (one, points) in enumerate(known):
        style = look(labels.index(one.series) if one.series in labels else place)
        x = [point.x for point in points]
        y = [point.estimate.value or 0.0 for point in points]
        ends = [(point.estimate.low, point.estimate.high) for point in points]
        panel.axes.vlines(x, *zip(*ends, strict=True), color=style.color, linewidth=1, alpha=0.55)
        marks = panel.axes.plot(x, y, color=style.color, marker=style.marker, linestyle="none", markersize=4)[0]
        panel.explain(marks, one.series)
        if one.slope.value is not None:
            _line(panel, style, np.array(x), np.array(y), one.slope.value)
    panel.axes.axhline(0.5, color=BASE.color, linestyle=BASE.dashes, linewidth=0.9)
    every = [point for _, points in known for point in points]
    size_axis(panel.axes.xaxis, low=min(one.x for one in every), high=max(one.x for one in every))
    panel.axes.set_ylim(margins([0.5, *(one.estimate.value or 0.5 for one in every)]))
    caption = "Bars: 95% intervals. Lines: straight in Φ⁻¹(AUC) against the logarithm. Dashed: chance."
    return Drawing(f"Leakage by {AXES[scaling.axis]}, {SAID[standing]}", caption, panel, scaling.over)


def _line(panel: Panel, style: Look, x: np.ndarray, y: np.ndarray, slope: float) -> None:
    """Through the middle of the points."""
    places = np.geomspace(x.min(), x.max(), 30)
    middle, height = np.log10(x).mean(), ndtri(np.clip(y, 1e-6, 1 - 1e-6)).mean()
    panel.axes.plot(places, ndtr(height + slope * (np.log10(places) - middle)), color=style.color, linewidth=1)


def growth_sentences(results: Results) -> Sequence[str]:
    """How to read the table; none where there is no series."""
    return (_COLUMNS, _PLACES, _INTERVALS) if results.facts.scalings else ()
