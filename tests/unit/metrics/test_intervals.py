"""Student's t over independent parts: against SciPy's tests, published tables, and what new groups really vary by."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from vestige.metrics.intervals import (
    Interval,
    difference_interval,
    group_part,
    share_interval,
    spread,
    t_interval,
    training_part,
    trainings,
)


def test_one_part_is_the_interval_of_a_mean() -> None:
    values = np.array([0.61, 0.64, 0.58, 0.66, 0.60])
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = t_interval(float(np.mean(values)), parts=[training_part(values.tolist())], level=0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_two_parts_are_the_interval_of_welch() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.normal(1, 1, size=7), generator.normal(0, 3, size=12)
    expected = scipy.stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.9)
    parts = [training_part(one.tolist()), training_part(other.tolist())]
    found = t_interval(float(one.mean() - other.mean()), parts=parts, level=0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_degrees_of_freedom_lie_between_the_fewest_and_the_sum() -> None:
    assert spread([(1.0, 10), (1.0, 10)]).df == pytest.approx(20)
    assert spread([(1.0, 30), (0.0, 1)]).df == pytest.approx(30)
    assert spread([(1e-200, 30), (1e-200, 1)]).df == pytest.approx(4 / (1 / 30 + 1))
    assert t_interval(0.0, parts=[(1.0, 1)], level=0.95).high == pytest.approx(12.706, abs=1e-3)


def test_what_does_not_vary_has_no_width() -> None:
    assert t_interval(0.5, parts=[(0.0, 5), (0.0, 2)], level=0.95) == Interval(0.5, 0.5)
    assert spread([]).df == math.inf


@pytest.mark.parametrize("wrong", [(-1e-9, 3.0), (1.0, 0.0), (math.nan, 3.0)])
def test_no_variance_and_no_degrees_of_freedom_are_errors(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected a variance"):
        spread([(1.0, 3), wrong])


def test_replicates_of_a_mean_vary_by_what_new_groups_would() -> None:
    """A mean of G groups drawn out of G varies by Σ(x − x̄)²/G²; the variance of the mean of G new ones is s²/G."""
    values = np.array([1.0, 2.0, 4.0, 9.0])
    every = np.stack(np.meshgrid(*[values] * 4), axis=-1).reshape(-1, 4).mean(axis=1)
    part = group_part(np.append(every, np.nan), groups=4)
    assert part == pytest.approx((np.var(values, ddof=1) / 4, 3))


def test_one_group_and_one_seed_say_nothing_of_another() -> None:
    with pytest.raises(ValueError, match="two groups or more"):
        group_part(np.zeros(10), groups=1)
    with pytest.raises(ValueError, match="two trainings or more"):
        training_part([0.5])


@pytest.mark.parametrize(("hits", "of"), [(30, 50), (48, 50), (3, 40), (650, 1000)])
def test_a_share_has_the_interval_of_wilson(hits: int, of: int) -> None:
    """A binomial share varies by p(1 − p)/n; SciPy has the interval."""
    share = hits / of
    expected = scipy.stats.binomtest(hits, of).proportion_ci(0.95, method="wilson")
    found = share_interval(share, parts=[(share * (1 - share) / of, 1e12)], level=0.95, trials=of)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_share_of_all_or_nothing_has_the_exact_interval() -> None:
    for hits in (0, 25):
        expected = scipy.stats.binomtest(hits, 25).proportion_ci(0.95, method="exact")
        found = share_interval(hits / 25, parts=[(0.0, 24)], level=0.95, trials=25)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_room_of_a_share_holds_for_its_difference_too() -> None:
    """At 1, where nothing varies, an AUC can be as low as .025^(1/25); far from the edge the t interval is left."""
    whole = {"parts": [(0.0, 24.0)], "share_parts": [(0.0, 24.0)], "level": 0.95, "trials": 25}
    found = difference_interval(0.4, share=1.0, **whole)  # type: ignore[arg-type]
    assert (found.low, found.high) == pytest.approx((0.4 - (1 - 0.025 ** (1 / 25)), 0.4))
    middle = difference_interval(
        0.1, parts=[(1e-4, 1e3)], share=0.5, share_parts=[(1e-4, 1e3)], level=0.95, trials=1000
    )
    plain = t_interval(0.1, parts=[(1e-4, 1e3)], level=0.95)
    assert (middle.low, middle.high) == pytest.approx((plain.low, plain.high), abs=1e-6)


def test_cells_say_of_training_what_their_number_lets_them() -> None:
    assert trainings([0.6]).name == "these"
    assert trainings([0.6, math.nan]).parts == ()
    folds = trainings([0.6, 0.7])
    assert folds.name == "2"
    assert folds.parts[0] == pytest.approx((0.1**2 / 4, 1))
    values = [0.6, 0.7, 0.7, 0.9, 0.8, 0.9]
    six = trainings(values)
    assert six.name == "6"
    assert six.parts[0] == pytest.approx((scipy.stats.sem(values) ** 2, 5))
