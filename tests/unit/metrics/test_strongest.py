from __future__ import annotations

import numpy as np
import pytest

from vestige.metrics.replicated import Replicated
from vestige.metrics.strongest import strongest


def attack(value: float, halves: list[float]) -> Replicated:
    samples = np.full(10, value)
    return Replicated(np.array([value, value, value]), samples, samples, np.array(halves))


def test_one_half_picks_and_the_other_reads() -> None:
    # Two halvings. First: half 1 picks b (.9), half 2 picks a (.8); read on the other half: b .6, a .5. Second: both
    # pick b: .7 and .8.
    both = {"a": attack(0.65, [0.5, 0.8, 0.6, 0.6]), "b": attack(0.75, [0.9, 0.6, 0.8, 0.7])}
    found = strongest(both)
    assert found.value == pytest.approx((0.6 + 0.5 + 0.7 + 0.8) / 4)
    assert found.units == pytest.approx([0.25 * 0.65 + 0.75 * 0.75] * 2)
    assert found.pool == pytest.approx(np.full(10, 0.725))


def test_among_attacks_that_are_equally_good_it_claims_no_more_than_they_have() -> None:
    generator = np.random.default_rng(0)
    values = []
    for _ in range(400):
        halves = 0.6 + 0.05 * generator.normal(size=(13, 20))
        values.append(strongest({str(place): attack(0.6, one.tolist()) for place, one in enumerate(halves)}).value)
    assert np.mean(values) == pytest.approx(0.6, abs=0.002)
