"""Floors against splits that leak in a known way, and against splits that do not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vestige.attacks import discover
from vestige.attacks.blind import FLOORS, floor_scores
from vestige.records import Bools, Ints, Texts, TokenStats

TEXTS, PER_GROUP = 240, 4
BY_GROUP = np.arange(TEXTS) // PER_GROUP
GROUPS = np.array([f"g{group}" for group in BY_GROUP])


def _members(seed: int) -> Bools:
    groups = TEXTS // PER_GROUP
    return np.random.default_rng(seed).permutation(np.arange(groups) < groups // 2)[BY_GROUP]


def _table(
    seed: int, *, lengths: Ints | None = None, words: Ints | None = None, packed: Ints | None = None
) -> TokenStats:
    """Texts that know nothing of membership, but for what is given."""
    random = np.random.default_rng((seed, 1))
    lengths = random.integers(20, 40, size=TEXTS) if lengths is None else lengths
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = random.integers(0, 200, size=offsets[-1]) if words is None else words
    n_bytes = 4 * lengths + random.integers(0, 9, size=TEXTS)
    zlib_bytes = random.integers(60, 90, size=TEXTS) if packed is None else packed
    ids = np.array([f"t{i}" for i in range(TEXTS)])
    return TokenStats(
        ids=ids, offsets=offsets, tokens={"token_id": tokens}, texts={"n_bytes": n_bytes, "zlib_bytes": zlib_bytes}
    )


def _auc(name: str, table: TokenStats, members: Bools, *, groups: Texts = GROUPS) -> float:
    (scores,) = floor_scores(name, table, labels=members[None], groups=groups)
    assert scores.scored.all()
    return float(roc_auc_score(members, scores.values))


@pytest.mark.parametrize("name", FLOORS)
def test_a_fair_split_is_a_half(name: str) -> None:
    found = [_auc(name, _table(seed), _members(seed)) for seed in range(12)]
    assert abs(float(np.mean(found)) - 0.5) < 0.04


@pytest.mark.parametrize("name", FLOORS)
def test_many_labellings_at_once_are_each_by_itself(name: str) -> None:
    table, labels = _table(0), np.asarray([_members(seed) for seed in range(5)])
    together = floor_scores(name, table, labels=labels, groups=GROUPS)
    for members, found in zip(labels, together, strict=True):
        (alone,) = floor_scores(name, table, labels=members[None], groups=GROUPS)
        assert found.values == pytest.approx(alone.values)


def test_a_text_is_scored_by_texts_of_other_groups_alone() -> None:
    """Who is a member in the group of a text changes nothing of its score: it may have any label."""
    table, members = _table(0), _members(0)
    turned = np.where(BY_GROUP == 7, ~members, members)
    first, second = floor_scores("blind_bow", table, labels=np.asarray([members, turned]), groups=GROUPS)
    own = BY_GROUP == 7
    assert first.values[own] == pytest.approx(second.values[own])
    assert np.any(np.abs(first.values[~own] - second.values[~own]) > 1e-6)


def test_a_token_of_a_single_text_and_the_order_of_texts_decide_nothing() -> None:
    table, members = _table(0), _members(0)
    order = np.random.default_rng(3).permutation(TEXTS)
    (straight,) = floor_scores("blind_bow", table, labels=members[None], groups=GROUPS)
    (shuffled,) = floor_scores("blind_bow", table.taken(order), labels=members[order][None], groups=GROUPS[order])
    assert shuffled.values == pytest.approx(straight.values[order])


@pytest.mark.parametrize("sign", [1, -1])
def test_longer_or_shorter_members_are_told(sign: int) -> None:
    members = _members(0)
    lengths = 30 + sign * 6 * members + np.random.default_rng(0).integers(-3, 4, size=TEXTS)
    assert _auc("blind_length", _table(0, lengths=lengths), members) > 0.95


def test_members_that_compress_better_are_told() -> None:
    members = _members(0)
    packed = 80 - 12 * members + np.random.default_rng(0).integers(-3, 4, size=TEXTS)
    assert _auc("blind_zlib", _table(0, packed=packed), members) > 0.95


def test_other_words_of_members_are_told_and_those_of_another_split_are_not() -> None:
    members = _members(0)
    lengths = np.full(TEXTS, 30)
    words = np.random.default_rng(0).integers(0, 200, size=30 * TEXTS) + 60 * np.repeat(members, 30)
    table = _table(0, lengths=lengths, words=words)
    assert _auc("blind_bow", table, members) > 0.95
    dealt = [_auc("blind_bow", table, _members(seed)) for seed in range(1, 13)]
    assert abs(float(np.mean(dealt)) - 0.5) < 0.06


def test_what_a_group_shares_is_not_taken_for_membership() -> None:
    """Every group has words of its own; split by text instead of by group, a classifier would know all of them."""
    words = (10 * np.repeat(BY_GROUP, 30)) + np.random.default_rng(0).integers(0, 10, size=30 * TEXTS)
    table = _table(0, lengths=np.full(TEXTS, 30), words=words)
    found = [_auc("blind_bow", table, _members(seed)) for seed in range(8)]
    assert abs(float(np.mean(found)) - 0.5) < 0.1
    alone = np.array([f"alone{i}" for i in range(TEXTS)])
    assert _auc("blind_bow", table, _members(0), groups=alone) > 0.95


def test_texts_without_tokens_and_pools_of_few_groups_are_masked() -> None:
    members = _members(0)
    lengths = np.where(np.arange(TEXTS) % 10 == 0, 0, 30)
    (scores,) = floor_scores("blind_bow", _table(0, lengths=lengths), labels=members[None], groups=GROUPS)
    assert set(scores.reasons[lengths == 0]) == {"too_short"}
    assert scores.scored[lengths > 0].all()
    three = np.array([f"g{place % 3}" for place in range(TEXTS)])
    (few,) = floor_scores("blind_length", _table(0), labels=members[None], groups=three)
    assert set(few.reasons) == {"too_few_groups"}


def test_a_floor_is_no_attack() -> None:
    assert not set(FLOORS) & set(discover())
