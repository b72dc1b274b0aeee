"""One method against another, asked for by name: which difference is meant, and what a wrong name is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vestige.errors import ConfigError
from vestige.metrics.comparison import Comparison, Difference, Standing, Verdict
from vestige.outcome.compared import compared
from vestige.outcome.facts import ComparisonFacts, Facts, MethodFacts
from vestige.records import Counts, Estimate


def estimate(value: float | None, *, wide: float = 0.05, reason: str = "") -> Estimate:
    low, high = (None, None) if value is None else (value - wide, value + wide)
    return Estimate(value, low, high, Counts(), signature="by hand", reason=reason)


def difference(
    method: str, other: str, value: float | None, verdict: Verdict, *, what: str = "ref", level: float | None = 0.9
) -> Difference:
    reason = "too few groups" if value is None else ""
    found = estimate(value, reason=reason)
    return Difference(method, other, what, level, 2.5, found, 0.01, 0.02, 0.15, verdict, reason)


def standing(method: str) -> Standing:
    return Standing(method, 1e-3, (), estimate(1.0), "", (), (), None, ())


COMPARISON = Comparison(
    utility="loss",
    primary="ref",
    margin=0.05,
    base_loss=3.0,
    reach=estimate(0.8),
    standings=tuple(map(standing, ("lora(r=8)", "prompt", "full"))),
    differences=(
        difference("lora(r=8)", "prompt", 0.2, "more"),
        difference("lora(r=8)", "prompt", 0.1, "undecided", level=0.8),
        difference("lora(r=8)", "prompt", 0.3, "more", what="memorization"),
        difference("lora(r=8)", "full", None, "refused"),
    ),
    at_rate=("lora(r=8)",),
    scope="retrainings",
    resolution=0.05,
)


@pytest.fixture
def facts() -> Facts:
    """Those that are asked for."""
    named = [("lora(r=8)", "lora"), ("prompt", "prompt"), ("full", "full"), ("full(layers=2)", "full")]
    methods = tuple(MethodFacts(label, name, "parameter", {}, (1e-3,), {}) for label, name in named)
    nothing: Any = ()
    return Facts(
        *(nothing,) * 3, methods, *(nothing,) * 7, {}, comparisons=(ComparisonFacts("tiny", "notes", COMPARISON),)
    )


def test_a_method_goes_by_its_label_or_by_the_name_that_it_alone_bears(facts: Facts) -> None:
    by_name, by_label = compared(facts, "lora", "prompt"), compared(facts, "lora(r=8)", "prompt")
    assert by_name == by_label
    assert (by_name.base, by_name.corpus, by_name.verdict) == ("tiny", "notes", "more")
    assert by_name.difference is COMPARISON.differences[0]
    assert compared(facts, "lora", "full").reason == "too few groups", "full(layers=2) is not among those compared"


def test_the_first_named_is_the_one_that_is_told_of(facts: Facts) -> None:
    turned = compared(facts, "prompt", "lora")
    assert (turned.estimate.low, turned.estimate.value, turned.estimate.high) == pytest.approx((-0.25, -0.2, -0.15))
    assert turned.verdict == "less"


def test_it_is_a_sentence(facts: Facts) -> None:
    assert repr(compared(facts, "prompt", "lora")) == (
        "prompt minus lora(r=8) (rate 0.001) on tiny, notes, at 90% of the reachable gain (Validation "
        "loss): −.20 [−.25, −.15] AUC of ref, less."
    )
    assert "Equivalent only within ±.15." in repr(compared(facts, "lora", "prompt", level=0.8))
    assert "+0.300 [+0.250, +0.350] nats per token memorized" in repr(
        compared(facts, "lora", "prompt", attack="memorization")
    )
    assert repr(compared(facts, "full", "lora")).endswith("— AUC of ref, refused. too few groups.")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"method": "lorra"}, r"no method that was compared is called 'lorra'. Did you mean 'lora\(r=8\)'\?"),
        ({"method": "prompt"}, "'prompt' is named twice"),
        ({"attack": "reff"}, "not compared by 'reff'. Did you mean 'ref'"),
        ({"level": 0.95}, r"by 'ref' methods are compared at level = 0.9, 0.8, got 0.95"),
        ({"attack": "memorization", "level": None}, "by 'memorization' methods are compared at level = 0.9, got None"),
        ({"corpus": "note"}, "no corpus is called 'note'. Did you mean 'notes'"),
        ({"base": "big"}, "no base is called 'big'"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(facts: Facts, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compared(facts, **{"method": "lora", "other": "prompt", **asked})


def test_several_corpora_are_told_apart(facts: Facts) -> None:
    more = replace(facts, comparisons=(*facts.comparisons, ComparisonFacts("tiny", "mails", COMPARISON)))
    with pytest.raises(ConfigError, match="more than one corpus: say which, corpus=… of notes, mails"):
        compared(more, "lora", "prompt")
    assert compared(more, "lora", "prompt", corpus="mails").corpus == "mails"


def test_a_study_without_a_comparison_says_so(facts: Facts) -> None:
    with pytest.raises(ConfigError, match="vestige run STUDY"):
        compared(replace(facts, comparisons=()), "lora", "prompt")
