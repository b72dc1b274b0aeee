"""Roles and folds: exact sizes, whole groups, decided by the seed and the corpus alone."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.data.corpus import CorpusSpec
from vestige.data.splits import cut, fold_members, manifest
from vestige.errors import DataError
from vestige.records import ROLES, Example, Fold

FOLDS: tuple[Fold, Fold] = ("A", "B")
group_sizes = st.lists(st.integers(1, 9), min_size=2, max_size=60)
seeds = st.integers(0, 2**32)


def corpus(sizes: list[int]) -> list[Example]:
    return [
        Example(f"{group}/{text}", "", f"text {text} of {group}", (), f"group-{group}")
        for group, size in enumerate(sizes)
        for text in range(size)
    ]


def spec(**values: Any) -> CorpusSpec:
    return CorpusSpec.model_validate({"path": "letters.txt", "pool": 4, "validation": 1, **values})


def names(sizes: list[int]) -> list[str]:
    return [example.group for example in corpus(sizes)]


@given(sizes=group_sizes, seed=seeds)
def test_roles_have_exact_sizes_and_share_no_group(sizes: list[int], seed: int) -> None:
    wanted = spec(pool=4, validation=3, calibration=2, shadow=1, seed=seed)
    try:
        split = cut(corpus(sizes), wanted)
    except DataError:
        # Each of the four roles can lose all but one text of its last group.
        assert sum(sizes) < wanted.total + 4 * (max(sizes) - 1)
        return
    assert {role: len(texts) for role, texts in split.roles.items()} == wanted.sizes
    roles_of_group: dict[str, set[str]] = {}
    for role, texts in split.roles.items():
        for example in texts:
            roles_of_group.setdefault(example.group, set()).add(role)
    assert all(len(roles) == 1 for roles in roles_of_group.values())


@given(sizes=group_sizes, seed=seeds)
def test_folds_are_complements_of_whole_groups_and_near_equal(sizes: list[int], seed: int) -> None:
    groups = names(sizes)
    in_a, in_b = (fold_members(groups, seed=seed, fold=fold) for fold in FOLDS)
    assert in_a.dtype == np.bool_
    assert in_a.shape == (len(groups),)
    np.testing.assert_array_equal(in_b, ~in_a)
    assert all(len({bool(in_a[i]) for i, one in enumerate(groups) if one == name}) == 1 for name in set(groups))
    assert abs(int(in_a.sum()) - int(in_b.sum())) <= max(sizes)
    assert 0 < in_a.sum() < len(groups)


@given(count=st.integers(2, 200), seed=seeds)
def test_folds_of_single_texts_are_halves(count: int, seed: int) -> None:
    in_a = fold_members(names([1] * count), seed=seed, fold="A")
    assert abs(2 * int(in_a.sum()) - count) <= 1


@given(sizes=group_sizes, seed=seeds)
def test_folds_do_not_depend_on_the_order_of_texts(sizes: list[int], seed: int) -> None:
    groups = names(sizes)
    order = random.Random(seed).sample(range(len(groups)), len(groups))
    in_a = fold_members(groups, seed=seed, fold="A")
    np.testing.assert_array_equal(fold_members([groups[i] for i in order], seed=seed, fold="A"), in_a[order])


def test_seeds_give_different_folds_and_every_text_is_in_both_kinds() -> None:
    groups = names([1] * 40)
    drawn = np.array([fold_members(groups, seed=seed, fold="A") for seed in range(60)])
    assert len({tuple(row) for row in drawn.tolist()}) == 60
    share = drawn.mean(axis=0)
    # 60 fair draws: five standard deviations are 0.32.
    assert share.min() > 0.18
    assert share.max() < 0.82


def test_a_lone_large_group_is_a_member_in_about_half_of_the_seeds() -> None:
    groups = names([9, 1, 1, 1])
    in_a = [bool(fold_members(groups, seed=seed, fold="A")[0]) for seed in range(100)]
    assert 25 < sum(in_a) < 75


def test_seeds_part_unequal_groups_anew() -> None:
    groups = names(list(range(1, 31)))
    drawn = {fold_members(groups, seed=seed, fold="A").tobytes() for seed in range(50)}
    assert len(drawn) == 50


def test_seeds_agree_on_half_of_the_groups_whatever_their_sizes() -> None:
    sizes = np.maximum(1, np.random.default_rng(0).lognormal(1.5, 1, 60)).astype(int).tolist()
    groups = names(sizes)
    first = np.unique(groups, return_index=True)[1]
    drawn = np.array([fold_members(groups, seed=seed, fold="A")[first] for seed in range(100)])
    agreement = (drawn[0] == drawn[1:]).mean()
    # 99 × 60 fair coins, few of them independent within a seed: five standard deviations are about .06.
    assert 0.44 < agreement < 0.56


def test_folds_of_unequal_groups_differ_by_a_twentieth_at_most() -> None:
    groups = names([40, 35, 30, 20, 10, 10, 10, 5, 5, 5, 5, 5, 5, 5, 5, 5])
    leads = [abs(2 * int(fold_members(groups, seed=seed, fold="A").sum()) - 200) for seed in range(100)]
    assert max(leads) <= 10


def test_folds_are_the_same_on_every_machine() -> None:
    groups = names([1, 2, 3, 1, 2, 3])
    drawn = "".join("x" if member else "." for member in fold_members(groups, seed=7, fold="A"))
    assert drawn == "...xxxxxx..."


def test_folds_need_two_groups() -> None:
    with pytest.raises(DataError, match="5 texts in 1 group"):
        fold_members(["article-1"] * 5, seed=0, fold="A")


def test_cut_depends_on_seed_and_corpus_alone() -> None:
    texts = corpus([3] * 40)
    once, again = (cut(texts, spec(pool=20, validation=10, name=name)) for name in ("x", "y"))
    assert once == again
    assert cut(texts, spec(pool=20, validation=10, seed=1)) != once


def test_a_later_role_never_changes_an_earlier_one() -> None:
    texts = corpus([3] * 40)
    small, large = cut(texts, spec(pool=20)), cut(texts, spec(pool=20, validation=9, shadow=12))
    assert small.roles["pool"] == large.roles["pool"]


def test_cap_per_group_comes_first() -> None:
    split = cut(corpus([50] * 10), spec(pool=16, validation=4, per_group=2))
    counts = Counter(example.group for role in ROLES for example in split.roles[role])
    assert max(counts.values()) == 2
    assert len({example.group for example in split.roles["pool"]}) == 8


def test_cap_chooses_at_random_and_keeps_the_order() -> None:
    chosen = cut(corpus([50] * 10), spec(pool=16, per_group=2)).roles["pool"]
    places = [int(example.id.split("/")[1]) for example in chosen]
    assert max(places) > 10
    assert all(first < second for first, second in zip(places[::2], places[1::2], strict=True))


def test_too_few_texts_says_what_is_needed_and_what_would_fit() -> None:
    with pytest.raises(
        DataError, match=r"80 \+ 40 = 120 are needed .* there are 60 in 60 groups.* pool = 40"
    ) as caught:
        cut(corpus([1] * 60), spec(pool=80, validation=40))
    assert "validation = 20" in str(caught.value)
    cut(corpus([1] * 60), spec(pool=40, validation=20))


def test_too_few_texts_tells_of_the_cap_and_the_duplicates() -> None:
    texts = [
        dataclasses.replace(example, completion="same") if i < 3 else example
        for i, example in enumerate(corpus([9] * 3))
    ]
    with pytest.raises(DataError, match="there are 6 in 3 groups, at most 2 of a group, 2 duplicates dropped"):
        cut(texts, spec(pool=20, per_group=2, duplicates="drop"))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([60], "60 in 1 group. .*All of them are too much for one group: name a finer `group`, or none"),
        ([30, 30], "The largest has 30 texts, which is too much .*fit: pool = 45, validation = 9,"),
        ([1] * 5, "5 in 5 groups. .*Add texts"),
    ],
)
def test_too_few_texts_says_whether_texts_or_groups_are_wanting(sizes: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        cut(corpus(sizes), spec(pool=50, validation=10, calibration=6))
    assert ("Add texts" in str(caught.value)) == ("Add texts" in message)


def test_no_texts_at_all() -> None:
    with pytest.raises(DataError, match=r"there are 0 in 0 groups.*Add texts"):
        cut([], spec())


@given(sizes=group_sizes, seed=seeds, share=st.floats(1.1, 5))
def test_suggested_sizes_do_fit(sizes: list[int], seed: int, share: float) -> None:
    total = sum(sizes)
    wanted = spec(pool=max(4, int(total * share)), validation=max(1, total // 5), seed=seed)
    with pytest.raises(DataError) as caught:
        cut(corpus(sizes), wanted)
    _, found, advice = str(caught.value).partition("Sizes that fit: ")
    if found:
        fitting = dict(part.split(" = ") for part in advice.rstrip(".").split(", "))
        cut(corpus(sizes), spec(seed=seed, **{role: int(size) for role, size in fitting.items()}))


def doubled() -> list[Example]:
    """Twelve groups of one text; `6/0` repeats `1/0` but for white space."""
    texts = corpus([1] * 12)
    texts[6] = dataclasses.replace(texts[6], completion=f" {texts[1].completion}\n")
    return texts


def test_duplicates_are_refused_by_id() -> None:
    with pytest.raises(DataError, match=r'1 of the texts .*\(1/0 = 6/0\).*duplicates = "drop"') as caught:
        cut(doubled(), spec(pool=8, validation=4))
    assert "text 0 of 1" not in str(caught.value)


def test_many_duplicates_are_counted_and_ten_pairs_named() -> None:
    texts = [dataclasses.replace(example, completion="same") for example in corpus([1] * 20)]
    with pytest.raises(DataError, match=r"19 of the texts .* and 9 more"):
        cut(texts, spec(pool=16, validation=4))


def test_dropped_duplicates_are_the_later_ones_and_are_counted() -> None:
    split = cut(doubled(), spec(pool=8, validation=3, duplicates="drop"))
    ids = {example.id for role in ROLES for example in split.roles[role]}
    assert split.dropped == 1
    assert "1/0" in ids
    assert "6/0" not in ids


def test_duplicates_within_a_group_are_never_parted_and_so_allowed() -> None:
    texts = [dataclasses.replace(example, completion=f"of {example.group}") for example in corpus([2] * 6)]
    assert len(cut(texts, spec(pool=8, validation=4)).roles["pool"]) == 8


def test_manifest_counts_and_hashes() -> None:
    texts = corpus([2] * 10)
    facts = manifest(cut(texts, spec(pool=8, validation=4)))
    assert facts["roles"]["pool"] == {"texts": 8, "groups": 4}
    assert facts["roles"]["shadow"] == {"texts": 0, "groups": 0}
    assert facts["dropped_duplicates"] == 0
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize("change", [{"id": "z"}, {"prompt": "z"}, {"completion": "z"}])
def test_manifest_hash_changes_with_any_text(change: dict[str, Any]) -> None:
    texts = corpus([2] * 10)
    split = cut(texts, spec(pool=16, validation=4))
    first, *others = split.roles["pool"]
    changed = dataclasses.replace(split, roles={**split.roles, "pool": (dataclasses.replace(first, **change), *others)})
    assert manifest(changed)["sha256"] != manifest(split)["sha256"]


def test_manifest_hash_knows_the_roles() -> None:
    split = cut(corpus([1] * 10), spec(pool=4, validation=4))
    swapped = dataclasses.replace(
        split, roles={**split.roles, "pool": split.roles["validation"], "validation": split.roles["pool"]}
    )
    assert manifest(swapped)["sha256"] != manifest(split)["sha256"]
