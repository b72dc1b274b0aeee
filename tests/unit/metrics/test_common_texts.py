"""Who is compared with whom: an attack that scores few texts, or whose silence tells membership, takes none away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vestige.metrics import auc, common_texts
from vestige.metrics.common_texts import apart, own_texts
from vestige.records import Fold, Labelled, Labels, Scores

TEXTS = 40


def _cell(silent: dict[int, str], *, groups: int = TEXTS, fold: Fold = "A") -> Labelled:
    """Twenty members, the first, and twenty others; `silent`: place of a text → why it has no score."""
    reasons = np.array([silent.get(place, "") for place in range(TEXTS)], dtype=np.str_)
    values = np.where(reasons == "", np.arange(TEXTS, 0, -1.0), np.nan)
    ids = np.array([f"t{place:02}" for place in range(TEXTS)])
    named = np.array([f"g{place * groups // TEXTS}" for place in range(TEXTS)])
    return Labelled(Scores(ids, values, reasons), np.arange(TEXTS) < TEXTS // 2, named, seed=0, fold=fold)


def _all(reason: str) -> dict[int, str]:
    return dict.fromkeys(range(TEXTS), reason)


def _scored(labels: dict[str, list[Labelled]]) -> dict[str, int]:
    return {attack: int(own[0].scores.scored.sum()) for attack, own in common_texts(labels).items()}


@pytest.mark.parametrize("reason", ["too_short", "unchanged", "known_member"])
def test_an_attack_that_scores_nothing_takes_nobody_s_numbers(reason: str) -> None:
    labels = {"none": [_cell(_all(reason))], "ref": [_cell({})], "loss": [_cell({3: "too_short"})]}
    assert _scored(labels) == {"none": 0, "ref": 39, "loss": 39}
    assert apart(labels) == {"none": "it scores 0 of 40 texts"}
    assert auc(common_texts(labels)["ref"]).value == 1.0


@pytest.mark.parametrize("reason", ["none_surprising", "not_finite", "a_reason_of_a_stranger"])
def test_silence_that_comes_from_the_model_masks_no_other_attack(reason: str) -> None:
    """It hangs on membership: nine members and one other, so that texts of the others would be chosen by it."""
    labels = {"loss": [_cell({})], "surp": [_cell(dict.fromkeys([*range(9), 30], reason))]}
    assert _scored(labels) == {"loss": 40, "surp": 30}
    assert apart(labels) == {}
    assert common_texts(labels)["loss"][0].scores.reasons.tolist() == [""] * TEXTS


@pytest.mark.parametrize(("lost", "is_apart"), [(2, False), (3, True)])
def test_a_tenth_of_a_class_may_be_taken_and_no_more(lost: int, is_apart: bool) -> None:
    labels = {"loss": [_cell({})], "lowercase": [_cell(dict.fromkeys(range(lost), "unchanged"))]}
    assert bool(apart(labels)) == is_apart
    assert _scored(labels) == {"loss": 40 - lost * (not is_apart), "lowercase": 40 - lost}


def test_several_that_each_take_a_little_are_bounded_together() -> None:
    """Each would take two of twenty members: the first can, a second on other texts would make it four."""
    labels = {
        "loss": [_cell({})],
        "lowercase": [_cell({0: "unchanged", 1: "unchanged"})],
        "pac": [_cell({2: "unchanged", 3: "unchanged"})],
        "zlib": [_cell({0: "unchanged"})],
    }
    assert list(apart(labels)) == ["pac"]
    assert _scored(labels) == {"loss": 38, "lowercase": 38, "pac": 38, "zlib": 38}


def test_a_class_keeps_three_groups() -> None:
    """Three groups a class: an attack that is silent on one of them, of one text, is left out."""
    half = TEXTS // 2
    names = np.array([f"{side}{max(0, place - half + 3)}" for side in "mn" for place in range(half)])
    whole, partly = _cell({}), _cell({half - 1: "unchanged"})
    cells = [Labelled(one.scores, one.is_member, names, seed=0, fold="A") for one in (whole, partly)]
    labels = {"loss": [cells[0]], "lowercase": [cells[1]]}
    assert list(apart(labels)) == ["lowercase"]
    assert auc(common_texts(labels)["loss"]).value == 1.0


def _four(scores: list[float | str], *, members: tuple[int, int], fold: Fold) -> Labelled:
    reasons = np.array([one if isinstance(one, str) else "" for one in scores], dtype=np.str_)
    values = np.array([np.nan if isinstance(one, str) else one for one in scores])
    ids = np.array(["t0", "t1", "t2", "t3"])
    return Labelled(Scores(ids, values, reasons), np.isin(np.arange(4), members), ids, seed=0, fold=fold)


@pytest.mark.parametrize("reason", ["known_member", "not_finite"])
def test_folds_are_measured_on_the_same_texts(reason: str) -> None:
    """Scores 4, 3, 2, 1; A = {0, 3}, B = {1, 2}; text 0 has no score in A alone. Left out of both, the mean AUC is ½:
    in A text 3 beats nobody, in B texts 1 and 2 beat it. Left out of A alone it would be .25.
    """
    cells = [_four([reason, 3, 2, 1], members=(0, 3), fold="A"), _four([4, 3, 2, 1], members=(1, 2), fold="B")]
    on_their_own = own_texts(cells)
    assert [one.scores.reasons.tolist() for one in on_their_own] == [
        [reason, "", "", ""],
        ["unscored_in:0/A", "", "", ""],
    ]
    assert _mean_auc(on_their_own) == 0.5
    assert _mean_auc(cells) == 0.25


def test_what_another_attack_cannot_score_in_one_fold_is_left_out_of_both() -> None:
    turned = [_cell({}), replace(_cell({}, fold="B"), is_member=np.arange(TEXTS) >= TEXTS // 2)]
    partly = [_cell({0: "known_member"}), turned[1]]
    for labels in ({"loss": turned, "con_recall": partly}, {"con_recall": partly, "loss": turned}):
        common = common_texts(labels)
        assert [one.scores.reasons[0] for one in common["loss"]] == ["unscored_by:con_recall"] * 2
        assert [one.scores.reasons[0] for one in common["con_recall"]] == ["known_member", "unscored_in:0/A"]
        assert {int(one.scores.scored.sum()) for own in common.values() for one in own} == {TEXTS - 1}


def _mean_auc(cells: Labels) -> float:
    """Pairs in the right order, counted one by one."""
    found = []
    for cell in cells:
        inside, outside = (cell.scores.values[cell.scores.scored & one] for one in (cell.is_member, ~cell.is_member))
        found.append(np.mean([[a > b for b in outside] for a in inside]))
    return float(np.mean(found))


def test_one_cell_that_would_lose_much_is_enough() -> None:
    labels = {"loss": [_cell({}), _cell({}, fold="B")], "con": [_cell({}), _cell(_all("known_member"), fold="B")]}
    assert apart(labels) == {"con": "it scores 40 of 80 texts"}
    assert [one.scores.scored.all() for one in common_texts(labels)["loss"]] == [True, True]


def test_the_order_of_the_attacks_decides_nothing() -> None:
    labels = {
        "pac": [_cell({2: "unchanged", 3: "unchanged"})],
        "lowercase": [_cell({0: "unchanged", 1: "unchanged"})],
        "loss": [_cell({})],
    }
    assert apart(labels) == apart(dict(reversed(labels.items()))) == {"pac": "it scores 38 of 40 texts"}
