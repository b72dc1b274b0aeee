"""Forms of a text: what changes, and what never does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from vestige.errors import ConfigError
from vestige.records import Example
from vestige.stats.views import beginning_of, check_form, rewrite

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


def test_an_unknown_form_is_refused_with_the_near_misses() -> None:
    with pytest.raises(ConfigError, match=r"unknown form 'lowercased'.*Did you mean 'lowercase'"):
        check_form("lowercased")
    with pytest.raises(ConfigError, match="unknown form"):
        rewrite([], form="upper")


def test_forms_are_worked_out_without_torch() -> None:
    code = "import sys, vestige.stats.views; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
