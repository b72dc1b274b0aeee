"""Methods compared at equal utility: on lines whose crossings are known, by a second computation, and rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from simulated_studies import ATTACK, inputs_of
from vestige.metrics.compare import compare
from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL, STRONGEST, Comparison, Difference
from vestige.metrics.evaluation import NO_SCORE, Evaluation, Settings
from vestige.metrics.measures import MEASURES
from vestige.metrics.trajectories import Arm, Axis, Inputs, axis_of
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Bools, Floats
from vestige.testing.frontiers import Course
from vestige.testing.trajectories import SimulatedStudy, Texts, World, simulated_study

BASE = 10.0
ATTACKS = ("loss", "ref")
EPOCHS = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0])
TOKENS = 7.0


@dataclass(frozen=True)
class Line:
    """An arm that falls from 10 nats by `fall` and rises to d′ = `rise` (half of it for the second attack) and to
    `memory` nats of memorization, all in proportion to u = 0 … 1, from epoch 0 to epoch `until` along log(epoch + .25);
    afterwards the loss rises again, as fast as it fell.

    `noise`: added to d′ of each seat, shape (seats,). `attacked`: places of the epochs that were attacked.
    """

    method: str
    fall: float = 1.0
    rise: float = 1.0
    memory: float = 0.2
    until: float = 6.0
    rate: float = 1e-3
    noise: tuple[float, ...] | None = None
    attacked: tuple[int, ...] = tuple(range(8))
    epochs: tuple[float, ...] = tuple(EPOCHS)

    def course(self, epochs: Floats) -> Floats:
        """u after so many epochs."""
        u: Floats = np.log(epochs / 0.25 + 1) / np.log(self.until / 0.25 + 1)
        return u


@dataclass(frozen=True)
class Studies:
    """Makes inputs of lines. `texts`: of each class. Scores of each class lie on the quantiles of a normal."""

    texts: int = 100
    validation: int = 40
    seeds: tuple[int, ...] = (0, 0, 1, 1, 2, 2)

    def of(self, *lines: Line) -> Inputs:
        seats, pool = len(self.seeds), 2 * self.texts
        first = np.arange(pool) < self.texts
        is_member = np.array([first if seat % 2 == 0 else ~first for seat in range(seats)])
        base = np.column_stack([self._spread() + BASE, np.ones(self.validation)])
        return Inputs(
            base=base,
            validation_groups=np.array([f"v{place}" for place in range(self.validation)]),
            pool_groups=np.array([f"p{place}" for place in range(pool)]),
            pool_tokens=np.full(pool, TOKENS),
            seeds=np.array(self.seeds),
            is_member=is_member,
            attacks=ATTACKS,
            arms=tuple(self._arm(line, base=base, is_member=is_member) for line in lines),
        )

    def _spread(self) -> Floats:
        """How hard the validation texts are: the same for every model, mean 0."""
        return np.linspace(-2, 2, self.validation)

    def _arm(self, line: Line, *, base: Floats, is_member: Bools) -> Arm:
        seats, epochs = len(is_member), np.array(line.epochs)
        u = line.course(epochs)
        loss = line.fall * np.where(u <= 1, u, 2 - u)
        utility = np.broadcast_to(base, (seats, len(epochs), *base.shape)).copy()
        utility[..., 0] -= loss[None, :, None]
        at = np.array(line.attacked, dtype=np.int64)
        ease = np.array([NormalDist().inv_cdf((place + 0.5) / self.texts) for place in range(self.texts)])
        member = np.tile(ease, 2)[None, None, :] * np.ones((seats, len(at), 1))
        noise = np.zeros(seats) if line.noise is None else np.array(line.noise)
        raised = (line.rise * u[at][None, :] + noise[:, None])[:, :, None] * is_member[:, None, :]
        pool_losses = TOKENS * (3.0 - line.memory * u[at][None, :, None] * is_member[:, None, :])
        return Arm(
            method=line.method,
            learning_rate=line.rate,
            epochs=epochs,
            utility=utility,
            attacked=at,
            scores={"loss": member + raised, "ref": member + raised / 2} if len(at) else {},
            pool_losses=pool_losses,
            levels=np.full((seats, len(at)), 3.0),
        )


SETTINGS = Settings(primary="loss", bootstrap=Bootstrap(samples=100))
NEAR = 0.004
"""AUC of 100 + 100 quantiles against the AUC of two normals."""


def auc(d: float) -> float:
    return float(norm.cdf(d / np.sqrt(2)))


def compared(inputs: Inputs, **changed: object) -> Comparison:
    return compare(inputs, replace(SETTINGS, **changed))  # type: ignore[arg-type]  # of a test's own choice


def pair(found: Comparison, **asked: object) -> Difference:
    methods = [one.method for one in found.standings]
    difference = found.difference(methods[0], methods[1], **asked)  # type: ignore[arg-type]  # of a test's own choice
    assert difference is not None
    return difference


# ------------------------------------------------------------------------------------------ what is known beforehand


def test_two_methods_on_one_frontier_do_not_differ_however_fast_they_are() -> None:
    # At the last epoch the slow one has three quarters of the d′ of the fast one: a gap of .07 at equal epochs.
    fast, slow = Line("fast"), Line("slow", fall=0.75, rise=0.75, memory=0.15)
    found = compared(Studies().of(fast, slow))
    assert auc(1.0) - auc(0.75) > 0.05
    one = pair(found)
    assert one.estimate.value == pytest.approx(0.0, abs=NEAR)
    assert one.verdict == "equivalent"
    assert pair(found, what=MEMORIZATION).estimate.value == pytest.approx(0.0, abs=1e-9)


def test_places_and_values_of_straight_lines_are_those_of_the_pencil() -> None:
    # Common reach .8: at φ = .9 the first is at u = .72 of its way, the second at u = .9.
    first, second = Line("first", fall=1.0, rise=2.0), Line("second", fall=0.8, rise=1.0, memory=0.1)
    found = compared(Studies().of(first, second))
    assert found.reach.value == pytest.approx(0.8)
    assert found.base_loss == pytest.approx(BASE)
    crossing = found.standings[0].crossings[1]
    assert crossing.level == 0.9
    assert crossing.loss == pytest.approx(10 - 0.72)
    assert crossing.epoch == pytest.approx(0.25 * (25**0.72 - 1))
    assert pair(found).estimate.value == pytest.approx(auc(1.44) - auc(0.9), abs=NEAR)
    assert pair(found).verdict == "more"
    assert pair(found, what="ref").estimate.value == pytest.approx(auc(0.72) - auc(0.45), abs=NEAR)
    assert pair(found, what=MEMORIZATION).estimate.value == pytest.approx(0.2 * 0.72 - 0.1 * 0.9)
    memorized = found.standings[0].at(MEMORIZATION)
    assert memorized is not None
    assert memorized.value == pytest.approx(0.2 * 0.72)
    at_others = [pair(found, level=level).estimate.value for level in (0.8, 0.95)]
    assert at_others == pytest.approx([auc(1.28) - auc(0.8), auc(1.52) - auc(0.95)], abs=NEAR)
    # The first leaks .4 d′ more at every share .8 … .95 of .8 nats: the mean lies between.
    mean = pair(found, level=None).estimate.value
    assert mean == pytest.approx(np.mean([auc(1.6 * s) - auc(s) for s in np.linspace(0.8, 0.95, 50)]), abs=NEAR)


def test_each_pair_has_its_own_reach_beside_the_common_one() -> None:
    first, second = Line("first", fall=1.0, rise=2.0), Line("second", fall=0.9, rise=1.0)
    found = compared(Studies().of(first, second, Line("third", fall=0.6)))
    assert pair(found).loss == pytest.approx(10 - 0.9 * 0.6)
    own = pair(found, own_reach=True)
    assert own.loss == pytest.approx(10 - 0.9 * 0.9)
    assert own.estimate.value == pytest.approx(auc(2 * 0.81) - auc(0.9), abs=NEAR)


def test_the_last_part_of_utility_has_its_price() -> None:
    standing = compared(Studies().of(Line("a", rise=2.0), Line("b"))).standings[0]
    assert standing.last_part is not None
    assert standing.last_part.value == pytest.approx(auc(2.0) - auc(1.9), abs=NEAR)


def test_the_drawn_curve_begins_at_chance_and_goes_through_what_was_measured() -> None:
    curve = compared(Studies().of(Line("a", rise=2.0, until=3.0), Line("b"))).standings[0].curve
    assert (curve[0].auc, curve[0].share, curve[0].epoch) == pytest.approx((0.5, 0.0, 0.0), abs=1e-9)
    assert [point.epoch for point in curve if point.attacked] == pytest.approx(EPOCHS)
    for point in curve:
        u = np.log(point.epoch / 0.25 + 1) / np.log(13)
        assert point.auc == pytest.approx(auc(2 * u), abs=NEAR)
        if point.attacked:
            assert point.share == pytest.approx(min(u, 2 - u))
        assert point.low <= point.auc <= point.high


def test_seeds_that_differ_by_so_much_widen_the_interval_by_so_much() -> None:
    # The texts of both methods are the same and weigh alike, so that their difference varies by training alone.
    noise = (0.1, 0.1, 0.0, 0.0, -0.1, -0.1)
    inputs = Studies(texts=200).of(Line("a", noise=noise), Line("b"))
    one = pair(compared(inputs))
    by_seed = np.array([auc(0.9 + 0.1) - auc(0.9), 0.0, auc(0.9 - 0.1) - auc(0.9)])
    half = t.ppf(0.975, 2) * by_seed.std(ddof=1) / np.sqrt(3)
    assert one.estimate.high is not None
    assert one.estimate.low is not None
    assert (one.estimate.high - one.estimate.low) / 2 == pytest.approx(half, rel=0.05)
    assert one.p_value == pytest.approx(2 * t.sf(abs(by_seed.mean()) / (by_seed.std(ddof=1) / np.sqrt(3)), 2), abs=0.06)
    assert one.equivalence_bound == pytest.approx(t.ppf(0.95, 2) / t.ppf(0.975, 2) * half, abs=NEAR)


def test_a_difference_below_the_margin_that_the_interval_shows_is_a_difference_and_not_equivalence() -> None:
    found = compared(Studies().of(Line("a", rise=1.0), Line("b", rise=0.9)))
    assert pair(found).verdict == "more"
    assert pair(found).equivalence_bound is not None
    assert pair(found).equivalence_bound < 0.05  # type: ignore[operator]  # asserted above


def test_the_folds_of_one_seed_stand_for_two_trainings_and_one_cell_for_none() -> None:
    lines = Line("a", rise=2.0), Line("b")
    folds = compared(Studies(seeds=(0, 0)).of(*lines))
    assert folds.scope == "retrainings"
    alone = compared(Studies(seeds=(0,)).of(*lines))
    assert alone.scope == "these trainings"
    assert "these trainings alone" in pair(alone).reason
    assert any("these trainings alone" in warning for warning in alone.warnings)
    refused = alone.standings[0].at(MEMORIZATION)
    assert refused is not None
    assert "both folds" in refused.reason


def test_the_strongest_attack_is_the_stronger_of_the_two() -> None:
    found = compared(Studies().of(Line("a", rise=2.0), Line("b")))
    assert pair(found, what=STRONGEST).estimate.value == pytest.approx(auc(1.8) - auc(0.9), abs=0.02)


# --------------------------------------------------------------------------------------------------------- other axes


def test_a_quantity_of_texts_that_is_minus_the_loss_places_methods_as_the_loss_does() -> None:
    inputs = Studies().of(Line("a", rise=2.0), Line("b", fall=0.8))
    as_score = Axis("bleu", lambda counts: 100 - counts[..., 0] / counts[..., 1], higher_is_better=True)
    by_loss, by_score = compared(inputs), compared(replace(inputs, axis=as_score))
    assert by_score.utility == "bleu"
    assert by_score.base_loss == pytest.approx(100 - BASE)
    assert pair(by_score).loss == pytest.approx(100 - pair(by_loss).loss)
    assert pair(by_score).estimate.value == pytest.approx(pair(by_loss).estimate.value)
    assert by_score.reach.value == pytest.approx(by_loss.reach.value)


def test_the_score_of_a_measure_is_an_axis_on_which_higher_is_better() -> None:
    measure = MEASURES["exact_match"]([["yes"], ["no"], ["maybe"]])
    counts = np.array([measure.count(answers) for answers in (["yes", "no", "?"], ["?", "?", "?"])])
    axis = axis_of("exact_match", measure)
    assert axis.cost(counts.sum(axis=1)) == pytest.approx([-2 / 3, 0.0])
    assert axis.shown(-2 / 3) == pytest.approx(2 / 3)


def test_a_method_that_changes_the_model_when_attached_begins_at_its_own_loss() -> None:
    inputs = Studies().of(Line("a"), Line("b"))
    arm = inputs.arms[0]
    begins = np.broadcast_to(inputs.base, (6, *inputs.base.shape)).copy()
    begins[..., 0] += 1.0
    moved = replace(inputs, arms=(replace(arm, start=begins), inputs.arms[1]))
    curve = compared(moved).standings[0].curve
    assert curve[0].loss == pytest.approx(BASE + 1)
    assert curve[0].share == pytest.approx(-1.0)


# ------------------------------------------------------------------------------------------------ a second computation


def second_computation(study: SimulatedStudy, *, seats: list[int], pool: Floats, validation: Floats) -> float:
    """The difference of both methods at φ = .9, one number at a time, with SciPy and scikit-learn."""
    x = np.log(np.append(0.0, study.epochs) + study.epochs[0])
    tokens = study.tokens * validation
    base = (study.base_losses * validation).sum() / tokens.sum()
    losses, distances = [], []
    for arm in study.trainings:
        of_seat = (arm.losses[seats] * validation).sum(axis=2) / tokens.sum()
        losses.append(np.append(base, of_seat.mean(axis=0)))
        aucs = [
            [roc_auc_score(study.is_member[seat], arm.scores[seat, at], sample_weight=pool) for at in range(len(x) - 1)]
            for seat in seats
        ]
        n = min(study.is_member.sum(axis=1).min(), (~study.is_member).sum(axis=1).min())
        held = np.clip(np.mean(aucs, axis=0), 1 / (4 * n), 1 - 1 / (4 * n))
        distances.append(np.append(0.0, np.sqrt(2) * norm.ppf(held)))
    target = base - 0.9 * min(base - loss[1:].min() for loss in losses)
    values = []
    for loss, distance in zip(losses, distances, strict=True):
        first = int(np.flatnonzero(loss <= target)[0])
        curve = PchipInterpolator(x, loss)
        place = brentq(lambda at, f=curve: float(f(at)) - target, x[first - 1], x[first], xtol=1e-14)
        values.append(auc(float(PchipInterpolator(x, distance)(place))))
    return values[0] - values[1]


@pytest.mark.parametrize("seeds", [1, 3])
def test_study_units_and_samples_are_what_a_second_computation_gives(seeds: int) -> None:
    courses = {"fast": {1e-3: Course()}, "slow": {1e-3: Course(lowest=4.5, leak=1.3)}}
    epochs = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0)
    pool, validation = Texts(120, 60, spread=0.5), Texts(80, 40, spread=0.5)
    study = simulated_study(World(courses, epochs, seeds=seeds, pool=pool, validation=validation), seed=1)
    settings = Settings(primary=ATTACK, bootstrap=Bootstrap(samples=100, seed=3))
    evaluation = Evaluation(inputs_of(study), settings)
    numbers = evaluation.numbers(ATTACK, PRIMARY_LEVEL)
    found = numbers["fast"].minus(numbers["slow"])
    seats = list(range(2 * seeds))
    once = {"pool": np.ones(120), "validation": np.ones(80)}
    assert found.value == pytest.approx(second_computation(study, seats=seats, **once), abs=1e-6)
    units = [[0], [1]] if seeds == 1 else [[0, 1], [2, 3], [4, 5]]
    alone = [second_computation(study, seats=unit, **once) for unit in units]
    assert found.units == pytest.approx(alone, abs=1e-6)
    names, of_pool = np.unique(study.pool_groups, return_inverse=True)
    drawn = np.vstack(list(settings.bootstrap.draws(len(names), of="pool")))[:3][:, of_pool]
    samples = [second_computation(study, seats=seats, pool=one, validation=once["validation"]) for one in drawn]
    assert found.pool[:3] == pytest.approx(samples, abs=1e-6)
    names, of_validation = np.unique(study.validation_groups, return_inverse=True)
    drawn = np.vstack(list(settings.bootstrap.draws(len(names), of="validation")))[:3][:, of_validation]
    samples = [second_computation(study, seats=seats, pool=once["pool"], validation=one) for one in drawn]
    assert found.validation[:3] == pytest.approx(samples, abs=1e-6)


# ------------------------------------------------------------------------------------------------------ rates and texts


def test_the_rate_is_the_one_that_gets_lowest_and_another_that_does_as_well_is_named() -> None:
    best, same, worse = Line("a", rate=1e-3), Line("a", rate=3e-3, fall=0.999), Line("a", rate=1e-2, fall=0.9)
    inputs = Studies().of(best, same, worse, Line("b"))
    # The text of one model is not exactly that of another: what the rates gain varies by .1 from text to text.
    wiggle = 0.1 * np.random.default_rng(0).normal(size=(4, 1, 1, 40))
    arms = [replace(arm, utility=arm.utility.copy()) for arm in inputs.arms]
    for arm, own in zip(arms, wiggle - wiggle.mean(axis=3, keepdims=True), strict=True):
        arm.utility[..., 0] += own
    found = compared(replace(inputs, arms=tuple(arms)))
    assert found.standings[0].learning_rate == 1e-3
    assert found.standings[0].tied == (3e-3,)
    assert found.at_rate == ("b",)


def test_a_rate_that_was_searched_on_one_seat_alone_is_never_chosen_but_may_be_named() -> None:
    inputs = Studies().of(Line("a", rate=1e-3), Line("a", rate=3e-3, fall=1.1, attacked=()), Line("b"))
    searched = replace(inputs.arms[1], utility=inputs.arms[1].utility.copy())
    searched.utility[1:] = np.nan
    found = compared(replace(inputs, arms=(inputs.arms[0], searched, inputs.arms[2])))
    assert found.standings[0].learning_rate == 1e-3
    assert found.standings[0].tied == (3e-3,)


def test_samples_of_the_validation_texts_choose_the_rate_anew() -> None:
    # Of two rates that gain as much, one leaks twice as much: which is chosen hangs on the texts, and so D does.
    inputs = Studies().of(Line("a", rate=1e-3, rise=2.0), Line("a", rate=3e-3, rise=1.0), Line("b", fall=0.9))
    wiggle = 0.2 * np.random.default_rng(0).normal(size=40)
    arms = [replace(arm, utility=arm.utility.copy()) for arm in inputs.arms]
    arms[1].utility[..., 0] += wiggle - wiggle.mean() + 1e-6
    values = Evaluation(replace(inputs, arms=tuple(arms)), SETTINGS).numbers("loss", PRIMARY_LEVEL)["a"].validation
    assert np.mean(values > auc(1.35)) == pytest.approx(0.5, abs=0.2)
    assert values.max() - values.min() > 0.1


def test_under_a_rate_that_does_as_well_the_difference_is_told_too() -> None:
    inputs = Studies().of(
        Line("a", rate=1e-3, rise=2.0), Line("a", rate=3e-3, rise=1.0, fall=0.999), Line("b", fall=0.9)
    )
    arms = [replace(arm, utility=arm.utility.copy()) for arm in inputs.arms]
    wiggle = 0.1 * np.random.default_rng(0).normal(size=40)
    arms[1].utility[..., 0] += wiggle - wiggle.mean()
    one = pair(compared(replace(inputs, arms=tuple(arms))))
    assert one.estimate.value == pytest.approx(auc(2 * 0.81) - auc(0.9), abs=NEAR)
    (under,) = one.under_ties
    assert (under.method, under.learning_rate) == ("a", 3e-3)
    assert under.estimate.value == pytest.approx(auc(0.81 / 0.999) - auc(0.9), abs=NEAR)


def test_some_attack_and_every_attack() -> None:
    # By the second attack the methods are equal: the first arm's d′ is twice as high there, and halved.
    inputs = Studies().of(Line("a", rise=2.0), Line("b"))
    both = compared(inputs)
    assert both.under_some_attack("b", "a") == ("loss", "ref")
    assert both.under_all_attacks("a", "b")
    arm = inputs.arms[0]
    same = replace(arm, scores={"loss": arm.scores["loss"], "ref": inputs.arms[1].scores["ref"]})
    one = compared(replace(inputs, arms=(same, inputs.arms[1])))
    assert one.under_some_attack("a", "b") == ("loss",)
    assert not one.under_all_attacks("a", "b")


def test_a_text_that_one_cell_cannot_score_is_left_out_of_all() -> None:
    inputs = Studies().of(Line("a"), Line("b"))
    inputs.arms[0].scores["loss"][3, 2, 5] = np.nan
    found = compared(inputs)
    counts = pair(found).estimate.counts
    assert (counts.texts, counts.unscored) == (199, {"not_common": 1})
    assert pair(found, what="ref").estimate.counts.texts == 200


def test_an_attack_that_scores_nothing_is_refused_and_touches_no_other() -> None:
    inputs = Studies().of(Line("a", rise=2.0), Line("b"))
    silent = [
        replace(arm, scores={**arm.scores, "pac": np.full_like(arm.scores["loss"], np.nan)}) for arm in inputs.arms
    ]
    before, after = compared(inputs), compared(replace(inputs, arms=tuple(silent), attacks=(*ATTACKS, "pac")))
    assert pair(after, what="pac").verdict == "refused"
    for what in (*ATTACKS, STRONGEST):
        assert pair(after, what=what) == pair(before, what=what)
    primary = compared(replace(inputs, arms=tuple(silent), attacks=(*ATTACKS, "pac")), primary="pac")
    assert pair(primary, what="loss").estimate == pair(before).estimate
    assert primary.standings[0].curve == ()
    last = primary.standings[0].last_part
    assert last is not None
    assert (last.value, last.reason) == (None, NO_SCORE)


# --------------------------------------------------------------------------------------------------------------- rules


def test_what_gains_less_than_half_of_the_best_is_set_aside_and_the_reach_is_that_of_the_others() -> None:
    found = compared(Studies().of(Line("good"), Line("fair", fall=0.8), Line("poor", fall=0.45)))
    assert [one.set_aside for one in found.standings] == ["", "", "never gets there"]
    assert found.reach.value == pytest.approx(0.8)
    against = found.difference("good", "poor")
    assert against is not None
    assert (against.verdict, against.reason) == ("refused", "poor never gets there")
    assert found.standings[2].found == ()


def test_one_method_alone_is_measured_and_compared_with_nothing() -> None:
    found = compared(Studies().of(Line("only"), Line("none", fall=-0.1)))
    assert found.reach.value is None
    assert "it takes two" in found.reach.reason
    assert found.standings[0].at("loss") is not None
    nothing = compared(Studies().of(Line("none", fall=-0.1)))
    assert (nothing.differences, nothing.resolution) == ((), None)


CLEAN = (Line("a", rise=0.8), Line("b"))


def few_texts(inputs: Inputs, groups: int) -> Inputs:
    """The first class of the pool in so many groups."""
    place = np.arange(len(inputs.pool_groups))
    named = np.where(place < len(place) // 2, place % groups, place)
    return replace(inputs, pool_groups=named)


BROKEN: dict[str, tuple[Callable[[], Inputs], dict[str, object], str]] = {
    "few groups in a class": (lambda: few_texts(Studies().of(*CLEAN), 9), {}, "9 groups of texts in a class"),
    "few validation groups": (lambda: Studies(validation=9).of(*CLEAN), {}, "9 groups of validation texts"),
    "too early": (
        lambda: Studies().of(Line("a", epochs=(3.0, 4.5, 6.0), attacked=(0, 1, 2)), Line("b")),
        {},
        "before it",
    ),
    "a wide step": (
        # u = .5 after one epoch and 1 after six: AUC .76 and .92.
        lambda: Studies().of(Line("a", rise=2.0, epochs=(0.25, 0.5, 1.0, 6.0), attacked=(0, 1, 2, 3)), Line("b")),
        {},
        "apart",
    ),
    "saturated": (
        lambda: Studies(texts=300).of(Line("a", rise=5.0, until=6.0), Line("b", rise=5.0)),
        {"levels": (0.9,)},
        "saturated",
    ),
    "not attacked there": (lambda: Studies().of(Line("a", attacked=(0, 1, 2, 7)), Line("b")), {}, "not attacked"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_refuses_what_deserves_it(name: str) -> None:
    make, changed, reason = BROKEN[name]
    one = pair(compared(make(), **changed))
    assert one.verdict == "refused"
    assert one.estimate.value is None
    assert one.p_value is None
    assert reason in one.reason
    assert one.estimate.reason == one.reason


def test_no_rule_speaks_of_a_clean_study() -> None:
    found = compared(Studies().of(*CLEAN))
    assert not [one.reason for one in found.differences if one.reason]
    assert not found.warnings
    assert not [warning for one in found.standings for warning in one.warnings]


def test_what_two_trainings_alone_say_of_others_is_under_reserve() -> None:
    """One degree of freedom; four methods in which the two are pooled lend each other three."""
    for seeds in ((0, 0), (0, 0, 1, 1)):
        assert "how trainings differ" in pair(compared(Studies(seeds=seeds).of(*CLEAN))).reason
    four = [replace(CLEAN[0], method=method) for method in "abcd"]
    assert not pair(compared(Studies(seeds=(0, 0)).of(*four))).reason


def test_beyond_the_highest_level_nobody_is_compared() -> None:
    found = compared(Studies().of(*CLEAN), levels=(0.9, 0.97))
    assert pair(found, level=0.97).verdict == "refused"
    assert pair(found, level=0.9).verdict != "refused"


def test_between_ten_and_twenty_groups_a_difference_is_said_under_reserve() -> None:
    found = compared(few_texts(Studies().of(*CLEAN), 15))
    assert pair(found).verdict != "refused"
    assert "few groups: 15" in pair(found).reason
    assert "few groups: 15" in found.warnings[0]


def test_samples_whose_crossing_lies_outside_what_was_attacked_are_counted() -> None:
    # The crossing at u = .9 of log 25, epoch 4.28, lies between 3 and 4.5: 6 is attacked beside them, 2 is not needed.
    inputs = Studies().of(Line("a", attacked=(3, 4, 5, 6, 7)), Line("b"))
    assert pair(compared(inputs, levels=(0.9,))).outside == 0
    wiggle = np.random.default_rng(0).normal(size=40)
    arm = replace(inputs.arms[0], utility=inputs.arms[0].utility.copy())
    arm.utility[:, :6, :, 0] += 0.7 * wiggle[None, None, :]
    outside = pair(compared(replace(inputs, arms=(arm, inputs.arms[1])), levels=(0.9,))).outside
    assert 0 < outside < 1


def test_shapes_that_disagree_are_named() -> None:
    inputs = Studies().of(*CLEAN)
    arm = replace(inputs.arms[0], scores={**inputs.arms[0].scores, "ref": np.zeros((6, 8, 3))})
    with pytest.raises(ValueError, match=r"a at rate 0.001: scores of ref: expected shape \(6, 8, 200\)"):
        replace(inputs, arms=(arm, inputs.arms[1]))
    with pytest.raises(ValueError, match="expected epochs above 0 that rise"):
        replace(inputs, arms=(replace(inputs.arms[0], epochs=EPOCHS[::-1]), inputs.arms[1]))
    with pytest.raises(ValueError, match="primary attack 'zlib': expected one of loss, ref"):
        compared(inputs, primary="zlib")
    with pytest.raises(ValueError, match="no arm of it was attacked"):
        Studies().of(Line("a", attacked=()), Line("b"))
    with pytest.raises(ValueError, match=r"levels lie between 0 and 1 and hold 0\.9"):
        Settings(primary="loss", levels=(0.8,))
