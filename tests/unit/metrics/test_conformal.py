"""p-values of single records against values worked out by hand, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.metrics import adjusted_p_values, conformal_p_values
from vestige.metrics.conformal import calibration_needed, fewest_called
from vestige.records import Scores


def scores(*values: float) -> Scores:
    found = np.asarray(values, dtype=np.float64)
    reasons = np.where(np.isfinite(found), "", "too_short")
    return Scores(ids=np.asarray([str(place) for place in range(len(found))]), values=found, reasons=reasons)


def test_by_hand() -> None:
    """Of the calibration texts 0, 1, 2, 3 (one has no score): none reaches 4, two reach 2, all reach 0."""
    found = conformal_p_values(scores(4, 2, 2.5, 0, np.nan), calibration=scores(3, np.nan, 1, 0, 2))
    assert found[:4].tolist() == [1 / 5, 3 / 5, 2 / 5, 1.0]
    assert np.isnan(found[4])


def test_without_calibration_there_is_no_p_value() -> None:
    assert np.isnan(conformal_p_values(scores(1, 2), calibration=scores(np.nan))).all()


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=40))
def test_a_non_member_seldom_has_a_small_one(values: list[int]) -> None:
    """Each of exchangeable texts takes its turn against the others: at most a share α of them has p ≤ α."""
    drawn = np.asarray(values, dtype=np.float64)
    found = np.asarray(
        [
            conformal_p_values(scores(value), calibration=scores(*np.delete(drawn, place)))[0]
            for place, value in enumerate(drawn)
        ]
    )
    for level in np.unique(found):
        assert np.mean(found <= level) <= level + 1e-12


def test_adjusted_by_hand() -> None:
    """p · texts / rank, made to rise with p: .01·4/1, .02·4/2, .03·4/3, .5·4/4; the one without a score is no text."""
    found = adjusted_p_values(np.asarray([0.5, 0.02, np.nan, 0.01, 0.03]))
    assert found[[0, 1, 3, 4]] == pytest.approx([0.5, 0.04, 0.04, 0.04])
    assert np.isnan(found[2])
    assert np.isnan(adjusted_p_values(np.asarray([np.nan]))).all()


@pytest.mark.parametrize(("members", "texts", "fdr"), [(1, 100, 0.1), (5, 200, 0.05), (30, 30, 0.3), (7, 60, 0.01)])
def test_with_the_calibration_texts_that_are_needed_somebody_is_called_and_with_one_less_nobody(
    members: int, texts: int, fdr: float
) -> None:
    """`members` texts lie above all calibration texts, the others below all."""

    def calls(calibration: int) -> int:
        values = np.where(np.arange(texts) < members, 2.0, 0.0)
        p_values = conformal_p_values(scores(*values), calibration=scores(*np.ones(calibration)))
        assert calibration_needed(p_values, calibration=calibration, fdr=fdr) == needed
        return int((adjusted_p_values(p_values) <= fdr * (1 + 1e-12)).sum())

    needed = int(np.ceil(texts / (fdr * members) - 1 - 1e-9))
    assert calls(needed) == members
    assert calls(needed - 1) == 0


def test_texts_that_some_calibration_texts_outscore_can_be_called_in_the_end_or_never() -> None:
    """20 of 40 texts are outscored by 1 in 10: p tends to .1. At .3 half of them may have p ≤ .15, at .15 p ≤ .075."""
    values, held = np.where(np.arange(40) < 20, 2.0, 0.0), np.array([3.0] + [1.0] * 9)
    p_values = conformal_p_values(scores(*values), calibration=scores(*held))
    needed = calibration_needed(p_values, calibration=10, fdr=0.3)
    assert needed is not None
    more = conformal_p_values(scores(*values), calibration=scores(*np.repeat(held, 2)))
    assert needed == 17
    assert (adjusted_p_values(p_values) > 0.3).all()
    assert (adjusted_p_values(more) <= 0.3).sum() == 20
    assert calibration_needed(p_values, calibration=10, fdr=0.15) is None


@pytest.mark.parametrize(
    ("texts", "calibration", "fdr", "fewest"),
    [(100, 99, 0.1, 10), (100, 98, 0.1, 11), (250, 1000, 0.1, 3), (8, 99, 0.1, 1)],
)
def test_fewer_texts_than_the_resolution_are_never_called(
    texts: int, calibration: int, fdr: float, fewest: int
) -> None:
    """Texts above every calibration text: as many as that are all called, one less and none is."""
    assert fewest_called(texts, calibration=calibration, fdr=fdr) == fewest

    def called(exposed: int) -> int:
        values = np.where(np.arange(texts) < exposed, 2.0, 0.0)
        p_values = conformal_p_values(scores(*values), calibration=scores(*np.ones(calibration)))
        return int((adjusted_p_values(p_values) <= fdr * (1 + 1e-12)).sum())

    assert (called(fewest), called(fewest - 1)) == (fewest, 0)


def test_few_groups_make_the_smallest_p_as_common_as_there_are_groups() -> None:
    """Texts of a group that score alike are one text: of 9 groups of 12, a non-member outscores all once in ten."""
    random = np.random.default_rng(0)
    held = [np.repeat(random.normal(size=9), 12) for _ in range(4000)]
    p_values = [conformal_p_values(scores(random.normal()), calibration=scores(*one))[0] for one in held]
    assert np.mean(np.asarray(p_values) <= 0.01) == pytest.approx(0.1, abs=0.015)
