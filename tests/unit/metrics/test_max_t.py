from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from vestige.metrics.intervals import Spread
from vestige.metrics.max_t import adjusted_p_values, step_down, two_sided
from vestige.metrics.replicated import Replicated


def test_step_down_is_what_a_loop_over_the_definition_gives() -> None:
    generator = np.random.default_rng(0)
    null = np.abs(generator.normal(size=(200, 6)) + generator.normal(size=(200, 1)))
    statistics = np.array([0.5, 3.1, 1.2, 2.2, 2.2, 0.1])
    left, worst, expected = set(range(6)), 0.0, np.empty(6)
    for test in np.argsort(-statistics, kind="stable"):
        beaten = sum(max(row[other] for other in left) >= statistics[test] for row in null)
        worst = max(worst, (1 + beaten) / 201)
        expected[test] = worst
        left.remove(int(test))
    assert step_down(statistics, null) == pytest.approx(expected)


def replicated(value: float, pool: np.ndarray, *, units: tuple[float, ...] = ()) -> Replicated:
    return Replicated(np.array([value, *units]), value + pool, np.full(len(pool), value))


def test_independent_tests_are_corrected_as_sidak_does_and_copies_not_at_all() -> None:
    samples, errors = 20_000, Spread(error=1.0, df=np.inf)
    noise = np.random.default_rng(0).normal(size=(5, samples))
    value = 2.6
    once = 2 * norm.sf(value)

    def first(pools: np.ndarray) -> float:
        tests = [replicated(value if place == 0 else 0.0, pool) for place, pool in enumerate(pools)]
        found = adjusted_p_values(tests, [errors] * 5, groups=(10**6, 10**6), training=np.zeros(5), seed=0)
        return float(found[0])

    assert first(noise) == pytest.approx(1 - (1 - once) ** 5, rel=0.15)
    assert first(np.repeat(noise[:1], 5, axis=0)) == pytest.approx(once, rel=0.15)


def test_noise_of_retraining_counts_as_much_as_its_variance() -> None:
    # Texts say nothing here: one direction of units shared by both tests, so that nothing has to be corrected.
    still = np.zeros(5000)
    tests = [replicated(value, still, units=(value - 0.1, value + 0.1)) for value in (0.2, 0.1)]
    spreads = [Spread(error=0.1, df=np.inf)] * 2
    found = adjusted_p_values(tests, spreads, groups=(50, 50), training=np.full(2, 0.01), seed=0)
    assert found == pytest.approx([2 * norm.sf(2), 2 * norm.sf(1)], rel=0.2)


def test_a_p_value_is_student_s_and_certain_where_nothing_varies() -> None:
    assert two_sided(2.0, Spread(error=1.0, df=1.0)) == pytest.approx(1 - 2 * np.arctan(2.0) / np.pi)  # Cauchy
    assert two_sided(0.0, Spread(error=0.0, df=np.inf)) == 1.0
    assert two_sided(0.1, Spread(error=0.0, df=np.inf)) == 0.0
