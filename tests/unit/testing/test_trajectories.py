"""The simulated world keeps to what it says is true of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vestige.records import Floats
from vestige.testing.frontiers import Course, leaking_more, reach, true_difference
from vestige.testing.stats import normal_auc
from vestige.testing.trajectories import SimulatedStudy, Texts, World, simulated_study

EPOCHS = np.geomspace(0.25, 6, 8)
FAST, SLOW = Course(), Course(lowest=3.0 / 0.55)
WORLD = World({"fast": {1e-3: FAST}, "slow": {1e-3: SLOW}}, tuple(EPOCHS))


def aucs(study: SimulatedStudy, *, method: int) -> Floats:
    """Shape (seats, checkpoints)."""
    scores = study.trainings[method].scores
    seats = zip(scores, study.is_member, strict=True)
    return np.array([[roc_auc_score(is_member, at) for at in seat] for seat, is_member in seats])


@pytest.mark.parametrize(("share", "auc"), [(0.8, 0.61), (0.9, 0.67), (0.95, 0.73), (1.0, 0.89)])
def test_the_frontier_is_that_of_lora(share: float, auc: float) -> None:
    assert FAST.auc_at(share * FAST.gain) == pytest.approx(auc, abs=0.005)


def test_the_loss_is_lowest_where_it_is_said_to_be_and_rises_after() -> None:
    shares = SLOW.share(np.array([0.0, 2.0, SLOW.lowest, 8.0]))
    assert shares[0] == 0
    assert shares.argmax() == 2
    assert shares[2] == pytest.approx(1)
    assert SLOW.crossing(SLOW.gain) == pytest.approx(SLOW.lowest)
    with pytest.raises(ValueError, match="never won"):
        SLOW.crossing(0.51)


def test_two_speeds_on_one_frontier_differ_at_equal_epochs_alone() -> None:
    assert true_difference(FAST, SLOW, level=0.9, epochs=EPOCHS) == pytest.approx(0, abs=1e-9)
    apart = normal_auc(float(FAST.separation(EPOCHS[6]))) - normal_auc(float(SLOW.separation(EPOCHS[6])))
    assert apart == pytest.approx(0.2, abs=0.01)


def test_the_common_reach_is_what_the_least_method_wins_at_a_checkpoint() -> None:
    short = np.array([1.0, 3.0])
    assert reach([FAST, SLOW], epochs=short) == pytest.approx(0.5 * float(SLOW.share(3.0)))


@pytest.mark.parametrize("gap", [-0.05, 0.03, 0.1])
def test_a_true_gap_is_as_large_as_asked(gap: float) -> None:
    leaking = leaking_more(FAST, by=gap, than=SLOW, level=0.9, epochs=EPOCHS)
    gain = 0.9 * reach([FAST, SLOW], epochs=EPOCHS)
    assert leaking.auc_at(gain) - SLOW.auc_at(gain) == pytest.approx(gap)


def test_a_large_study_measures_what_is_true() -> None:
    large = replace(WORLD, seeds=1, pool=Texts(20000, 20000), validation=Texts(20000, 20000), retraining=0.0)
    study = simulated_study(large, seed=3)
    for method, course in enumerate((FAST, SLOW)):
        truth = np.array([normal_auc(float(one)) for one in course.separation(EPOCHS)])
        assert aucs(study, method=method).mean(axis=0) == pytest.approx(truth, abs=0.025)  # speeds differ
        won = (study.base_losses - study.trainings[method].losses).sum(axis=2) / study.tokens.sum()
        assert won.mean(axis=0) == pytest.approx(course.gain * course.share(EPOCHS), abs=0.02)


def test_retraining_moves_auc_at_equal_utility_by_as_much_as_it_says() -> None:
    """Read where the AUC is that of 90% of the gain; texts alone scatter by .004 there, speeds are left out of it."""
    course = Course(lowest=3.0)
    at = course.crossing(0.9 * course.gain)
    world = World({"fast": {1e-3: course}}, (at,), seeds=40, pool=Texts(10000, 10000), retraining=0.03)
    study = simulated_study(world, seed=5)
    won = (study.base_losses - study.trainings[0].losses).sum(axis=2)[:, 0] / study.tokens.sum()
    found = aucs(study, method=0)[:, 0]
    slope = np.polyfit(won, found, 1)[0]
    off = found - slope * (won - won.mean())
    assert off.std(ddof=2) == pytest.approx(0.03, rel=0.25)


def test_folds_are_complementary_and_split_no_group() -> None:
    world = replace(WORLD, pool=Texts(500, 46, spread=0.6), validation=Texts(300, 10, spread=0.6))
    study = simulated_study(world, seed=0)
    assert study.folds == ("A", "B") * 3
    assert (study.is_member[0::2] != study.is_member[1::2]).all()
    assert 0.4 < study.is_member[0].mean() < 0.6
    assert not np.array_equal(study.is_member[0], study.is_member[2])
    for seat in study.is_member:
        assert all(len(set(seat[study.pool_groups == group])) == 1 for group in range(46))
    sizes = np.bincount(study.pool_groups)
    assert len(sizes) == 46
    assert sizes.sum() == 500
    assert sizes.min() >= 1
    assert sizes.max() > 2 * sizes.mean()


def test_the_same_seed_gives_the_same_study() -> None:
    first, again, other = (simulated_study(WORLD, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.trainings[1].scores, again.trainings[1].scores)
    assert not np.array_equal(first.trainings[1].scores, other.trainings[1].scores)
