"""What comparisons at equal utility came to, as rows: of each method, and of each pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from vestige.metrics.comparison import MEMORIZATION, Difference
from vestige.outcome.facts import ComparisonFacts, Facts
from vestige.outcome.frames import ESTIMATES, as_row
from vestige.records import Estimate, Estimated

DIFFERENCES: Mapping[str, Any] = {
    "base": pl.String,
    "corpus": pl.String,
    "method": pl.String,
    "other": pl.String,
    "quantity": pl.String,
    "attack": pl.String,
    "level": pl.Float64,
    "own_reach": pl.Boolean,
    "utility": pl.String,
    "at": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "p_adjusted": pl.Float64,
    "equivalence_bound": pl.Float64,
    "margin": pl.Float64,
    "verdict": pl.String,
    "at_rate": pl.Boolean,
    "scope": pl.String,
    "outside": pl.Float64,
    "reason": pl.String,
    "signature": pl.String,
}
"""One row per pair of methods, `method` minus `other`, at equal utility. `quantity`: `auc` of an `attack`, or of the
`strongest attack` against each, and `memorization`. `level`: the share of the reachable gain, null for the mean over
[.8, .95]; of what the two have in common where `own_reach`, else of what all compared methods have. `utility`: on which
axis, and `at` where on it. `p_adjusted`: corrected for the number of attacks. `equivalence_bound`: the smallest margin
within which the two would be equivalent. `at_rate`: a learning rate of the two was held fixed. `scope`: what the
interval covers. `outside`: share of samples in which a method is as good as asked for where nothing was attacked.
"""


def at_utility(facts: Facts) -> pl.DataFrame:
    """What each method gives away at equal utility (columns: `ESTIMATES`; `level` is not null)."""
    rows = [row for one in facts.comparisons for row in _of_methods(one, facts)]
    return pl.DataFrame(rows, schema=ESTIMATES, orient="row")


def _of_methods(compared: ComparisonFacts, facts: Facts) -> Iterator[dict[str, Any]]:
    families = {method.label: method.family for method in facts.methods}
    place = {"base": compared.base, "corpus": compared.corpus, "is_best": False, "is_last": False}
    for one in compared.comparison.standings:
        epochs = {crossing.level: crossing.epoch for crossing in one.crossings}
        method = {"method": one.method, "family": families.get(one.method), "learning_rate": one.learning_rate}
        for found in one.found:
            at = {"level": found.level, "epoch": epochs.get(found.level)}
            yield {**place, **method, **at, **as_row(_estimated(found.what, found.estimate))}


def _estimated(what: str, estimate: Estimate) -> Estimated:
    if what == MEMORIZATION:
        return Estimated("memorization_at_utility", estimate)
    return Estimated("auc_at_utility", estimate, attack=what)


def differences(facts: Facts) -> pl.DataFrame:
    """Every pair of methods at equal utility (columns: `DIFFERENCES`)."""
    rows = [_of_pair(one, pair) for one in facts.comparisons for pair in one.comparison.differences]
    return pl.DataFrame(rows, schema=DIFFERENCES, orient="row")


def _of_pair(compared: ComparisonFacts, pair: Difference) -> dict[str, Any]:
    whole = compared.comparison
    quantity, attack = (MEMORIZATION, None) if pair.what == MEMORIZATION else ("auc", pair.what)
    row = {
        "base": compared.base,
        "corpus": compared.corpus,
        **asdict(pair),
        **asdict(pair.estimate),
        "quantity": quantity,
        "attack": attack,
        "at": pair.loss,
        "utility": whole.utility,
        "margin": whole.margin if quantity == "auc" else None,
        "at_rate": not {pair.method, pair.other}.isdisjoint(whole.at_rate),
        "scope": whole.scope,
        "reason": pair.reason or pair.estimate.reason,
    }
    return {name: row[name] for name in DIFFERENCES}
