"""Members and non-members that somebody else has split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vestige.checks.base import Verdict
from vestige.outcome.frames import Results

Judge = Callable[[str, Results], Verdict]


def test_halves_dealt_out_at_random_pass(verdict: Judge, sound: Results) -> None:
    assert verdict("V035", sound) == Verdict()


def test_official_splits_are_marked(verdict: Judge, sound: Results) -> None:
    corpora = tuple(replace(one, design="official-splits") for one in sound.facts.corpora)
    (remark,) = verdict("V035", replace(sound, facts=replace(sound.facts, corpora=corpora))).remarks
    assert remark.place == "notes · tiny"
    assert "members are of a training file and non-members of a test file" in remark.said


def test_without_a_corpus_there_is_nothing_to_look_at(verdict: Judge, sound: Results) -> None:
    assert verdict("V035", replace(sound, facts=replace(sound.facts, corpora=()))).outcome == "not applicable"
