"""What methods came to at equal utility, as rows of the two files beside a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vestige.metrics.comparison import (
    MEMORIZATION,
    AtLevel,
    Comparison,
    Crossing,
    Difference,
    Standing,
)
from vestige.outcome.at_utility import at_utility, differences
from vestige.outcome.facts import ComparisonFacts, Facts, GenerateFacts, MethodFacts, StudyFacts, TrainingFacts
from vestige.outcome.frames import ESTIMATES
from vestige.records import Counts, Estimate

AUC = Estimate(0.71, 0.66, 0.76, Counts(members=50, non_members=49, groups=30), "auc:ref|utility:0.9")
NATS = Estimate(0.05, 0.04, 0.06, Counts(texts=99, groups=30), "memorization|utility:0.9")
REFUSED = Estimate(None, None, None, Counts(), "auc:ref|utility:0.8", reason="7 groups")
GAP = Estimate(-0.21, -0.26, -0.16, Counts(members=50), "auc:ref|utility:0.9|minus")


@pytest.fixture
def facts_of_nothing() -> Facts:
    """A study of which nothing is known but its name."""
    training = TrainingFacts("validation", 3.0, 8, (1.0, 3.0), {})
    study = StudyFacts("s", (0,), 2, ("loss",), training, GenerateFacts(64, 100), "ref", (), None, ())
    return Facts(study, (), (), (), (), (), (), (), (), (), (), {})


@pytest.fixture
def facts(facts_of_nothing: Facts) -> Facts:
    """One comparison of two methods."""
    found = (AtLevel("ref", 0.9, AUC), AtLevel(MEMORIZATION, 0.9, NATS), AtLevel("ref", 0.8, REFUSED))
    crossings = (Crossing(0.8, 2.2, 1.5), Crossing(0.9, 2.1, 2.5))
    lora = Standing("lora", 1e-3, (), AUC, "", crossings, found, None, ())
    prompt = replace(lora, method="prompt", learning_rate=3e-2, found=found[:1])
    pair = Difference("prompt", "lora", "ref", 0.9, 2.1, GAP, 0.001, 0.004, 0.25, "less")
    refused = replace(pair, what=MEMORIZATION, level=None, estimate=REFUSED, verdict="refused", reason="7 groups")
    both = (pair, refused)
    compared = Comparison("loss", "ref", 0.05, 3.0, AUC, (lora, prompt), both, ("lora",), "retrainings", 0.06)
    methods = (MethodFacts("lora", "lora", "parameter", {}, (1e-3,), {}),)
    return replace(facts_of_nothing, methods=methods, comparisons=(ComparisonFacts("tiny", "notes", compared),))


def test_a_number_at_equal_utility_is_a_row_with_its_level_and_signature(facts: Facts) -> None:
    frame = at_utility(facts)
    assert list(frame.columns) == list(ESTIMATES)
    keys = ("method", "quantity", "attack", "level", "epoch", "value", "low", "high", "members", "signature")
    assert frame.select(keys).rows()[:2] == [
        ("lora", "auc_at_utility", "ref", 0.9, 2.5, 0.71, 0.66, 0.76, 50, "auc:ref|utility:0.9"),
        ("lora", "memorization_at_utility", None, 0.9, 2.5, 0.05, 0.04, 0.06, 0, "memorization|utility:0.9"),
    ]
    assert frame.select("level", "epoch", "value", "reason").row(2) == (0.8, 1.5, None, "7 groups")
    assert frame["family"].to_list() == ["parameter"] * 3 + [None]
    assert not frame["is_best"].any()


def test_a_pair_is_a_row_with_its_verdict_and_what_it_goes_by(facts: Facts) -> None:
    first, second = differences(facts).to_dicts()
    said = {name: first[name] for name in ("method", "other", "quantity", "attack", "level", "value", "verdict")}
    assert said == {
        "method": "prompt",
        "other": "lora",
        "quantity": "auc",
        "attack": "ref",
        "level": 0.9,
        "value": -0.21,
        "verdict": "less",
    }
    assert (first["at"], first["margin"], first["at_rate"], first["p_adjusted"]) == (2.1, 0.05, True, 0.004)
    assert first["signature"] == GAP.signature
    assert (second["quantity"], second["attack"], second["level"], second["value"]) == (
        "memorization",
        None,
        None,
        None,
    )
    assert (second["verdict"], second["reason"], second["margin"]) == ("refused", "7 groups", None)


def test_a_study_that_compared_nothing_has_no_rows(facts_of_nothing: Facts) -> None:
    assert at_utility(facts_of_nothing).is_empty()
    assert differences(facts_of_nothing).is_empty()
