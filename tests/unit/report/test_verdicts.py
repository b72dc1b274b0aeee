"""What is said of methods at equal utility, word for word: each kind of verdict, and the lack of any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL, Comparison, UnderRate
from vestige.outcome.facts import ComparisonFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import sections
from vestige.outcome.wording import shown
from vestige.records import Counts, Estimate, Estimated
from vestige.report.figures import drawings
from vestige.report.frontier import frontiers
from vestige.report.html import render
from vestige.report.summary import summary_table
from vestige.report.utility_tables import matrix, pairs_table, standings_table
from vestige.report.verdicts import verdicts

Compare = Callable[..., Comparison]


def _with(results: Results, comparison: Comparison) -> Results:
    facts = ComparisonFacts("tiny", "notes", comparison)
    return replace(results, facts=replace(results.facts, comparisons=(facts,)))


def _said(results: Results, comparison: Comparison, *kinds: str) -> list[str]:
    shown = _with(results, comparison)
    return [one.text for one in verdicts(shown, sections(shown)[0]) if not kinds or one.kind in kinds]


def _changed(comparison: Comparison, **changes: Any) -> Comparison:
    """The same with its differences by the primary attack changed."""
    rows = (
        replace(one, **changes) if (one.what, one.level) == ("ref", PRIMARY_LEVEL) else one
        for one in comparison.differences
    )
    return replace(comparison, differences=tuple(rows))


def test_a_verdict_names_what_leaks_less_and_by_how_much(compared: Results) -> None:
    (first, *_) = verdicts(compared, sections(compared)[0])
    assert first.kind == "decided"
    assert first.text == "At 90% of the reachable gain prompt(tokens=50) memorizes .21 [.16, .26] AUC less than lora."


def test_every_pair_is_said_once(results: Results, comparison: Compare) -> None:
    three = comparison({"lora": (0.71, 0.05), "prompt": (0.5, 0.01), "p_tuning": (0.501, 0.01)}, wide=0.04)
    assert _said(results, three, "decided") == [
        (
            "At 90% of the reachable gain prompt memorizes .21 [.17, .25] AUC less than lora; it is equivalent to "
            "p_tuning within .05 AUC."
        ),
        "At 90% of the reachable gain p_tuning memorizes .21 [.17, .25] AUC less than lora.",
    ]


def test_methods_that_leak_alike_are_one_sentence(results: Results, comparison: Compare) -> None:
    """And so is one that leaks more than each of them: three pairs alike and three apart are two sentences."""
    four = {"lora": (0.71, 0.05), "prompt": (0.5, 0.01), "p_tuning": (0.501, 0.01), "prefix": (0.502, 0.01)}
    assert _said(results, comparison(four, wide=0.04), "decided") == [
        "At 90% of the reachable gain prompt, p_tuning and prefix are equivalent to one another within .05 AUC.",
        (
            "At 90% of the reachable gain lora memorizes .21 [.17, .25] AUC more than prompt, .21 [.17, .25] AUC more "
            "than p_tuning and .21 [.17, .25] AUC more than prefix."
        ),
    ]


def test_rates_that_were_held_are_part_of_the_verdict(results: Results, comparison: Compare) -> None:
    held = comparison({"lora": (0.71, 0.05), "prompt": (0.5, 0.01)}, at_rate=("lora", "prompt"))
    (said,) = _said(results, held, "decided")
    assert said.endswith("prompt (at rate 0.001) memorizes .21 [.16, .26] AUC less than lora (at rate 0.001).")


def test_a_rate_that_was_searched_is_no_part_of_the_verdict(results: Results, comparison: Compare) -> None:
    (said,) = _said(results, comparison({"lora": (0.71, 0.05), "prompt": (0.5, 0.01)}, at_rate=("lora",)), "decided")
    assert said.endswith("prompt memorizes .21 [.16, .26] AUC less than lora (at rate 0.001).")


def test_undecided_is_said_with_what_would_decide(results: Results, comparison: Compare) -> None:
    near = comparison({"lora": (0.53, 0.02), "prompt": (0.5, 0.01)})
    (said,) = _said(results, near, "undecided")
    assert said == (
        "Undecided at 90% of the reachable gain: prompt against lora, −.03 [−.08, +.02] AUC, equivalent only within "
        "±.07. A verdict takes an interval without 0, or one that lies within ±.05. This design sees a difference of "
        ".06 AUC in 80% of studies, and hardly a smaller one. More seeds narrow it most, then more groups of texts."
    )
    one_seed = replace(near, scope="these trainings", resolution=None)
    assert _said(results, one_seed, "undecided")[0].endswith("A second seed comes first; then more groups of texts.")


def test_what_is_refused_bears_its_reason(results: Results, comparison: Compare) -> None:
    nothing = Estimate(None, None, None, Counts(), signature="auc", reason="never mind")
    three = comparison({"lora": (0.7, 0.05), "prompt": (0.5, 0.01), "full": (0.7, 0.01)})
    refused = _changed(three, verdict="refused", estimate=nothing, reason="Both AUCs are above .99")
    assert _said(results, refused, "decided", "undecided") == []
    assert _said(results, refused, "refused") == [
        "No verdict on prompt against lora; prompt and lora against full. Both AUCs are above .99."
    ]


def test_a_method_that_never_gets_there_is_named(results: Results, comparison: Compare) -> None:
    two = comparison({"lora": (0.7, 0.05), "prompt": (0.5, 0.01)})
    never = replace(
        two.standings[1],
        method="prefix",
        set_aside="never gets there",
        gain=replace(two.reach, value=0.1, low=0.0, high=0.2),
    )
    said = _said(results, replace(two, standings=(*two.standings, never)), "refused")
    assert said == [
        (
            "prefix is compared with no other: it never gets there; its gain is 0.100 [0.000, 0.200] nats per token, "
            "where the others reach 0.900 [0.840, 0.960]."
        )
    ]


def test_a_comparison_that_is_refused_as_a_whole_says_why(results: Results, comparison: Compare) -> None:
    reach = Estimate(None, None, None, Counts(), signature="reach", reason="7 validation groups, and 10 are needed")
    two = replace(comparison({"lora": (0.7, 0.05), "prompt": (0.5, 0.01)}), reach=reach, differences=())
    assert _said(results, two) == ["Nothing is compared at equal utility: 7 validation groups, and 10 are needed."]
    shown = _with(results, two)
    assert frontiers(shown, sections(shown)[0]) == []
    assert "Leakage against utility" in [one.title for one in drawings(shown, sections(shown)[0])], "as without one"
    assert matrix(shown, sections(shown)[0]) is None


def test_a_study_without_a_comparison_says_what_makes_one(results: Results) -> None:
    (said,) = verdicts(results, sections(results)[0])
    assert said.kind == "refused"
    assert "`vestige run` makes it" in said.text
    alone = replace(results, facts=replace(results.facts, methods=results.facts.methods[:1]))
    assert verdicts(alone, sections(alone)[0])[0].text.startswith("The method has not been read at equal utility")


def test_the_only_method_has_its_numbers_and_no_verdict(results: Results, comparison: Compare) -> None:
    two = comparison({"lora": (0.71, 0.05), "prompt": (0.5, 0.01)})
    one = replace(two, standings=two.standings[:1], differences=())
    found = one.standings[0].at(MEMORIZATION), one.standings[0].at("ref")
    memorized, auc = (shown(Estimated(name, e)) for name, e in zip(("memorization", "auc"), found, strict=True) if e)
    assert _said(results, one, "decided") == [
        (
            f"At 90% of its gain lora memorizes {memorized} nats per token and is attacked with an AUC of {auc} (ref). "
            "The study has no other method to compare it with."
        )
    ]
    assert _said(results, one, "undecided", "refused") == []
    page = _with(results, one)
    assert matrix(page, sections(page)[0]) is None
    assert len(frontiers(page, sections(page)[0])) == 1


def test_what_the_last_part_of_utility_costs(compared: Results) -> None:
    said = [one.text for one in verdicts(compared, sections(compared)[0])]
    assert (
        "The last 5% of utility costs +.05 [−.00, +.10] AUC with prompt(tokens=50) and +.26 [+.21, +.31] AUC with lora."
    ) in said


def test_memorization_is_named_where_it_decides_otherwise(results: Results, comparison: Compare) -> None:
    near = comparison({"lora": (0.53, 0.05), "prompt": (0.5, 0.01)})
    assert (
        "Counterfactual memorization tells apart what ref does not: prompt memorizes 0.040 [0.035, 0.045] nats per "
        "token less than lora."
    ) in _said(results, near, "note")


def test_what_other_attacks_say_is_told(results: Results, comparison: Compare) -> None:
    """`loss` says what `ref` says of all pairs, then `ref` alone says nothing."""
    two = comparison({"lora": (0.71, 0.05), "prompt": (0.5, 0.01)})
    assert "By every attack, each at 5%: prompt less than lora." in _said(results, two, "note")
    silent = _said(results, _changed(two, verdict="undecided", p_adjusted=0.3), "note")
    assert "Told apart by some attack, corrected for their number (max-t): prompt against lora (loss)." in silent


@pytest.mark.parametrize(
    ("what", "less", "more"),
    [
        (None, "−.21 [−.26, −.16] less", "+.21 [+.16, +.26] more"),
        (MEMORIZATION, "−0.041 [−0.046, −0.036] less", "+0.041 [+0.036, +0.046] more"),
    ],
)
def test_the_matrix_can_be_read_without_its_colours(compared: Results, what: str | None, less: str, more: str) -> None:
    table = matrix(compared, sections(compared)[0], what=what)
    assert table is not None
    assert table.head == ("Row minus column", "prompt(tokens=50)", "lora")
    (_, same, below), (_, above, _) = (row.cells for row in table.groups[0].rows)
    assert [same.text, below.text, above.text] == ["", less, more]
    assert [below.kind, above.kind] == ["less", "more"]
    assert "at:utility" in below.title, "the signature"


def test_what_weakens_a_verdict_is_said_once(results: Results, comparison: Compare) -> None:
    two = comparison({"lora": (0.7, 0.05), "prompt": (0.5, 0.01)}, warnings=("few groups: 14 of 20",))
    tied = replace(two.standings[0], tied=(3e-4,), warnings=("few groups: 14 of 20",))
    other = UnderRate("lora", 3e-4, replace(two.reach, value=0.15, low=0.1, high=0.2))
    weak = _changed(
        replace(two, standings=(tied, two.standings[1])), reason="few groups: 14 of 20; lora: off", under_ties=(other,)
    )
    assert [said for said in _said(results, weak, "note") if said.startswith("Under reserve")] == [
        "Under reserve – few groups: 14 of 20.",
        "Under reserve – lora: off.",
        "Under reserve – the losses of lora do not tell its rate 0.001 from 0.0003.",
        (
            "Under reserve – prompt minus lora is −.15 [−.20, −.10] AUC with lora at rate 0.0003, −.20 [−.25, −.15] "
            "AUC as chosen."
        ),
    ]


def test_what_each_method_gives_away_stands_beside_its_memorization(compared: Results) -> None:
    table = standings_table(compared)
    assert table is not None
    texts = [[cell.text for cell in row.cells] for row in table.groups[0].rows]
    assert texts[0][:4] == ["prompt(tokens=50)", "0.03", "0.010 [0.006, 0.014]", ".50 [.46, .54]"]
    assert texts[1][:4] == ["lora", "0.001", "0.051 [0.047, 0.055]", ".71 [.67, .75]"]
    assert all("at:utility" in cell.title for cell in table.groups[0].rows[0].cells[2:4])


def test_every_attack_stands_in_the_table_of_pairs(compared: Results) -> None:
    table = pairs_table(compared, sections(compared)[0])
    assert table is not None
    assert [row.cells[0].text for row in table.groups[0].rows] == ["loss"] + ["ref"] * 4 + [MEMORIZATION] * 4


def test_the_page_opens_with_the_verdict_and_the_frontier(compared: Results) -> None:
    page = render(compared)
    places = [page.index(part) for part in ("memorizes .21 [.16, .26] AUC less", "Leakage against utility", "Caveats")]
    assert places == sorted(places)
    assert page.count("<h3>Leakage against utility</h3>") == 1


def test_the_terminal_begins_with_the_verdicts_within_80_columns(results: Results, comparison: Compare) -> None:
    two = comparison({"lora": (0.71, 0.05), "prompt(tokens=50)": (0.5, 0.01)}, at_rate=("lora", "prompt(tokens=50)"))
    lines = summary_table(_with(results, two)).split("\n")
    assert lines[:11] == [
        "notes · tiny, at equal utility",
        "- At 90% of the reachable gain prompt(tokens=50) (at rate 0.03) memorizes",
        "  .21 [.16, .26] AUC less than lora (at rate 0.001).",
        "",
        "At 90% of the reachable gain, memorization in nats per token",
        "method             rate   memorization          AUC",
        "prompt(tokens=50)  0.03   0.010 [0.006, 0.014]  .50 [.46, .54]",
        "lora               0.001  0.050 [0.046, 0.054]  .71 [.67, .75]",
        "",
        "articles · tiny, at equal utility",
        "- The methods have not been compared at equal utility: the store holds no",
    ]
    assert max(map(len, lines)) <= 80
