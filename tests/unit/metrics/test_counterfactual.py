"""Counterfactual memorization against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vestige.metrics import counterfactual_memorization
from vestige.records import TokenStats


def table(*texts: list[float]) -> TokenStats:
    sizes = [len(text) for text in texts]
    return TokenStats(
        ids=np.asarray([str(place) for place in range(len(texts))]),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        tokens={"logp": np.concatenate(texts).astype(np.float32)},
        texts={"n_tokens": np.asarray(sizes, dtype=np.int32)},
    )


def test_two_folds_by_hand() -> None:
    """Text 0 costs 1 nat where trained on and 3 where not; text 1 the other way round, 2 against 2.5."""
    fold_a, fold_b = table([-0.5, -1.5], [-2.5]), table([-3.0, -3.0], [-2.0])
    found = counterfactual_memorization([fold_a, fold_b], is_member=[np.array([True, False]), np.array([False, True])])
    assert found == pytest.approx([2.0, 0.5])


def test_several_seeds_are_averaged_on_each_side() -> None:
    tables = [table([-1.0]), table([-2.0]), table([-3.0])]
    inside = [np.array([True]), np.array([True]), np.array([False])]
    assert counterfactual_memorization(tables, is_member=inside) == pytest.approx([1.5])


def test_nothing_is_said_without_both_sides_or_without_a_token() -> None:
    one_side = counterfactual_memorization([table([-1.0])], is_member=[np.array([True])])
    no_token = counterfactual_memorization([table([]), table([])], is_member=[np.array([True]), np.array([False])])
    assert np.isnan([*one_side, *no_token]).all()


def test_membership_must_fit_the_tables() -> None:
    with pytest.raises(ValueError, match="membership"):
        counterfactual_memorization([table([-1.0])], is_member=[np.array([True, False])])
