"""Estimates over cells: values, refusals, counts, signatures, and what must not move them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vestige.errors import ConfigError
from vestige.metrics import Bootstrap, auc, auc_above_floor, common_texts, tpr_at_fpr
from vestige.records import TIES, Bools, Estimate, Floats, Fold, Ints, Labelled, Scores
from vestige.testing.stats import normal_labels

QUICK = Bootstrap(samples=200)


def _cell(
    values: list[float], *, members: int, groups: list[str] | None = None, seed: int = 0, fold: Fold = "A"
) -> Labelled:
    """The first `members` texts are members; NaN is a text that is too short."""
    ids = np.array([f"t{i}" for i in range(len(values))])
    scores = np.array(values)
    reasons = np.where(np.isnan(scores), "too_short", "")
    return Labelled(
        scores=Scores(ids=ids, values=scores, reasons=reasons),
        is_member=np.arange(len(values)) < members,
        groups=np.array(groups or [""] * len(values)),
        seed=seed,
        fold=fold,
    )


def _permuted(cell: Labelled, order: Ints) -> Labelled:
    old = cell.scores
    scores = Scores(ids=old.ids[order], values=old.values[order], reasons=old.reasons[order])
    return replace(cell, scores=scores, is_member=cell.is_member[order], groups=cell.groups[order])


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.value, estimate.high


def test_auc_of_one_cell_is_scikit_learns() -> None:
    cell = normal_labels(1.0, members=80, non_members=120)
    low, value, high = _ends(auc([cell], bootstrap=QUICK))
    assert value == pytest.approx(roc_auc_score(cell.is_member, cell.scores.values))
    assert 0.5 < low < value < high < 1


def test_several_cells_are_averaged_per_cell_not_pooled() -> None:
    cells = [
        normal_labels(1.0, members=60, non_members=60, seed=0, fold="A"),
        normal_labels(2.0, members=60, non_members=60, seed=0, fold="B"),
    ]
    both = _ends(auc(cells, bootstrap=QUICK))[1]
    assert both == pytest.approx(np.mean([_ends(auc([cell], bootstrap=QUICK))[1] for cell in cells]))


def test_folds_are_averaged_within_a_seed_before_the_seeds() -> None:
    cells = [
        _cell([6, 5, 4, 3, 2, 1], members=3, seed=0, fold="A"),
        _cell([6, 5, 4, 3, 2, 1], members=3, seed=0, fold="B"),
        _cell([3, 2, 1, 3, 2, 1], members=3, seed=1, fold="A"),
    ]
    assert _ends(auc(cells, bootstrap=QUICK))[1] == 0.75


def _with_noise(values: list[float], *, size: float) -> list[float]:
    noise = size * np.random.default_rng(0).uniform(-1, 1, len(values))
    return [value + float(one) for value, one in zip(values, noise, strict=True)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.0] * 300, "all 300 scores are equal; there is nothing to rank"),
        ([-3.25] * 300, "all 300 scores are equal; there"),
        (_with_noise([0.0] * 300, size=9e-16), "equal but for rounding, 2e-15"),
        (_with_noise([1.0] * 300, size=9e-16), "equal but for rounding"),
        (_with_noise([-40.0] * 300, size=1e-6), "equal but for rounding"),
    ],
)
def test_scores_that_are_equal_but_for_rounding_are_no_estimate(values: list[float], said: str) -> None:
    cell = _cell(values, members=150)
    for estimate in (auc([cell], bootstrap=QUICK), tpr_at_fpr([cell], fpr=0.01, bootstrap=QUICK)):
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert said in estimate.reason
        assert estimate.counts.members == 150


def test_small_scores_and_small_differences_between_large_ones_are_ranked() -> None:
    signal = normal_labels(1.0, members=150, non_members=150)
    expected = _ends(auc([signal], bootstrap=QUICK))[1]
    for scale, shift in ((1e-6, 0.0), (1e-3, -40.0)):
        own = signal.scores
        moved = replace(own, values=shift + scale * own.values)
        assert _ends(auc([replace(signal, scores=moved)], bootstrap=QUICK))[1] == pytest.approx(expected, abs=1e-6)


def _tied_at_the_top(*, others: int) -> Labelled:
    """100 members and 100 non-members; all members but ten, and some of the others, have the highest score."""
    scores = [1.0] * 90 + [0.5 + i / 100 for i in range(10)] + [1.0] * others
    return _cell(scores + [i / 1000 for i in range(100 - others)], members=100)


def test_a_rate_that_no_threshold_gives_is_refused_for_its_ties() -> None:
    """At 5% FPR five of a hundred non-members may be accused: five at the top can be, six leave "nobody" alone."""
    allowed = tpr_at_fpr([_tied_at_the_top(others=5)], fpr=0.05, bootstrap=QUICK)
    assert allowed.value == 1.0
    refused = tpr_at_fpr([_tied_at_the_top(others=6)], fpr=0.05, bootstrap=QUICK)
    assert (refused.value, refused.low, refused.high) == (None, None, None)
    assert refused.reason.startswith(TIES)
    assert "6 of the 100 non-members of cell 0/A share it, more than FPR 0.05 allows" in refused.reason
    assert auc([_tied_at_the_top(others=6)], bootstrap=QUICK).value == pytest.approx((90 * 97 + 10 * 94) / 1e4)


def test_ties_of_non_members_below_a_member_refuse_nothing() -> None:
    cell = _cell([9.0, 8.0, 1.0, 0.5] + [3.0] * 20 + [2.0] * 20, members=4)
    assert tpr_at_fpr([cell], fpr=0.05, bootstrap=QUICK).value == 0.5


def test_perfect_separation_leaves_room_for_what_was_not_drawn() -> None:
    cell = normal_labels(20.0, members=100, non_members=200)
    for estimate in (auc([cell], bootstrap=QUICK), tpr_at_fpr([cell], fpr=0.01, bootstrap=QUICK)):
        assert _ends(estimate) == pytest.approx((0.025 ** (1 / 100), 1.0, 1.0))


def _with_wrong_pairs(wrong: int) -> Labelled:
    """250 members above 250 non-members, but for the lowest member, which so many non-members beat."""
    others = np.where(np.arange(250) < wrong, 2.0, 0.0)
    return _cell([*[3.0] * 249, 1.0, *others.tolist()], members=250)


def test_one_pair_in_the_wrong_order_never_says_more_than_none() -> None:
    """Of 62,500 pairs; with none, 250 independent ones leave .025^(1/250) = .9854, and more only lowers it."""
    lows = [_ends(auc([_with_wrong_pairs(wrong)], bootstrap=QUICK))[0] for wrong in (0, 1, 2, 5, 20, 100, 250)]
    assert lows[0] == pytest.approx(0.9854, abs=5e-5)
    assert lows[1] <= lows[0]
    assert lows == sorted(lows, reverse=True)
    turned = [_cell((-_with_wrong_pairs(wrong).scores.values).tolist(), members=250) for wrong in (0, 1, 20)]
    assert [_ends(auc([cell], bootstrap=QUICK))[2] for cell in turned] == pytest.approx(
        [1 - lows[0], 1 - lows[1], 1 - lows[4]]
    )


def _two_folds(separations: tuple[float, float], *, hard: Floats, half: Bools) -> list[Labelled]:
    own = [hard + separation * half_of for separation, half_of in zip(separations, (half, ~half), strict=True)]
    cells = [_cell(scores.tolist(), members=0, fold=fold) for scores, fold in zip(own, ("A", "B"), strict=True)]  # type: ignore[arg-type]
    return [replace(cell, is_member=members) for cell, members in zip(cells, (half, ~half), strict=True)]


def test_folds_that_differ_widen_the_interval_and_folds_of_unequal_luck_do_not() -> None:
    """Texts differ so much that whose half has the easy ones decides the AUC of a fold: nothing that training again
    would change. The control has the same luck, and takes it off; what is left is how far the trainings differ.
    """
    generator = np.random.default_rng(3)
    hard, half = generator.normal(size=400), np.arange(400) % 2 == 0
    hard += 0.3 * half
    control = _two_folds((0.0, 0.0), hard=hard, half=half)
    alike, apart = (_two_folds(pair, hard=hard, half=half) for pair in ((0.5, 0.5), (0.2, 0.8)))
    width = {
        name: _width(auc(cells, floor=control, bootstrap=QUICK)) for name, cells in (("alike", alike), ("apart", apart))
    }
    one, other = (_ends(auc([cell], bootstrap=QUICK))[1] for cell in apart)
    luck = _ends(auc(control[:1], bootstrap=QUICK))[1] - 0.5
    between = ((one - luck) - (other + luck)) / 2
    assert abs(between) > 0.05
    assert width["alike"] < 0.05
    assert width["apart"] > 2 * 4 * abs(between), "one degree of freedom, nearly: t is 12.7 there, 4.3 for two"
    assert _width(auc(alike, bootstrap=QUICK)) > 4 * width["alike"], "without a control nobody knows of the luck"
    assert "|t|trainings:2|" in auc(apart, floor=control, bootstrap=QUICK).signature


def _width(estimate: Estimate) -> float:
    low, _, high = _ends(estimate)
    return high - low


def test_cells_of_one_model_say_nothing_of_training() -> None:
    """The base: its two folds are mirror images, whatever they are; that is no noise of training."""
    hard, half = np.random.default_rng(1).normal(size=100), np.arange(100) < 50
    found = auc(_two_folds((0.0, 0.0), hard=hard, half=half), bootstrap=QUICK)
    assert _ends(found) == pytest.approx((0.5, 0.5, 0.5))
    assert "|trainings:these|" in found.signature


def test_seeds_that_differ_are_the_second_part_of_the_variance() -> None:
    """Three seeds with AUCs .6, .7 and .8: far more than 8,000 texts vary by. Wilson's ends are where |.7 − p| is
    t·√(p(1 − p)·V/(.7·.3)), with V = .1²/3 and t of two degrees of freedom, 4.303.
    """
    ranks = np.arange(4000)
    cells = []
    for seed, tenths in enumerate(
        (2, 4, 6)
    ):  # so many of ten members lie above everybody, the rest beat half: ½ + tenths/20
        raised = np.where(ranks % 10 < tenths, 5000, 0)
        cells.append(_cell([*(ranks + raised).tolist(), *ranks.tolist()], members=len(ranks), seed=seed))
    found = auc(cells, bootstrap=QUICK)
    low, value, high = _ends(found)
    assert value == pytest.approx(0.7, abs=1e-3)
    assert "|t|trainings:3|" in found.signature
    for end in (low, high):
        reach = 4.303 * np.sqrt(end * (1 - end) * 0.01 / 3 / 0.21)
        assert abs(value - end) == pytest.approx(reach, rel=0.03)


def test_an_attack_that_is_wrong_stays_below_one_half() -> None:
    assert _ends(auc([normal_labels(-1.0, members=100, non_members=100)], bootstrap=QUICK))[2] < 0.5


def test_the_order_of_the_texts_decides_nothing() -> None:
    cell = normal_labels(1.0, members=100, non_members=150)
    other = _permuted(cell, np.random.default_rng(1).permutation(250))
    assert auc([cell], bootstrap=QUICK) == auc([other], bootstrap=QUICK)
    assert tpr_at_fpr([cell], fpr=0.01, bootstrap=QUICK) == tpr_at_fpr([other], fpr=0.01, bootstrap=QUICK)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    cell = normal_labels(1.0, members=100, non_members=100)
    assert auc([cell], bootstrap=QUICK) == auc([cell], bootstrap=QUICK)
    assert auc([cell], bootstrap=QUICK).low != auc([cell], bootstrap=Bootstrap(samples=200, seed=1)).low


def test_the_interval_widens_when_texts_come_in_groups() -> None:
    values = np.repeat(normal_labels(1.0, members=40, non_members=40).scores.values, 5).tolist()
    apart = _ends(auc([_cell(values, members=200)], bootstrap=QUICK))
    names = [f"g{i // 5}" for i in range(400)]
    together = _ends(auc([_cell(values, members=200, groups=names)], bootstrap=QUICK))
    assert together[2] - together[0] > 1.5 * (apart[2] - apart[0])


def test_unscorable_texts_are_left_out_and_counted_by_class() -> None:
    cell = _cell([3.0, np.nan, 2.0, 2.5, 1.0, np.nan, np.nan, 0.0, 0.5], members=4)
    estimate = auc([cell], bootstrap=QUICK)
    assert estimate.value == 1.0
    assert (estimate.counts.members, estimate.counts.non_members, estimate.counts.groups) == (3, 3, 6)
    assert estimate.counts.unscored == {"member:too_short": 1, "non_member:too_short": 2}


def _named(ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:8]


def test_the_signature_names_the_recipe_and_the_texts() -> None:
    cell = normal_labels(1.0, members=100, non_members=100)
    texts = f"cells:1|seeds:1|texts:200#{_named(cell.scores.ids)}"
    drawn = "boot:200|unit:group|level:0.95|seed:0"
    assert auc([cell], bootstrap=QUICK).signature == f"auc|{texts}|{drawn}|t|trainings:these|v:3"
    rate = tpr_at_fpr([cell], fpr=0.01, bootstrap=QUICK)
    assert rate.signature == f"tpr|fpr:0.01|{texts}|{drawn}|percentile|trainings:these|v:3"


def test_two_numbers_of_the_same_texts_say_so_and_of_others_too() -> None:
    """Another attack that cannot score one text moves the number of this one: so it must move its signature."""
    attack, silent = _cell([5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 2.5, 3.5], members=4), [3.0, np.nan, *range(6)]
    alone = auc(common_texts({"loss": [attack]})["loss"], bootstrap=QUICK)
    beside = {"loss": [attack], "lowercase": [_cell(silent, members=4)]}
    both = {name: auc(own, bootstrap=QUICK) for name, own in common_texts(beside).items()}
    assert alone.value != both["loss"].value
    assert f"|texts:8#{_named(attack.scores.ids)}|" in alone.signature
    texts = f"|texts:7#{_named(np.delete(attack.scores.ids, 1))}|"
    assert texts in both["loss"].signature
    assert texts in both["lowercase"].signature


@pytest.mark.parametrize(("non_members", "refused"), [(99, True), (100, False)])
def test_a_rate_finer_than_the_non_members_is_refused(non_members: int, refused: bool) -> None:
    estimate = tpr_at_fpr([normal_labels(1.0, members=50, non_members=non_members)], fpr=0.01, bootstrap=QUICK)
    assert (estimate.value is None) == refused
    if refused:
        assert (estimate.low, estimate.high) == (None, None)
        assert estimate.reason == "cell 0/A has 99 scored non-members: FPR 0.01 needs at least 100"


def test_one_cell_that_cannot_carry_the_estimate_is_enough_to_refuse_it() -> None:
    cells = [
        normal_labels(1.0, members=50, non_members=200),
        normal_labels(1.0, members=200, non_members=50, fold="B"),
    ]
    assert "cell 0/B" in tpr_at_fpr(cells, fpr=0.01, bootstrap=QUICK).reason


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (_cell([np.nan, np.nan, 1.0, 2.0], members=2), "cell 0/A has no scored member"),
        (_cell([1.0, 2.0, 3.0, np.nan, np.nan], members=3), "cell 0/A has no scored non-member"),
        (_cell([1.0, 2.0, 3.0, 4.0, 5.0], members=2, groups=["a", "a", *"bcd"]), "of 1 group only as member"),
        (_cell([4.0, 3.0, 2.0, 1.0], members=2), "of 2 groups only as member: at least 3 groups in each class"),
    ],
)
def test_a_class_that_is_missing_is_a_refusal_not_a_nan(cell: Labelled, reason: str) -> None:
    for estimate in (auc([cell], bootstrap=QUICK), tpr_at_fpr([cell], fpr=0.5, bootstrap=QUICK)):
        assert estimate.value is None
        assert reason in estimate.reason


def test_an_fpr_outside_zero_to_one_is_the_users_mistake() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        tpr_at_fpr([normal_labels(1.0, members=5, non_members=5)], fpr=1.0)


def test_no_cell_and_the_same_cell_twice_are_errors() -> None:
    cell = normal_labels(1.0, members=5, non_members=5)
    for labels in ([], [cell, cell]):
        with pytest.raises(ValueError, match="different cells"):
            auc(labels)


def test_an_attack_is_held_against_its_floor_in_pairs() -> None:
    """The AUC's interval lies above the floor's value; the difference, whose floor is as uncertain, has 0 in it."""
    generator = np.random.default_rng(1)
    is_member = np.arange(120) < 60
    attack = _cell((generator.normal(size=120) + 0.5 * is_member).tolist(), members=60)
    floor = _cell(generator.normal(size=120).tolist(), members=60)
    own, level = auc([attack], bootstrap=QUICK), auc([floor], bootstrap=QUICK)
    above = _ends(auc_above_floor([attack], [floor], bootstrap=QUICK))
    assert above[1] == pytest.approx(_ends(own)[1] - _ends(level)[1])
    assert _ends(own)[0] > _ends(level)[1]
    assert above[0] < 0 < above[2]


def test_what_attack_and_floor_share_cancels() -> None:
    """Texts differ much, alike for both; the attack adds a little: only the paired difference can tell."""
    generator = np.random.default_rng(0)
    hard, is_member = generator.normal(size=200), np.arange(200) < 100
    floor = _cell(hard.tolist(), members=100)
    attack = _cell((hard + 0.15 * is_member).tolist(), members=100)
    low, value, high = _ends(auc_above_floor([attack], [floor], bootstrap=QUICK))
    assert 0 < low < value < high
    apart = _ends(auc([attack], bootstrap=QUICK)), _ends(auc([floor], bootstrap=QUICK))
    assert high - low < 0.3 * (apart[0][2] - apart[0][0])
    assert apart[0][0] < apart[1][2], "the two intervals overlap"


def test_the_difference_is_of_the_texts_that_both_score_and_names_its_recipe() -> None:
    attack = _cell([6.0, 5.0, np.nan, 4.0, 3.0, 2.0, 1.0, 0.0], members=4)
    floor = _cell([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan, 7.0], members=4)
    found = auc_above_floor([attack], [floor], bootstrap=QUICK)
    assert found.value == pytest.approx(1.0 - 0.0)
    assert found.counts.unscored == {"member:too_short": 1, "non_member:unscored_by:the floor": 1}
    texts = _named(["t0", "t1", "t3", "t4", "t5", "t7"])
    recipe = f"cells:1|seeds:1|texts:6#{texts}|boot:200|unit:group|level:0.95|seed:0|t|trainings:these|v:3"
    assert found.signature == f"auc_above_floor|{recipe}"
    assert found.low == pytest.approx(0.025 ** (1 / 3)), "an AUC of 1 leaves the same room as alone"


def test_a_difference_to_what_is_no_estimate_is_none() -> None:
    attack, constant = _cell([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], members=3), _cell([0.0] * 6, members=3)
    assert auc_above_floor([attack], [constant], bootstrap=QUICK).reason.startswith("the floor: cell 0/A: all 6 scores")
    assert "nothing to rank" in auc_above_floor([constant], [attack], bootstrap=QUICK).reason
    with pytest.raises(ValueError, match="same cell and texts"):
        auc_above_floor([attack], [replace(attack, seed=1)], bootstrap=QUICK)


def test_attacks_are_compared_on_the_texts_that_all_of_them_score() -> None:
    one = _cell([3.0, np.nan, 2.0, 2.5, 1.0, 0.0, 0.5, 0.2], members=4)
    other = _cell([3.0, 5.0, 2.0, 2.5, np.nan, 0.0, 0.5, 0.2], members=4)
    common = common_texts({"loss": [one], "surp": [other]})
    scored = [True, False, True, True, False, True, True, True]
    assert [labels[0].scores.scored.tolist() for labels in common.values()] == [scored] * 2
    assert common["loss"][0].scores.reasons.tolist() == ["", "too_short", "", "", "unscored_by:surp", "", "", ""]
    assert common["surp"][0].scores.reasons.tolist() == ["", "unscored_by:loss", "", "", "too_short", "", "", ""]
    counts = auc(common["surp"], bootstrap=QUICK).counts
    assert counts.unscored == {"member:unscored_by:loss": 1, "non_member:too_short": 1}


def test_attacks_on_different_texts_are_not_compared() -> None:
    one, other = _cell([1.0, 2.0], members=1), _cell([1.0, 2.0, 3.0], members=1)
    with pytest.raises(ValueError, match="differ from those of the other attacks"):
        common_texts({"loss": [one], "ref": [other]})
