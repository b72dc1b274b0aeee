from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.stats import norm

from vestige.metrics.frontier import Curve, auc_of, d_prime, training_axis


def test_a_straight_line_is_crossed_where_it_says() -> None:
    curve = Curve.through(np.array([0.0, 1.0, 2.5, 4.0]), np.array([[8.0], [6.0], [3.0], [0.0]]))
    assert curve.first_reach(np.array([5.0])) == pytest.approx([1.5])
    assert curve.at(np.array([1.5])) == pytest.approx([5.0])


def test_values_and_crossings_of_many_columns_are_those_of_scipy_one_by_one() -> None:
    generator = np.random.default_rng(0)
    x = np.sort(generator.uniform(size=8))
    y = generator.normal(size=(8, 40)) - 4 * x[:, None]
    target = generator.uniform(-3, 0, size=40)
    curve = Curve.through(x, y)
    place = curve.first_reach(target)
    for column in range(40):
        alone = PchipInterpolator(x, y[:, column])
        assert curve.at(np.full(40, 0.5))[column] == pytest.approx(alone(0.5))
        low = np.flatnonzero(y[:, column] <= target[column])
        if not len(low):
            assert np.isnan(place[column])
        elif low[0] == 0:
            assert place[column] == x[0]
        else:
            root = brentq(lambda at, f=alone, t=target[column]: f(at) - t, x[low[0] - 1], x[low[0]], xtol=1e-14)
            assert place[column] == pytest.approx(root, abs=1e-9)


def test_a_curve_that_rises_again_is_crossed_before_its_lowest() -> None:
    curve = Curve.through(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([[4.0], [2.0], [1.0], [2.0], [5.0]]))
    assert curve.first_reach(np.array([2.0]))[0] == pytest.approx(1.0)
    assert curve.first_reach(np.array([1.0]))[0] == pytest.approx(2.0)
    assert np.isnan(curve.first_reach(np.array([0.9]))[0])


def test_a_place_beyond_the_knots_is_the_nearest_and_nothing_is_made_of_nan() -> None:
    curve = Curve.through(np.array([0.0, 1.0, 2.0]), np.array([[4.0, np.nan], [2.0, 1.0], [1.0, 0.0]]))
    assert curve.at(np.array([9.0, 1.0])) == pytest.approx([1.0, np.nan], nan_ok=True)
    assert np.isnan(curve.at(np.array([np.nan, np.nan]))).all()


def test_one_column_serves_many_places_and_one_place_many_columns() -> None:
    x = np.array([0.0, 1.0, 2.0])
    one = Curve.through(x, np.array([[0.0], [2.0], [4.0]]))
    assert one.at(np.array([0.5, 1.0, 1.5])) == pytest.approx([1.0, 2.0, 3.0])
    assert one.first_reach(np.array([-1.0, 0.0])) == pytest.approx([np.nan, 0.0], nan_ok=True)
    many = Curve.through(x, np.array([[0.0, 0.0], [2.0, 4.0], [4.0, 8.0]]))
    assert many.at(np.array([0.5])) == pytest.approx([1.0, 2.0])


def test_the_axis_has_epoch_0_at_the_log_of_the_first_epoch() -> None:
    assert training_axis(np.array([0.0, 0.25, 0.75])) == pytest.approx(np.log([0.25, 0.5, 1.0]))


def test_d_prime_is_the_distance_of_two_normals_and_is_held_off_the_edge() -> None:
    distance = 1.7  # members at 1.7, non-members at 0, both with unit variance: AUC = Φ(1.7 / √2)
    assert d_prime(np.array([norm.cdf(distance / np.sqrt(2))]), texts=100) == pytest.approx([distance])
    assert auc_of(d_prime(np.array([0.0, 1.0]), texts=100)) == pytest.approx([1 / 400, 399 / 400])
