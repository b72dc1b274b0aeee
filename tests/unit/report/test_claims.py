"""The claims of a study on its page: estimate, verdict and test under both protocols."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vestige.claims.known import CLAIMS
from vestige.outcome.claims import Claim, Part
from vestige.outcome.frames import Results
from vestige.report.claims import claims_table, how_claims_are_tested
from vestige.report.export import tables_of
from vestige.report.html import render
from vestige.report.tables import Group


def _claiming(results: Results, *claims: Claim) -> Results:
    return replace(results, facts=replace(results.facts, study=replace(results.facts.study, claims=claims)))


@pytest.fixture
def groups(compared: Results) -> dict[str, Group]:
    own = Claim("1", "LoRA leaks more", (Part(("lora",), "more", against=("prompt(tokens=50)",)),))
    table = claims_table(_claiming(compared, own, *CLAIMS["2507.00258"]))
    assert table is not None
    assert table.head == (
        "Claim",
        "At equal epochs",
        "Verdict at equal epochs",
        "At equal utility",
        "Verdict at equal utility",
    )
    return {group.title: group for group in table.groups}


def test_a_claim_has_both_answers_side_by_side(groups: dict[str, Group]) -> None:
    """At the last epoch the scores are 1.1 standard deviations apart; at equal utility .21 ± .05, made by hand."""
    (row,) = groups["1: LoRA leaks more"].rows
    words = [cell.text for cell in row.cells]
    assert words[0] == "lora: leak more than prompt(tokens=50)"
    assert words[1].startswith("+.")
    assert words[2] == "supported: the 95% interval lies above 0."
    assert words[3] == "+.21 [+.16, +.26]"
    assert words[4] == "supported: the 95% interval lies above 0."


def test_published_numbers_are_marked_as_such(groups: dict[str, Group]) -> None:
    abouts = {title[:2]: group.about for title, group in groups.items()}
    assert abouts.pop("1:") == ""
    assert set(abouts) == {"C1", "C2", "C3", "C4", "C5", "C6"}
    assert all(about.startswith("published, not measured here: ") for about in abouts.values())


def test_a_claim_of_several_parts_has_a_verdict_of_its_own(groups: dict[str, Group]) -> None:
    (placements,) = (group for title, group in groups.items() if title.startswith("C6"))
    assert [row.cells[0].text for row in placements.rows][-1] == "all together"
    assert [cell.text for cell in placements.rows[-1].cells[1:]] == ["", "undecided", "", "undecided"]
    assert "the study has no method lora(targets=projection): train one" in placements.rows[0].cells[2].text


def test_a_study_that_claims_nothing_has_no_section(compared: Results) -> None:
    assert claims_table(compared) is None
    assert how_claims_are_tested(compared) == []
    assert "<h3>Claims</h3>" not in render(compared)


def test_the_page_and_the_files_have_them(compared: Results) -> None:
    claiming = _claiming(compared, *CLAIMS["2507.00258"])
    page = render(claiming)
    assert "<h3>Claims</h3>" in page
    assert "C1: Parameter-based fine-tuning memorizes more than prompt-based" in page
    assert "At equal utility: paired difference at 90% of the common gain" in page
    assert "claims" in {one.name for one in tables_of(claiming)}
