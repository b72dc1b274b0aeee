"""Ragged arithmetic against a plain loop over the texts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.attacks.ragged import Ragged, share_counts

columns = st.lists(st.lists(st.floats(-100, 100, width=32), max_size=9), max_size=7)
shares = st.integers(1, 1000).map(lambda thousandths: thousandths / 1000)


def _ragged(texts: list[list[float]]) -> Ragged:
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    return Ragged.of(np.array([x for text in texts for x in text], np.float32), offsets=offsets)


@given(columns)
def test_sums_and_means_agree_with_a_loop(texts: list[list[float]]) -> None:
    ragged = _ragged(texts)
    assert ragged.sums().tolist() == pytest.approx([sum(text) for text in texts], abs=1e-9)
    means = [float(np.mean(text)) if text else np.nan for text in texts]
    assert ragged.means().tolist() == pytest.approx(means, abs=1e-9, nan_ok=True)


@given(columns, shares)
def test_lowest_means_agree_with_a_loop(texts: list[list[float]], share: float) -> None:
    expected = []
    for text in texts:
        count = max(1, int(Fraction(str(share)) * len(text)))
        expected.append(float(np.mean(sorted(text)[:count])) if text else np.nan)
    assert _ragged(texts).lowest_means(share=share).tolist() == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(columns, shares)
def test_quantiles_agree_with_numpy(texts: list[list[float]], share: float) -> None:
    expected = [float(np.quantile(text, share)) if text else np.nan for text in texts]
    assert _ragged(texts).quantiles(shares=[share])[:, 0].tolist() == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(columns)
def test_selected_tokens_stay_with_their_text(texts: list[list[float]]) -> None:
    ragged = _ragged(texts)
    positive = ragged.where(ragged.values > 0)
    assert positive.lengths.tolist() == [sum(value > 0 for value in text) for text in texts]
    assert positive.sums().tolist() == pytest.approx([sum(max(value, 0) for value in text) for text in texts], abs=1e-9)
    assert ragged.places().tolist() == [place for text in texts for place in range(len(text))]


def test_a_text_with_a_token_that_is_not_finite_is_told_from_the_others() -> None:
    assert _ragged([[1.0, float("inf")], [], [2.0], [float("nan"), 0.0]]).finite().tolist() == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("share", "length", "count"),
    [(0.2, 5, 1), (0.29, 100, 29), (0.57, 100, 57), (0.1, 30, 3), (0.2, 4, 1), (1.0, 7, 7), (1e-12, 10**6, 1)],
)
def test_a_share_is_the_decimal_it_is_written_as(share: float, length: int, count: int) -> None:
    assert share_counts(np.array([length]), share=share).tolist() == [count]


def test_a_long_share_does_not_overflow() -> None:
    assert share_counts(np.array([10**6]), share=1 / 3).tolist() == [333333]


def test_a_sum_does_not_move_with_the_company_of_the_text() -> None:
    values = np.random.default_rng(0).normal(size=1000).tolist()
    alone = _ragged([values]).sums()[0]
    assert _ragged([[1.0], values, [], [2.0, 3.0]]).sums()[1] == alone


def test_columns_of_different_texts_are_not_subtracted() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        _ragged([[1.0], [2.0, 3.0]]) - _ragged([[1.0, 2.0], [3.0]])
