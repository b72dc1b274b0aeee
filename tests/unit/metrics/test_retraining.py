from __future__ import annotations

import numpy as np
import pytest

from vestige.metrics.retraining import Retraining


def test_two_folds_of_one_seed_give_a_quarter_of_their_squared_difference_with_one_degree_of_freedom() -> None:
    noise = Retraining({"a": np.array([0.7, 0.6]), "b": np.array([0.55, 0.58])})
    ((variance, df),) = noise.of_difference("a", "b")
    assert variance == pytest.approx((0.15 - 0.02) ** 2 / 4)
    assert df == 1


def test_seeds_give_the_variance_of_their_differences_over_their_number() -> None:
    a, b = np.array([0.7, 0.6, 0.65]), np.array([0.5, 0.55, 0.6])
    ((variance, df),) = Retraining({"a": a, "b": b}).of_difference("a", "b")
    assert variance == pytest.approx(np.var(a - b, ddof=1) / 3)
    assert df == 2


def test_four_methods_pool_their_noise_as_a_two_way_table_has_it() -> None:
    # Additive but for ±.01 in one square of cells: of the 2 · 3 degrees of freedom one contrast, which has mean 0 in
    # every row and column, holds all: its squares sum to 4 · .01², residual mean square 4e-4 / 6.
    rows, columns = np.array([0.0, 0.1, 0.3])[:, None], np.array([0.5, 0.6, 0.7, 0.8])
    table = rows + columns
    table[0, 0] += 0.01
    table[1, 1] += 0.01
    table[0, 1] -= 0.01
    table[1, 0] -= 0.01
    noise = Retraining({name: table[:, place] for place, name in enumerate("abcd")})
    assert noise.is_pooled
    for pair in (("a", "b"), ("c", "d")):
        ((variance, df),) = noise.of_difference(*pair)
        assert variance == pytest.approx(2 * (4e-4 / 6) / 3)
        assert df == 6


def test_pooled_noise_of_one_method_is_the_mean_variance_of_all() -> None:
    table = np.random.default_rng(0).normal(size=(5, 4)) + np.random.default_rng(1).normal(size=(5, 1))
    parts = Retraining({name: table[:, place] for place, name in enumerate("abcd")}).of_method("b")
    assert sum(part.variance for part in parts) == pytest.approx(np.var(table, axis=0, ddof=1).mean() / 5)
    assert [part.df for part in parts] == [12, 4]


def test_one_training_says_nothing_of_another() -> None:
    noise = Retraining({name: np.empty(0) for name in "abcde"})
    assert noise.of_difference("a", "b") == noise.of_method("a") == []
    assert not noise.is_pooled
