"""Numbers held against their permutation null, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from vestige.metrics.null import against_null, of_null, p_value
from vestige.records import Counts, Estimate

FOUND = Estimate(0.6, 0.5, 0.7, Counts(texts=10), "auc|cells:1|seeds:1|boot:100|unit:group|level:0.95|seed:0|v:2")
REFUSED = Estimate(None, None, None, Counts(), "auc", "all 10 scores are equal")
EVEN = np.linspace(0.4, 0.6, 201)
"""201 splits whose quantiles are plain: 2.5% of them below .405, as many above .595."""


def test_the_interval_is_the_number_less_the_error_that_the_null_shows() -> None:
    skewed = EVEN + 0.1 * (EVEN > 0.5)
    mean = skewed.mean()
    read = against_null(FOUND, skewed, level=0.95)
    assert read.value == 0.6
    assert read.low == pytest.approx(0.6 - (0.695 - mean))
    assert read.high == pytest.approx(0.6 + (mean - 0.405))


@pytest.mark.parametrize(("value", "holds"), [(0.594, True), (0.596, False), (0.406, True), (0.404, False)])
def test_it_holds_chance_unless_the_number_lies_in_a_tail(value: float, holds: bool) -> None:
    read = against_null(Estimate(value, None, None, Counts(), "auc"), EVEN, level=0.95)
    assert read.low is not None
    assert read.high is not None
    assert (read.low <= 0.5 <= read.high) is holds


def test_a_share_has_no_interval_beyond_0_and_1() -> None:
    read = against_null(Estimate(0.99, None, None, Counts(), "auc"), EVEN, level=0.95)
    assert read.high == 1.0


def test_the_null_itself() -> None:
    read = of_null(FOUND, EVEN, level=0.95)
    assert (read.value, read.low, read.high) == pytest.approx((0.5, 0.405, 0.595))


def test_p_counts_the_splits_that_read_as_high() -> None:
    """200 splits, 4 as high: 5 / 201, in the exact interval of 4 of 200."""
    null = np.concatenate([np.full(196, 0.5), [0.6, 0.61, 0.7, 0.8]])
    read = p_value(FOUND, null, level=0.95)
    assert read.value == pytest.approx(5 / 201)
    assert read.low == pytest.approx(beta.ppf(0.025, 4, 197))
    assert read.high == pytest.approx(beta.ppf(0.975, 5, 196))


def test_no_p_is_smaller_than_the_splits_allow() -> None:
    assert p_value(FOUND, np.full(200, 0.5), level=0.95).value == pytest.approx(1 / 201)


@pytest.mark.parametrize("made", [against_null, of_null, p_value])
def test_what_is_refused_stays_refused_and_a_number_says_what_it_was_held_against(made: object) -> None:
    assert callable(made)
    assert made(REFUSED, EVEN, level=0.95) == REFUSED
    assert "auc|cells:1|seeds:1|null:201 splits|unit:group|level:0.95|v:1" in made(FOUND, EVEN, level=0.95).signature
