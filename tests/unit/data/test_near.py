"""Near copies: told by what two texts share, found whatever the hash, and never across one group."""

from __future__ import annotations

import random
from typing import Any

import pytest

from vestige.data.corpus import CorpusSpec
from vestige.data.near import ALIKE, NearCopies, alike, shingles, without_near_copies
from vestige.data.splits import cut, manifest
from vestige.errors import DataError
from vestige.records import ROLES, Example

WORDS = [f"word{number}" for number in range(400)]


def text(name: str, words: list[str], group: str = "") -> Example:
    return Example(name, "", " ".join(words), (), group or name)


def drawn(seed: int, length: int = 40) -> list[str]:
    return random.Random(seed).choices(WORDS, k=length)


def changed(words: list[str], at: int) -> list[str]:
    return [*words[:at], "elsewhere", *words[at + 1 :]]


def spec(**values: Any) -> CorpusSpec:
    return CorpusSpec.model_validate({"path": "letters.txt", "pool": 4, "validation": 1, **values})


def test_similarity_by_hand() -> None:
    """Twelve words: one changed in the middle takes three runs of ten from either, 7 / 13."""
    words = [f"w{place}" for place in range(12)]
    one, other = shingles(text("a", words)), shingles(text("b", changed(words, 5)))
    assert len(one) == 10
    assert alike(one, other) == pytest.approx(7 / 13)


def test_case_and_punctuation_are_no_difference_and_scripts_without_blanks_have_runs_too() -> None:
    assert shingles(text("a", ["Dear", "Sir,", "hello"])) == shingles(text("b", ["dear", "sir", "Hello!"]))
    assert len(shingles(text("c", ["他们明天来"]))) == 3


def test_texts_that_are_too_short_for_a_run_are_one_run() -> None:
    assert alike(shingles(text("a", ["yes"])), shingles(text("b", ["Yes."]))) == 1
    assert alike(shingles(text("a", ["yes"])), shingles(text("b", ["no"]))) == 0


def test_what_is_left_out_is_what_a_comparison_of_all_pairs_leaves_out() -> None:
    """A naive second way, on texts of every similarity between 0 and 1."""
    texts = []
    for seed in range(120):
        words, shuffler = drawn(seed // 4, 60), random.Random(seed)
        for _ in range(seed % 4 * 2):
            words = changed(words, shuffler.randrange(60))
        texts.append(text(f"t{seed:03}", words))
    kept: list[Example] = []
    for one in texts:
        if not any(alike(shingles(one), shingles(other)) >= ALIKE for other in kept):
            kept.append(one)
    assert without_near_copies(texts) == kept
    assert 30 < len(kept) < 110


def test_texts_of_one_group_may_be_as_alike_as_they_like() -> None:
    words = drawn(0)
    near = NearCopies()
    group = [text("a", words, "g"), text("b", words, "g")]
    assert near.without(group, most=2) == group
    assert near.without([text("c", changed(words, 39), "h"), text("d", drawn(1), "h")], most=2) == [
        text("d", drawn(1), "h")
    ]
    assert near.left_out == {"c": "a"}


def test_no_role_has_a_near_copy_of_another_and_the_manifest_names_who_is_left_out() -> None:
    texts = [text(f"{seed}{copy}", changed(drawn(seed, 100), 3 * copy)) for seed in range(12) for copy in range(3)]
    split = cut(texts, spec(pool=8, validation=4, near_duplicates="drop"))
    chosen = [one for role in ROLES for one in split.roles.get(role, ())]
    assert len({one.id[:-1] for one in chosen}) == len(chosen) == 12
    named = manifest(split)["near_duplicates"]
    assert named
    assert all(one[:-1] == other[:-1] for one, other in named.items())
    assert not set(named) & {one.id for one in chosen}


def test_by_default_they_stay_and_no_key_knows_of_it() -> None:
    texts = [text(f"{seed}{copy}", changed(drawn(seed, 100), 3 * copy)) for seed in range(4) for copy in range(3)]
    split = cut(texts, spec(pool=8, validation=4))
    assert split.near is None
    assert "near_duplicates" not in manifest(split)
    assert spec().keyed() == spec(near_duplicates="keep").keyed()
    assert "near_duplicates" in spec(near_duplicates="drop").keyed()


def test_too_few_texts_count_the_near_copies() -> None:
    texts = [text(f"{copy}", changed(drawn(0, 100), copy)) for copy in range(20)]
    with pytest.raises(DataError, match=r"\d+ near copies dropped"):
        cut(texts, spec(near_duplicates="drop"))
