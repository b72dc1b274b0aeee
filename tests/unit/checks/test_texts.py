"""Texts that were cut, that nothing can score, or that bring marks, and tokenizers without an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from vestige.checks.base import Remark, Verdict
from vestige.outcome.frames import Results

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]


def _with_lengths(with_facts: Change, sound: Results, **counts: int) -> Results:
    """The study with these counts in the pool, which has 400 of the 500 texts."""
    (corpus,) = sound.facts.corpora
    of_roles = corpus.lengths["tiny"]
    lengths = {"tiny": {**of_roles, "pool": replace(of_roles["pool"], **counts)}}
    return with_facts(corpora=(replace(corpus, lengths=lengths),))


@pytest.mark.parametrize(
    ("code", "counts", "words"),
    [
        ("V010", {"cut": 50}, "50 of 500 texts are cut at max_length = 64 (10%)."),
        (
            "V011",
            {"unscorable": 2},
            "2 of 500 texts are without a scored token, being too short or filled by the prompt",
        ),
        ("V012", {"own_eos": 400}, "400 of 500 texts bring their own EOS: none is doubled, and none is scored."),
        ("V012", {"own_bos": 9, "own_eos": 9}, "9 of 500 texts bring their own BOS and EOS"),
    ],
)
def test_texts_that_are_not_whole(
    verdict: Judge, sound: Results, with_facts: Change, code: str, counts: dict[str, int], words: str
) -> None:
    assert verdict(code, sound) == Verdict()
    changed = _with_lengths(with_facts, sound, **counts)
    (remark,) = verdict(code, changed).remarks
    assert remark.said.startswith(words)
    assert remark.place == "notes · tiny"
    others = {"V010", "V011", "V012"} - {code}
    assert {verdict(other, changed) for other in others} == {Verdict()}


def test_marks_that_differ_in_number_are_told_apart(verdict: Judge, sound: Results, with_facts: Change) -> None:
    remarks = verdict("V012", _with_lengths(with_facts, sound, own_bos=3, own_eos=4)).remarks
    assert [one.said.partition(":")[0] for one in remarks] == [
        "3 of 500 texts bring their own BOS",
        "4 of 500 texts bring their own EOS",
    ]


def test_a_tokenizer_without_an_end(verdict: Judge, sound: Results, with_facts: Change) -> None:
    assert verdict("V013", sound) == Verdict()
    (base,) = sound.facts.bases
    words = "its tokenizer has no end token: no text is trained to end, and answers end only at max_new_tokens."
    without = with_facts(bases=(replace(base, has_end=False),))
    assert verdict("V013", without).remarks == (Remark(words, "notes · tiny"),)


@pytest.mark.parametrize("code", ["V010", "V011", "V012", "V013"])
def test_without_a_corpus_there_is_nothing_to_look_at(verdict: Judge, with_facts: Change, code: str) -> None:
    assert verdict(code, with_facts(corpora=())).outcome == "not applicable"
