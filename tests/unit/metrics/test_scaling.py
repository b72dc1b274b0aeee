"""How leakage grows along a series: lines whose slopes are known, on methods whose frontiers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from simulated_studies import ATTACK, inputs_of
from vestige.metrics.comparison import BITS, MEMORIZATION
from vestige.metrics.evaluation import Evaluation, Settings
from vestige.metrics.scaling import Point, bend_weights, line_weights, position_of, slope, tpr_slope
from vestige.metrics.slopes import STANDINGS, Slope, Standing
from vestige.metrics.uncertainty import Bootstrap
from vestige.testing.frontiers import Course
from vestige.testing.trajectories import Texts, World, simulated_study

EPOCHS = (0.25, 0.38, 0.59, 0.9, 1.4, 2.1, 3.3, 5.0)
SIZES = (3e5, 1e6, 3e6, 1e7)
METHOD = "lora"


def evaluation(course: Course, *, seed: int = 0, seeds: int = 3, texts: int = 500) -> Evaluation:
    world = World({METHOD: {1e-3: course}}, EPOCHS, seeds=seeds, pool=Texts(texts, texts))
    return Evaluation(inputs_of(simulated_study(world, seed=seed)), Settings(ATTACK, bootstrap=Bootstrap(samples=200)))


def growing(x: float) -> Course:
    """Leaks more, the larger the model."""
    return Course(leak=0.8 + 0.3 * np.log10(x / 1e6))


@pytest.fixture(scope="module")
def points() -> list[Point]:
    return [Point(x, evaluation(growing(x), seed=place), METHOD) for place, x in enumerate(SIZES)]


def true_slope() -> float:
    """Of Φ⁻¹(AUC) at 90% of the own gain, for a tenfold."""

    def at_share(course: Course) -> float:
        reached = float(course.share(np.array(EPOCHS)).max())
        return float(norm.ppf(course.auc_at(0.9 * reached * course.gain)))

    return float(np.polyfit(np.log10(SIZES), [at_share(growing(x)) for x in SIZES], 1)[0])


def test_the_weights_are_those_of_least_squares() -> None:
    xs, values = np.log10(SIZES), np.array([0.3, 0.1, 0.7, 0.4])
    assert line_weights(xs) @ values == pytest.approx(np.polyfit(xs, values, 1)[0])
    later, earlier = (np.polyfit(xs[part], values[part], 1)[0] for part in (slice(1, None), slice(0, 3)))
    assert bend_weights(xs) @ values == pytest.approx(later - earlier)
    shuffled = np.array([2, 0, 3, 1])
    assert bend_weights(xs[shuffled]) @ values[shuffled] == pytest.approx(later - earlier)
    assert bend_weights(xs) @ (5 + 2 * xs) == pytest.approx(0), "a straight line has no bend"
    assert bend_weights(xs[:3]) @ np.array([0.0, 0.0, 1.0]) == pytest.approx(1 / (xs[2] - xs[1]))


def test_the_slope_is_the_true_one(points: Sequence[Point]) -> None:
    found = slope(points, ATTACK, "share", series="lora")
    estimate = found.slope
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < true_slope() < estimate.high
    assert 0.05 < estimate.high - estimate.low < 0.3
    assert (found.series, found.what, found.standing) == ("lora", ATTACK, "share")
    assert found.r_squared is not None
    assert found.r_squared > 0.8
    assert found.bend.low is not None
    assert found.bend.high is not None
    assert found.bend.low < 0 < found.bend.high
    assert [point.x for point in found.points] == list(SIZES)
    assert "phi:0.9|reach:own|points:4" in estimate.signature


def test_it_is_the_line_through_what_the_points_say(points: Sequence[Point]) -> None:
    for standing in STANDINGS:
        found = slope(points, ATTACK, standing, series="")
        aucs = [one.estimate.value for one in found.points]
        expected = np.polyfit(np.log10(SIZES), norm.ppf(np.array(aucs, dtype=np.float64)), 1)[0]
        assert found.slope.value == pytest.approx(expected, abs=1e-9)


def test_memorization_and_bits_enter_as_they_are(points: Sequence[Point]) -> None:
    for what in (MEMORIZATION, BITS):
        found = slope(points, what, "lowest", series="")
        values = np.array([one.estimate.value for one in found.points], dtype=np.float64)
        assert found.slope.value == pytest.approx(np.polyfit(np.log10(SIZES), values, 1)[0])
        assert found.slope.low is not None
        assert found.slope.low > 0


def test_bits_are_those_of_each_text_and_never_below_zero() -> None:
    one = evaluation(growing(1e6), seeds=2)
    inputs, arm = one.inputs, one.inputs.arms[0]
    assert arm.pool_losses is not None
    by_hand = []
    for seed in (0, 1):
        first, second = np.flatnonzero(inputs.seeds == seed)
        gained = arm.pool_losses[first, -1] - arm.pool_losses[second, -1]
        by_hand.append(np.maximum(0, np.where(inputs.is_member[first], -gained, gained)) / np.log(2))
    position = position_of(Point(1e6, one, METHOD), "last")
    number = one.ground.value(one.leaks[BITS], position)
    assert number.value == pytest.approx(np.mean(by_hand))
    assert number.units == pytest.approx([own.mean() for own in by_hand])
    assert float(np.std(number.pool)) == pytest.approx(np.mean(by_hand, axis=0).std() / np.sqrt(500), rel=0.25)


def test_the_last_checkpoint_and_the_lowest_loss_are_where_they_are(points: Sequence[Point]) -> None:
    point = points[0]
    arm, ground = point.evaluation.inputs.arms[0], point.evaluation.ground
    axis = ground.attacked_axis(0)
    assert position_of(point, "last").place == axis[-1]
    losses = ground.point_costs[0].mean(axis=1)[0]
    assert position_of(point, "lowest").place == axis[1 + int(np.argmin(losses))]
    assert len(arm.attacked) == len(axis) - 1


def test_a_rate_of_true_positives_is_taken_by_seed(points: Sequence[Point]) -> None:
    found = tpr_slope(points, ATTACK, "last", fpr=0.05, series="lora")
    assert found.what == f"tpr@0.05:{ATTACK}"
    assert found.slope.value is not None
    assert found.slope.value > 0
    assert found.slope.signature.endswith("unit:seed")
    rates = np.array([one.estimate.value for one in found.points], dtype=np.float64)
    assert found.slope.value == pytest.approx(np.polyfit(np.log10(SIZES), np.log(rates - 0.05), 1)[0], rel=0.1)


def _two(points: Sequence[Point]) -> Sequence[Point]:
    return points[:2]


def _other_seeds(points: Sequence[Point]) -> Sequence[Point]:
    return [*points[:3], replace(points[3], evaluation=evaluation(growing(1e7), seeds=2))]


def _few_groups(points: Sequence[Point]) -> Sequence[Point]:
    return [*points[:3], replace(points[3], evaluation=evaluation(growing(1e7), texts=14))]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_two, "2 points, a slope takes at least 3"),
        (_other_seeds, "the studies have different seeds"),
        (_few_groups, "1e+07: 7 groups of texts in a class"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_reason(
    points: Sequence[Point], change: Callable[[Sequence[Point]], Sequence[Point]], reason: str
) -> None:
    own = change(points)
    for found in (slope(own, ATTACK, "share", series=""), tpr_slope(own, ATTACK, "last", fpr=0.05, series="")):
        assert (found.slope.value, found.bend.value, found.r_squared) == (None, None, None)
        assert reason in found.slope.reason
        assert len(found.points) == len(own)


@pytest.mark.parametrize(("standing", "reason"), [("share", "between checkpoints"), ("last", "than chance")])
def test_a_rate_at_chance_has_no_logarithm(standing: Standing, reason: str) -> None:
    alike = [Point(x, evaluation(Course(leak=0.001), seed=place), METHOD) for place, x in enumerate(SIZES[:3])]
    assert reason in tpr_slope(alike, ATTACK, standing, fpr=0.05, series="").slope.reason


def test_points_stand_each_at_an_x_of_its_own(points: Sequence[Point]) -> None:
    with pytest.raises(ValueError, match="an x of its own"):
        slope([points[0], points[0], points[1]], ATTACK, "last", series="")


@pytest.mark.slow
def test_intervals_cover_the_true_slope() -> None:
    """120 series of four sizes, of other texts each."""
    covered: list[bool] = []
    values: list[float] = []
    for number in range(120):
        own = [Point(x, evaluation(growing(x), seed=4 * number + place), METHOD) for place, x in enumerate(SIZES)]
        found: Slope = slope(own, ATTACK, "share", series="")
        assert found.slope.value is not None
        assert found.slope.low is not None
        assert found.slope.high is not None
        values.append(found.slope.value)
        covered.append(found.slope.low <= true_slope() <= found.slope.high)
    assert abs(float(np.mean(values)) - true_slope()) < 0.006
    assert np.mean(covered) >= 0.89
