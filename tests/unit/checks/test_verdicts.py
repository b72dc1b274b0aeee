"""What every check is held to: a verdict on any study, sentences without a place or with one, no text of a record."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import polars as pl
import pytest

from vestige.checks.base import MethodCheck, Remark, SectionCheck, Verdict, not_applicable, of_the_study
from vestige.checks.registry import check, discover
from vestige.outcome.frames import ESTIMATES, Results
from vestige.outcome.points import Section

DOES_NOT_APPLY = {"V007", "V008", "V014", "V023", "V025", "V027", "V031", "V032"}
"""The sound study searches no learning rate, tells no attack a member, has one method, texts of its own, and no attack
with several settings.
"""


def test_a_sound_study_fails_none(sound: Results) -> None:
    found = {one.code: one.verdict.outcome for one in check(sound)}
    assert {code for code, outcome in found.items() if outcome == "not applicable"} == DOES_NOT_APPLY
    assert {code: outcome for code, outcome in found.items() if outcome not in ("passed", "not applicable")} == {}


def test_each_check_has_a_verdict_once_in_the_order_of_the_codes(sound: Results) -> None:
    codes = [one.code for one in check(sound)]
    assert codes == sorted(discover())


def test_what_was_not_measured_is_not_called_passed(sound: Results) -> None:
    """Of a study without a number, what looks at numbers does not apply, but for the check that misses them."""
    found = {one.code: one.verdict for one in check(replace(sound, estimates=pl.DataFrame(schema=ESTIMATES)))}
    for code in ("V003", "V004", "V005", "V009", "V016", "V017", "V018", "V019", "V023", "V024"):
        assert found[code].outcome == "not applicable", code
        assert found[code].reason
    assert found["V020"].outcome == "failed"


def test_a_verdict_is_told_by_what_is_said() -> None:
    assert Verdict().outcome == "passed"
    assert of_the_study("one.").outcome == "failed"
    assert not_applicable("none").outcome == "not applicable"


@final
class _BySection(SectionCheck):
    """One."""

    code = "V900"
    nothing = "there is no corpus of that name"

    def look_at(self, results: Results, section: Section) -> list[str] | None:
        return {"notes": ["wrong.", "wrong."], "fine": []}.get(section.corpus)


@final
class _ByMethod(MethodCheck):
    """Two."""

    code = "V901"
    nothing = "there is no such method"

    def look_at(self, results: Results, section: Section, method: str) -> list[str] | None:
        return ["wrong."] if method == "lora" else None


def _named(results: Results, corpus: str) -> Results:
    (own,) = results.facts.corpora
    return replace(results, facts=replace(results.facts, corpora=(replace(own, name=corpus),)))


@pytest.mark.parametrize(
    ("corpus", "verdict"),
    [
        ("notes", Verdict((Remark("wrong.", "notes · tiny"),))),
        ("fine", Verdict()),
        ("other", Verdict(reason="there is no corpus of that name")),
    ],
)
def test_a_check_of_sections_says_where(sound: Results, corpus: str, verdict: Verdict) -> None:
    assert _BySection().look(_named(sound, corpus)) == verdict


def test_a_check_of_methods_says_where(sound: Results) -> None:
    assert _ByMethod().look(sound) == Verdict((Remark("wrong.", "notes · tiny, lora"),))
    none = replace(sound, facts=replace(sound.facts, methods=()))
    assert _ByMethod().look(none) == not_applicable("there is no such method")
