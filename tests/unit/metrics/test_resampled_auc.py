from __future__ import annotations

import numpy as np
import pytest

from vestige.metrics.resampled_auc import resampled_auc
from vestige.metrics.roc import weighted_auc


@pytest.mark.parametrize("decimals", [12, 1, 0], ids=["no ties", "some ties", "mostly ties"])
def test_it_is_the_weighted_auc_of_each_column(decimals: int) -> None:
    generator = np.random.default_rng(decimals)
    groups = generator.integers(0, 40, size=150)
    is_member = generator.random(150) < 0.4
    scores = np.round(generator.normal(size=150) + is_member, decimals)
    weights = generator.poisson(1.0, size=(40, 30)).astype(np.float32)
    weights[np.unique(groups[is_member]), 0] = 0  # no member weighs anything in the first column
    found = resampled_auc(scores, is_member=is_member, rows=groups, weights=weights)
    expected = weighted_auc(scores, is_member=is_member, weights=weights.T[:, groups].astype(np.float64))
    assert np.isnan(found[0])
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_perfect_reversed_and_constant_scores() -> None:
    is_member = np.array([True, True, False, False, False])
    weights = np.ones((5, 1), dtype=np.float32)
    for scores, auc in ((is_member * 1.0, 1.0), (-1.0 * is_member, 0.0), (np.zeros(5), 0.5)):
        assert resampled_auc(scores, is_member=is_member, rows=np.arange(5), weights=weights) == pytest.approx([auc])
