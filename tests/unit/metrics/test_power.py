"""What a design decides: held to the table of measured intervals that the recipe of the comparison came with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from vestige.metrics.power import Design, resolution, seeds_for, too_few_groups
from vestige.records import Ints


def single(texts: int) -> Ints:
    return np.ones(texts, dtype=np.int64)


def articles(texts: int, *, groups: int) -> Ints:
    """Groups of unequal size, the largest four times the smallest."""
    shares = np.geomspace(1, 4, groups)
    sizes: Ints = np.rint(texts * shares / shares.sum()).astype(np.int64)
    return sizes


THREE = Design(seeds=3, folds=2, methods=2, pool=single(500), validation=single(300), retraining=0.015)

# Half-widths of simulated studies at 90% of the common reach, texts single unless said otherwise.
MEASURED = [
    (replace(THREE, seeds=1), 0.065),
    (replace(THREE, seeds=1, retraining=0.03), 0.109),
    (replace(THREE, seeds=1, methods=6), 0.056),
    (replace(THREE, seeds=2), 0.036),
    (THREE, 0.033),
    (replace(THREE, retraining=0.03), 0.054),
    (replace(THREE, pool=single(2000)), 0.029),
    (replace(THREE, pool=articles(500, groups=46), validation=articles(300, groups=46)), 0.051),
    (replace(THREE, seeds=5), 0.026),
    (replace(THREE, seeds=5, pool=single(1000)), 0.023),
]


@pytest.mark.parametrize(("design", "measured"), MEASURED, ids=str)
def test_the_half_width_is_that_of_simulated_studies(design: Design, measured: float) -> None:
    assert resolution(design).half_width == pytest.approx(measured, rel=0.2)


# Of the same studies: where power crosses .8, between the gap it was measured below it and the one above.
@pytest.mark.parametrize(
    ("design", "below", "above"),
    [
        (THREE, 0.045, 0.06),  # .77 at .05
        (replace(THREE, retraining=0.03), 0.05, 0.1),  # .45 and .89
        (replace(THREE, seeds=2), 0.05, 0.1),  # .59 and .82
        (replace(THREE, seeds=5), 0.03, 0.05),  # .62 and .98
        (replace(THREE, seeds=5, pool=single(1000)), 0.03, 0.04),  # .72 at .03
        (replace(THREE, seeds=1), 0.1, 0.3),  # .63 at .10
    ],
)
def test_the_gap_lies_where_the_power_of_simulated_studies_crosses(design: Design, below: float, above: float) -> None:
    assert below < resolution(design).gap < above


def test_with_as_many_texts_and_seeds_as_one_likes_a_normal_distribution_is_left() -> None:
    """Known variance: the interval is 1.96 SE, 80% power at 2.80 SE, equivalence at (1.645 + 1.282) SE."""
    many = Design(200, 2, 2, pool=single(10**6), validation=single(10**6), retraining=0.015)
    error = 0.015 / np.sqrt(200)
    found = resolution(many)
    assert found.half_width == pytest.approx(norm.ppf(0.975) * error, rel=0.03)
    assert found.gap == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, rel=0.03)
    assert found.margin == pytest.approx((norm.ppf(0.95) + norm.ppf(0.9)) * error, rel=0.03)


def test_what_cannot_be_known_of_retraining_is_said() -> None:
    alone = replace(THREE, seeds=1, folds=1)
    assert not resolution(alone).retrainings
    assert resolution(replace(alone, folds=2)).retrainings
    assert resolution(alone).half_width < resolution(replace(alone, folds=2)).half_width


def test_grouped_texts_decide_less_and_more_texts_in_a_group_add_little() -> None:
    grouped = replace(THREE, pool=np.full(50, 10))
    assert resolution(grouped).gap > 1.1 * resolution(THREE).gap
    assert resolution(replace(THREE, pool=np.full(50, 1000))).gap > 0.85 * resolution(grouped).gap


def test_the_seeds_that_a_gap_takes_are_the_fewest_that_tell_it() -> None:
    needed = seeds_for(THREE, gap=0.035)
    assert needed is not None
    assert resolution(replace(THREE, seeds=needed)).gap <= 0.035 < resolution(replace(THREE, seeds=needed - 1)).gap
    assert seeds_for(THREE, gap=0.06) == 3
    assert seeds_for(THREE, gap=0.005) is None


def test_designs_that_a_comparison_refuses_are_named() -> None:
    assert not too_few_groups(replace(THREE, pool=single(20), validation=single(10)))
    assert "19 groups in the pool" in too_few_groups(replace(THREE, pool=single(19)))
    assert "9 groups in the validation set" in too_few_groups(replace(THREE, validation=single(9)))
