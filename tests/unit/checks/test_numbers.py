"""Numbers that are refused or missing, and parts that failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from vestige.checks.base import Remark, Verdict
from vestige.outcome.facts import Failed
from vestige.outcome.frames import ESTIMATES, Results
from vestige.records import TIES

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]

REFUSED = {"value": None, "low": None, "high": None}
WHERE = "notes · tiny"


def test_a_refused_number_is_named_once(verdict: Judge, sound: Results, with_rows: Change) -> None:
    assert verdict("V019", sound) == Verdict()
    reason = "cell 0/A has 30 scored non-members: FPR 0.1 needs at least 100"
    refused = with_rows({"attack": "ref", "quantity": "tpr@0.1"}, **REFUSED, reason=reason)
    assert verdict("V019", refused).remarks == (Remark(f"TPR at 10% FPR is refused (—): {reason}.", WHERE),)
    assert verdict("V020", refused) == Verdict(), "it has been measured"


def test_what_ties_refuse_is_told_elsewhere(verdict: Judge, with_rows: Change) -> None:
    tied = with_rows({"attack": "ref", "quantity": "tpr@0.1"}, **REFUSED, reason=f"{TIES}: 12 of the 60 share it")
    assert verdict("V019", tied) == Verdict()


def test_refused_answers(verdict: Judge, sound: Results) -> None:
    loss = sound.estimates.filter(quantity="loss")
    rows = loss.with_columns(
        pl.lit(value, ESTIMATES[name]).alias(name)
        for name, value in {**REFUSED, "quantity": "bleu", "reason": "no references"}.items()
    )
    study = replace(sound.facts.study, utility=("loss", "bleu"))
    asked = replace(sound, facts=replace(sound.facts, study=study), estimates=pl.concat([sound.estimates, rows]))
    assert verdict("V019", asked).remarks == (Remark("BLEU is refused (—): no references.", WHERE),)


def test_missing_numbers(verdict: Judge, sound: Results, without_rows: Change) -> None:
    assert verdict("V020", sound) == Verdict()
    some = "some numbers are missing (—): they have not been measured, or their part of the study failed."
    assert verdict("V020", without_rows(attack="ref", epoch=3.0)).remarks == (Remark(some, WHERE),)
    assert verdict("V020", without_rows(method="lora")).remarks == (Remark("lora not measured.", WHERE),)
    assert verdict("V020", without_rows(attack="loss")) == Verdict(), "the headline shows the primary attack alone"


def test_missing_numbers_of_nothing(verdict: Judge, with_facts: Change) -> None:
    assert verdict("V020", with_facts(bases=())).outcome == "not applicable"
    assert verdict("V019", with_facts(bases=())).outcome == "not applicable"


def test_failed_parts_are_counted_and_not_quoted(verdict: Judge, sound: Results, with_facts: Change) -> None:
    assert verdict("V021", sound) == Verdict()
    one = Failed("train lora", "loss is NaN")
    for failures, words in (((one,), "1 part of the study failed"), ((one, one), "2 parts of the study failed")):
        (remark,) = verdict("V021", with_facts(failures=failures)).remarks
        assert remark.said.startswith(words)
        assert not remark.place
        assert "NaN" not in remark.said
