"""How leakage grows with size, as rows: of each series, quantity and standing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from vestige.metrics.slopes import Slope, Standing
from vestige.outcome.facts import Facts, ScalingFacts
from vestige.records import Estimate

STANDINGS: Final[Mapping[Standing, str]] = {
    "share": "at 90% of its own gain",
    "lowest": "at its own lowest loss",
    "last": "at the last checkpoint",
}
"""How each standing is said."""

AXES: Final[Mapping[str, str]] = {
    "parameters": "parameters of the model",
    "trained": "trained parameters",
    "texts": "training texts",
}
"""How what is varied is said."""

SLOPES: Mapping[str, Any] = {
    "axis": pl.String,
    "over": pl.String,
    "series": pl.String,
    "quantity": pl.String,
    "standing": pl.String,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "reason": pl.String,
    "signature": pl.String,
}
"""How leakage grows along each series of a study, for a tenfold of `axis`: `parameters` of the bases on a corpus,
`texts` that are trained on, or parameters that are `trained` by variants of one method. `quantity`: `slope` (of
Φ⁻¹(AUC) by an attack, of log(TPR − FPR), of memorization in nats per token, of memorized bits of a text), its `bend`
(the slope of the later half of the points minus that of the earlier one) and `r_squared`, each with a colon and what
it is of; and, with an `x`, the quantity itself at each point. `standing`: `share` (at 90% of the own gain), `lowest`
(at the own lowest validation loss) or `last`.
"""


def slopes(facts: Facts) -> pl.DataFrame:
    """Every slope of a study, and the points that it is drawn through (columns: `SLOPES`)."""
    rows = [row for one in facts.scalings for found in one.slopes for row in _rows(one, found)]
    return pl.DataFrame(rows, schema=SLOPES, orient="row")


def _rows(scaling: ScalingFacts, found: Slope) -> Iterator[dict[str, Any]]:
    place = {"axis": scaling.axis, "over": scaling.over, "series": found.series, "standing": found.standing}
    for name, one in (("slope", found.slope), ("bend", found.bend)):
        yield {**place, "x": None, "quantity": f"{name}:{found.what}", **_estimated(one)}
    squared = {"value": found.r_squared, "low": None, "high": None, "reason": found.slope.reason}
    yield {**place, "x": None, "quantity": f"r_squared:{found.what}", **squared, "signature": found.slope.signature}
    for point in found.points:
        yield {**place, "x": point.x, "quantity": found.what, **_estimated(point.estimate)}


def _estimated(one: Estimate) -> dict[str, Any]:
    return {"value": one.value, "low": one.low, "high": one.high, "reason": one.reason, "signature": one.signature}
