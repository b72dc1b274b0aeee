"""The paired difference of two models' losses, against Student's interval and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vestige.metrics.losses import TextLosses
from vestige.metrics.paired import loss_difference


def losses(*per_token: float, tokens: int = 10) -> TextLosses:
    ids = np.asarray([f"t{place}" for place in range(len(per_token))])
    return TextLosses(ids, np.asarray(per_token) * tokens, np.full(len(per_token), tokens))


ALONE = np.asarray([""] * 5)
HARD = (1.0, 5.0, 2.0, 7.0, 3.0)
MORE = (0.02, 0.05, 0.03, 0.04, 0.01)
WORSE = losses(*(one + more for one, more in zip(HARD, MORE, strict=True)))


def test_texts_of_one_length_have_the_paired_t_interval() -> None:
    """Means of 3.6 and 3.63 with a spread of 2.4 between texts: only the differences count."""
    found = loss_difference([WORSE], [losses(*HARD)], groups=ALONE, seeds=[0])
    expected = stats.t.interval(0.95, 4, loc=np.mean(MORE), scale=stats.sem(MORE))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.low > 0


def test_texts_of_a_group_are_one() -> None:
    two = np.asarray(["a", "a", "a", "b", "b"])
    found = loss_difference([WORSE], [losses(*HARD)], groups=two, seeds=[0])
    assert found is not None
    assert found.low < 0 < found.high


def test_seeds_that_disagree_are_no_difference() -> None:
    """One seed .1 worse, the other .1 better, on every text alike: 0 ± .1·t₁."""
    base = losses(*HARD)
    moved = [losses(*(one + step for one in HARD)) for step in (0.1, -0.1)]
    found = loss_difference(moved, [base, base], groups=ALONE, seeds=[0, 1])
    assert found is not None
    assert found.high == pytest.approx(0.1 * stats.t.ppf(0.975, 1))


def test_one_group_and_losses_that_are_not_finite_say_nothing() -> None:
    assert loss_difference([WORSE], [losses(*HARD)], groups=np.asarray(["a"] * 5), seeds=[0]) is None
    assert loss_difference([losses(np.inf, 1, 1, 1, 1)], [losses(*HARD)], groups=ALONE, seeds=[0]) is None
