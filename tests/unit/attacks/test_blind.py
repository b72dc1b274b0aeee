"""Floors against splits that leak in a known way, and against splits that do not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vestige.attacks import discover
from vestige.attacks.blind import FLOORS, PERMUTED, floor_labels, floor_scores
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


def _auc(name: str, table: TokenStats, members: Bools, *, seed: int, groups: Texts = GROUPS) -> float:
    labels = floor_labels(name, members, groups=groups, seed=seed)
    scores = floor_scores(name, table, labels=labels, groups=groups, seed=seed)
    assert scores.scored.all()
    return float(roc_auc_score(labels, scores.values))


@pytest.mark.parametrize("name", FLOORS)
def test_a_fair_split_is_a_half(name: str) -> None:
    found = [_auc(name, _table(seed), _members(seed), seed=seed) for seed in range(12)]
    assert abs(float(np.mean(found)) - 0.5) < 0.04


def test_a_seed_may_have_more_than_32_bits_and_large_ones_differ() -> None:
    members, table = _members(0), _table(0)
    found = {_auc("blind_bow", table, members, seed=seed) for seed in (2**32, 2**40, 2**63 - 1)}
    assert len(found) == 3


@pytest.mark.parametrize("sign", [1, -1])
def test_longer_or_shorter_members_are_told(sign: int) -> None:
    members = _members(0)
    lengths = 30 + sign * 6 * members + np.random.default_rng(0).integers(-3, 4, size=TEXTS)
    assert _auc("blind_length", _table(0, lengths=lengths), members, seed=0) > 0.95


def test_members_that_compress_better_are_told() -> None:
    members = _members(0)
    packed = 80 - 12 * members + np.random.default_rng(0).integers(-3, 4, size=TEXTS)
    assert _auc("blind_zlib", _table(0, packed=packed), members, seed=0) > 0.95


def test_other_words_of_members_are_told_and_not_where_labels_are_dealt_anew() -> None:
    members = _members(0)
    lengths = np.full(TEXTS, 30)
    words = np.random.default_rng(0).integers(0, 200, size=30 * TEXTS) + 60 * np.repeat(members, 30)
    table = _table(0, lengths=lengths, words=words)
    assert _auc("blind_bow", table, members, seed=0) > 0.95
    dealt = [_auc(PERMUTED, table, members, seed=seed) for seed in range(12)]
    assert abs(float(np.mean(dealt)) - 0.5) < 0.06


def test_what_a_group_shares_is_not_taken_for_membership() -> None:
    """Every group has words of its own; split by text instead of by group, a classifier would know all of them."""
    words = (10 * np.repeat(BY_GROUP, 30)) + np.random.default_rng(0).integers(0, 10, size=30 * TEXTS)
    table = _table(0, lengths=np.full(TEXTS, 30), words=words)
    found = [_auc("blind_bow", table, _members(seed), seed=seed) for seed in range(8)]
    assert abs(float(np.mean(found)) - 0.5) < 0.1
    alone = np.array([f"alone{i}" for i in range(TEXTS)])
    assert _auc("blind_bow", table, _members(0), seed=0, groups=alone) > 0.95


def test_labels_dealt_anew_keep_groups_whole() -> None:
    members = _members(0)
    dealt = floor_labels(PERMUTED, members, groups=GROUPS, seed=3)
    assert dealt.sum() == members.sum()
    assert not np.array_equal(dealt, members)
    assert all(len(set(dealt[group == GROUPS])) == 1 for group in GROUPS)
    assert floor_labels("blind_bow", members, groups=GROUPS, seed=3) is members


def test_texts_without_tokens_and_classes_of_one_group_are_masked() -> None:
    members = _members(0)
    lengths = np.where(np.arange(TEXTS) % 10 == 0, 0, 30)
    scores = floor_scores("blind_bow", _table(0, lengths=lengths), labels=members, groups=GROUPS, seed=0)
    assert set(scores.reasons[lengths == 0]) == {"too_short"}
    assert scores.scored[lengths > 0].all()
    one = BY_GROUP == 0
    assert set(floor_scores("blind_length", _table(0), labels=one, groups=GROUPS, seed=0).reasons) == {"too_few_groups"}


def test_a_floor_is_no_attack() -> None:
    assert not set(FLOORS) & set(discover())
