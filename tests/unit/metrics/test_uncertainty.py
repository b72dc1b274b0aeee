"""The bootstrap: what is drawn together, what an interval is made of, and where it is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from vestige.metrics import Bootstrap, uncertainty
from vestige.metrics.uncertainty import Drawn, Resampled, mean_over_cells
from vestige.records import Floats

GROUPS = np.array([f"g{i:02d}" for i in range(30)])


def _first_half(weights: Floats) -> Floats:
    total: Floats = weights[:, :15].sum(axis=1)
    return total


def _second_half(weights: Floats) -> Floats:
    total: Floats = weights[:, 15:].sum(axis=1)
    return total


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)])
def test_all_cells_share_one_draw_of_the_groups(seeds: tuple[int, int]) -> None:
    halves = (_first_half, _second_half)
    cells = [Resampled(metric=half, groups=GROUPS, seed=seed) for half, seed in zip(halves, seeds, strict=True)]
    replicates = Bootstrap(samples=100).replicates(cells, pool=GROUPS, with_seeds=True)
    if seeds == (0, 0):  # 30 groups are drawn: what one half lacks, the other has
        np.testing.assert_allclose(replicates, 15.0)
    else:
        assert np.std(replicates) > 0


def _drawn(of: Drawn) -> Floats:
    return np.vstack(list(Bootstrap(samples=100).draws(30, of=of)))


def test_a_pool_and_validation_texts_draw_different_places() -> None:
    """Two sets of 30 groups are independent: how often a place is drawn in one says nothing of the other."""
    pool, validation = _drawn("pool"), _drawn("validation")
    assert np.array_equal(pool, _drawn("pool"))
    assert pool.sum(axis=1).tolist() == validation.sum(axis=1).tolist() == [30.0] * 100
    assert abs(np.corrcoef(pool.ravel(), validation.ravel())[0, 1]) < 4 / np.sqrt(pool.size)


@pytest.mark.parametrize("of", ["pool", "validation"])
def test_the_groups_drawn_are_the_same_however_many_seeds(of: Drawn) -> None:
    """So the base, which has no seed, stays paired with methods of several seeds."""
    one = [Resampled(metric=_first_half, groups=GROUPS, seed=0)]
    three = [Resampled(metric=_first_half, groups=GROUPS, seed=seed) for seed in range(3)]
    bootstrap = Bootstrap(samples=100)
    replicates = bootstrap.replicates(one, pool=GROUPS, of=of)
    np.testing.assert_allclose(bootstrap.replicates(three, pool=GROUPS, of=of), replicates)


def test_texts_of_a_group_weigh_the_same() -> None:
    groups = np.repeat(GROUPS, 2)
    cell = Resampled(metric=lambda w: np.abs(w[:, 0::2] - w[:, 1::2]).max(axis=1), groups=groups, seed=0)
    assert Bootstrap(samples=100).replicates([cell], pool=groups).max() == 0


def test_seeds_that_agree_add_nothing_and_seeds_that_differ_widen_by_the_right_amount() -> None:
    def constant(value: float) -> Resampled:
        return Resampled(metric=lambda weights: np.full(len(weights), value), groups=GROUPS, seed=int(value))

    bootstrap = Bootstrap(samples=20_000)
    same = [Resampled(metric=lambda w: np.ones(len(w)), groups=GROUPS, seed=seed) for seed in range(3)]
    np.testing.assert_allclose(bootstrap.replicates(same, pool=GROUPS, with_seeds=True), 1.0)
    values = [1.0, 2.0, 6.0]
    cells = [constant(value) for value in values]
    np.testing.assert_allclose(bootstrap.replicates(cells, pool=GROUPS), 3.0)
    spread = bootstrap.replicates(cells, pool=GROUPS, with_seeds=True)
    assert np.mean(spread) == pytest.approx(3.0, abs=0.05)
    assert np.var(spread) == pytest.approx(np.var(values, ddof=1) / 3, rel=0.05)


def test_the_size_of_the_blocks_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [Resampled(metric=_first_half, groups=GROUPS, seed=seed) for seed in range(2)]
    whole = Bootstrap(samples=101).replicates(cells, pool=GROUPS)
    monkeypatch.setattr(uncertainty, "_BLOCK", 7 * len(GROUPS))
    assert np.array_equal(Bootstrap(samples=101).replicates(cells, pool=GROUPS), whole)


def test_samples_without_a_class_are_left_out() -> None:
    some = np.concatenate([np.full(40, np.nan), np.linspace(0, 1, 60)])
    found = Bootstrap(samples=100).percentiles(some)
    assert (found.low, found.high) == pytest.approx((0.025, 0.975))


def test_the_level_is_the_share_between_the_ends() -> None:
    found = Bootstrap(level=0.8).percentiles(np.linspace(0, 100, 101))
    assert (found.low, found.high) == pytest.approx((10, 90))


def test_a_value_is_the_metric_with_all_weights_one() -> None:
    assert mean_over_cells([Resampled(metric=_first_half, groups=GROUPS, seed=0)]) == 15


@pytest.mark.parametrize("wrong", [{"samples": 10}, {"level": 1.0}, {"seed": -1}, {"sample": 1000}])
def test_a_bootstrap_outside_its_ranges_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Bootstrap.model_validate(wrong)
