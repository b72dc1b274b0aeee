"""The claims of 2507.00258 on a world whose truth is known: equal epochs and equal utility part company."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from vestige.claims.judge import Answer, Ruling, judge
from vestige.claims.known import CLAIMS
from vestige.metrics.slopes import Slope
from vestige.metrics.uncertainty import Bootstrap
from vestige.outcome.claims import Claim, Part
from vestige.outcome.facts import ComparisonFacts
from vestige.outcome.frames import Results
from vestige.records import Counts, Estimate

BOOTSTRAP = Bootstrap(samples=200)
BASES = ("small", "middle", "large")

AucOf = Callable[..., float]
Comparisons = Callable[..., tuple[ComparisonFacts, ...]]


@pytest.fixture(scope="session")
def rulings(results: Results) -> dict[str, tuple[Ruling, Ruling]]:
    return {one.claim.name: one.rulings for one in judge(results, bootstrap=BOOTSTRAP)}


def asked(results: Results, *claims: Claim, comparisons: tuple[ComparisonFacts, ...] | None = None) -> Results:
    facts = replace(results.facts, study=replace(results.facts.study, claims=claims))
    return replace(results, facts=facts if comparisons is None else replace(facts, comparisons=comparisons))


def answers(results: Results, part: Part, **changes: Any) -> list[Answer]:
    """One part as a claim of its own, under both protocols."""
    (one,) = judge(asked(results, Claim("1", "", (part,)), **changes), bootstrap=BOOTSTRAP)
    return [ruling.answers[0] for ruling in one.rulings]


def test_all_six_have_a_ruling_under_both_protocols(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    assert list(rulings) == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert {tuple(one.protocol for one in both) for both in rulings.values()} == {("equal epochs", "equal utility")}


def test_what_epochs_make_of_methods_that_are_alike(rulings: dict[str, tuple[Ruling, Ruling]], auc_of: AucOf) -> None:
    """Trained equally long the parameter-based methods leak more; where they are equally useful they do not."""
    at_epochs, at_utility = rulings["C1"]
    assert (at_epochs.verdict, at_utility.verdict) == ("supported", "contradicted")
    assert at_utility.answers[0].decision.why == "equivalent to 0 within 0.05 (two one-sided tests at 5%)"
    found = at_epochs.answers[0].measured
    assert found is not None
    truth = np.mean([auc_of("lora", base, 3) - auc_of("prompt", base, 3) for base in BASES])
    assert found.value == pytest.approx(truth, abs=found.wide)


def test_growth_with_epochs(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    grows, flat = rulings["C2"][0].answers
    assert grows.decision.verdict == "supported"
    assert flat.measured is not None
    assert abs(flat.measured.value) < 0.05


def test_growth_with_size_is_the_slope_of_the_study(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    """1 ± .2 for a tenfold is .301 ± .060 for a doubling, over √2 for two corpora; at 90% of the own gain nothing."""
    at_epochs, at_utility = rulings["C3"]
    assert (at_epochs.verdict, at_utility.verdict) == ("supported", "contradicted")
    grows, flat = (one.measured for one in at_epochs.answers)
    assert grows is not None
    assert flat is not None
    assert (grows.value, grows.wide) == pytest.approx((0.30103, 0.060206 / 2**0.5))
    assert (flat.value, flat.wide) == pytest.approx((0, 0.030103 / 2**0.5))
    assert at_epochs.answers[1].decision.why == "equivalent to 0 within 0.126 (two one-sided tests at 5%)"


BY_SIZE = Part(("lora",), "more", grows_with="size")


def drawn_again(results: Results, change: Callable[[Slope], Slope]) -> Results:
    """The study with every slope changed."""
    scalings = tuple(replace(one, slopes=tuple(map(change, one.slopes))) for one in results.facts.scalings)
    return replace(results, facts=replace(results.facts, scalings=scalings))


def test_a_slope_is_of_the_last_checkpoint_and_of_the_primary_attack(results: Results) -> None:
    first, second = judge(asked(results, Claim("1", "", (BY_SIZE,), epoch=1)), bootstrap=BOOTSTRAP)[0].rulings
    assert "at the last checkpoint, epoch 3, and the claim is of epoch 1" in first.answers[0].decision.why
    assert second.answers[0].measured is not None
    (one,) = judge(asked(results, Claim("1", "", (BY_SIZE,), attack="loss")), bootstrap=BOOTSTRAP)
    for ruling in one.rulings:
        assert "for the primary attack, ref, and the claim is of loss" in ruling.answers[0].decision.why


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda slope: replace(slope, points=slope.points[:2]), "nothing is known of it at 4,194,304 parameters"),
        (lambda slope: replace(slope, series="head"), "no slope has been drawn for lora on webnlg"),
        (
            lambda slope: replace(slope, points=(*slope.points, replace(slope.points[0], x=8.0))),
            "goes through bases besides, of 8 parameters",
        ),
        (
            lambda slope: replace(slope, slope=Estimate(None, None, None, Counts(), "", "it has diverged")),
            "lora on webnlg: it has diverged",
        ),
    ],
)
def test_a_slope_through_other_sizes_is_not_taken(
    results: Results, change: Callable[[Slope], Slope], words: str
) -> None:
    for answer in answers(drawn_again(results, change), BY_SIZE):
        assert answer.measured is None
        assert words in answer.decision.why


def test_two_bases_of_one_size_are_not_told_apart(results: Results) -> None:
    bases = (*results.facts.bases, replace(results.facts.bases[0], name="again"))
    twice = replace(results, facts=replace(results.facts, bases=bases))
    for answer in answers(twice, BY_SIZE):
        assert "several bases have 1,048,576 parameters" in answer.decision.why


def test_a_method_without_any_checkpoint_leaves_the_question_open(results: Results) -> None:
    none = replace(results, estimates=results.estimates.filter(pl.col("method") != "lora"))
    none = drawn_again(none, lambda slope: replace(slope, series="head"))
    claim = Claim("1", "", (BY_SIZE,), epoch=5)
    (one,) = judge(asked(none, claim), bootstrap=BOOTSTRAP)
    assert {ruling.verdict for ruling in one.rulings} == {"undecided"}


def test_growth_with_utility_is_what_equal_utility_says_of_growth(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    """The leakage of every method is the same at all levels: .02 ± √2 · .02 on each corpus, over √2 for two of them."""
    grows, flat = rulings["C2"][1].answers
    assert (grows.decision.verdict, flat.decision.verdict) == ("contradicted", "supported")
    assert grows.measured is not None
    assert grows.measured.wide == pytest.approx(0.02)


def test_task_performance(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    """The prompt gains .92 at most, the others .905 on average: at the last epoch and at their best alike."""
    for ruling in rulings["C4"]:
        (answer,) = ruling.answers
        assert ruling.verdict == "supported"
        assert answer.measured is not None
        assert answer.measured.value == pytest.approx(0.015)


def test_structured_data(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    """A prompt leaks alike on both corpora; a corpus that the study does not have takes no part."""
    for ruling in rulings["C5"]:
        (answer,) = ruling.answers
        assert answer.measured is not None
        assert abs(answer.measured.value) < answer.measured.wide
        assert ruling.verdict != "supported"


def test_what_was_not_run_is_undecided_and_says_what_it_takes(rulings: dict[str, tuple[Ruling, Ruling]]) -> None:
    for ruling in rulings["C6"]:
        assert ruling.verdict == "undecided"
        assert "the study has no method lora(targets=projection): train one" in ruling.answers[0].decision.why


def test_a_claim_of_ones_own(results: Results) -> None:
    at_epochs, at_utility = answers(results, Part(("prompt",), "less", against=("lora",), corpora=("webnlg",)))
    assert at_epochs.decision.verdict == "supported"
    assert at_utility.decision.verdict == "contradicted"
    assert at_utility.measured is not None
    assert at_utility.measured.value == pytest.approx(-0.01), "the pair is kept the other way round"


def test_a_method_that_never_gets_there_is_left_out_and_named(results: Results, comparisons: Comparisons) -> None:
    every = comparisons(aside=("head",))
    _, found = answers(results, Part(("parameter",), "more", against=("prompt",)), comparisons=every)
    assert found.measured is not None
    assert found.measured.value == pytest.approx(0.01)
    assert "head and prompt on webnlg · small: never gets there" in found.measured.without
    _, alone = answers(results, Part(("head",), "more", against=("prompt",)), comparisons=every)
    assert alone.measured is None
    assert alone.decision.verdict == "undecided"


def test_without_a_comparison_equal_utility_is_undecided(results: Results) -> None:
    at_epochs, at_utility = answers(results, Part(("lora",), "more", against=("prompt",)), comparisons=())
    assert at_epochs.decision.verdict == "supported"
    assert "have not been compared at equal utility" in at_utility.decision.why


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part(("ia3",), "more", against=("prompt",)), "the study has no method ia3: train one"),
        (Part(("lora",), "more", against=("prompt",), corpora=("xsum",)), "the study has no corpus xsum: add one"),
        (Part(("lora",), "more", against=("prompt",), bases=("llama",)), "the study has no base llama: add one"),
        (
            Part(("lora",), "more", grows_with="size", bases=("small",)),
            "1 of the 3 sizes that a slope takes on webnlg",
        ),
    ],
)
def test_what_a_study_does_not_have(results: Results, part: Part, words: str) -> None:
    for answer in answers(results, part):
        assert answer.measured is None
        assert words in answer.decision.why


def test_an_epoch_bounds_the_checkpoint(results: Results, auc_of: AucOf) -> None:
    claim = Claim("1", "", (Part(("lora",), "more", against=("prompt",)),), epoch=2)
    (one,) = judge(asked(results, claim), bootstrap=BOOTSTRAP)
    found = one.rulings[0].answers[0].measured
    assert found is not None
    truth = np.mean([auc_of("lora", base, 1) - auc_of("prompt", base, 1) for base in BASES])
    assert found.value == pytest.approx(truth, abs=found.wide)


def test_a_claim_holds_where_all_its_parts_do(results: Results) -> None:
    more, less = (Part(("lora",), expected, against=("prompt",)) for expected in ("more", "less"))
    open_one = Part(("ia3",), "more", against=("prompt",))
    found = judge(
        asked(
            results, *(Claim("", "", parts) for parts in ((more,), (more, less), (more, open_one), (less, open_one)))
        ),
        bootstrap=BOOTSTRAP,
    )
    verdicts = [one.rulings[0].verdict for one in found]
    assert verdicts == ["supported", "contradicted", "undecided", "contradicted"]


def test_the_words_of_the_parts() -> None:
    said = [part.said for claim in CLAIMS["2507.00258"] for part in claim.parts]
    assert said[:4] == [
        "parameter: leak more than prompt",
        "parameter: growth with epochs more than 0",
        "prompt: growth with epochs as much as 0",
        "parameter: growth of Φ⁻¹(AUC) per doubling of size more than 0",
    ]
