"""Forms of a text: what changes, and what never does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from vestige.errors import ConfigError
from vestige.records import Example
from vestige.stats.views import beginning_of, check_form, leaves_all, place_of, rewrite

EXAMPLES = [
    Example("a", "Who Sold IT?\n", "Ada Sold a BOAT in Lund.", ("Ada Sold a BOAT in Lund.",), "G"),
    Example("b", "", "already small"),
    Example("c", "Q", "ÉTÉ İ ß Ω"),
]


def test_the_plain_form_is_the_text_as_it_is() -> None:
    assert rewrite(EXAMPLES, form="plain") == EXAMPLES


def test_lowercase_changes_the_completion_and_nothing_else() -> None:
    lower = rewrite(EXAMPLES, form="lowercase")
    assert [one.completion for one in lower] == ["ada sold a boat in lund.", "already small", "été i̇ ß ω"]
    for before, after in zip(EXAMPLES, lower, strict=True):
        kept = (after.id, after.prompt, after.references, after.group)
        assert kept == (before.id, before.prompt, before.references, before.group)


def test_a_beginning_leaves_the_texts_as_they_are() -> None:
    assert rewrite(EXAMPLES, form="prefixed-40") == EXAMPLES
    assert [beginning_of(form) for form in ("prefixed-40", "plain", "lowercase", "prefixed-0")] == [40, 0, 0, 0]


def test_swaps_move_words_and_nothing_else() -> None:
    words = "Ada  sold a boat in Lund\nand Bruno painted the mill."
    example = Example("a", "Who Sold IT?", words)
    versions = [rewrite([example], form=f"swap-{i}")[0] for i in range(10)]
    assert all(version.prompt == example.prompt for version in versions)
    assert all(sorted(version.completion.split()) == sorted(words.split()) for version in versions)
    assert all(re.findall(r"\s+", version.completion) == re.findall(r"\s+", words) for version in versions)
    assert len({version.completion for version in versions}) > 5
    moved = [sum(a != b for a, b in zip(one.completion.split(), words.split(), strict=True)) for one in versions]
    assert 0 < max(moved) <= 4


def test_a_swap_depends_on_the_text_and_the_version_alone() -> None:
    one, two = Example("a", "", "one two three four five six"), Example("b", "Q", "one two three four five six")
    together = rewrite([two, one], form="swap-3")
    assert together[0].completion == together[1].completion == rewrite([one], form="swap-3")[0].completion
    assert together[0].completion == "one four three two five six"
    for short in ("", "word", " word\n"):
        assert rewrite([Example("c", "", short)], form="swap-0")[0].completion == short


def test_more_words_are_swapped_where_it_is_asked_for() -> None:
    """As the authors of PAC do: 30 draws of two in a hundred words, which displaces about 45 of them."""
    example = Example("a", "", " ".join(f"w{place}" for place in range(100)))

    def displaced(form: str) -> int:
        words = rewrite([example], form=form)[0].completion.split()
        return sum(word != f"w{place}" for place, word in enumerate(words))

    fifth, third = (sum(displaced(f"swap-{i}{words}") for i in range(10)) / 10 for words in ("", "-30"))
    assert 29 <= fifth <= 37
    assert 41 <= third <= 49
    assert rewrite([example], form="swap-3-20") == rewrite([example], form="swap-3")
    for wrong in ("swap-3-0", "swap-3-101", "swap-10"):
        with pytest.raises(ConfigError, match="unknown form"):
            check_form(wrong)


def test_beginnings_are_numbered_from_the_first() -> None:
    forms = ("prefixed-40", "prefixed-40-2", "members-40-12", "plain", "swap-0-30")
    assert [beginning_of(form) for form in forms] == [40, 40, 40, 0, 0]
    assert [place_of(form) for form in forms] == [0, 1, 11, 0, 0]
    with pytest.raises(ConfigError, match="unknown form"):
        check_form("prefixed-40-1")


def test_a_form_that_leaves_all_texts_is_known_without_a_model() -> None:
    small = [Example("a", "", "already small"), Example("b", "UPPER", "所有文字")]
    assert leaves_all(small, form="lowercase")
    assert not leaves_all(small, form="swap-0")
    assert not leaves_all(EXAMPLES, form="lowercase")
    assert not leaves_all(small, form="prefixed-40")
    assert not leaves_all(small, form="masked-0:some/bert")


def test_an_unknown_form_is_refused_with_the_near_misses() -> None:
    with pytest.raises(ConfigError, match=r"unknown form 'lowercased'.*Did you mean 'lowercase'"):
        check_form("lowercased")
    with pytest.raises(ConfigError, match="unknown form"):
        rewrite([], form="upper")


def test_forms_are_worked_out_without_torch() -> None:
    code = "import sys, vestige.stats.views; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
