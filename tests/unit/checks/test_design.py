"""How a study was laid out: seeds, folds, the primary attack, the search of the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vestige.checks.base import Remark, Verdict
from vestige.outcome.facts import NamedPrimary, Tried
from vestige.outcome.frames import Results

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]

FIRST, SECOND = "2026-01-01T10:00:00+00:00", "2026-01-02T11:30:00+00:00"


def said(verdict: Verdict) -> str:
    (remark,) = verdict.remarks
    return remark.said


@pytest.mark.parametrize("code", ["V001", "V002", "V006"])
def test_what_applies_to_every_study_passes(verdict: Judge, sound: Results, code: str) -> None:
    assert verdict(code, sound) == Verdict()


def test_one_seed(verdict: Judge, with_facts: Change) -> None:
    assert said(verdict("V001", with_facts({"seeds": (7,)}))).startswith("One seed: how much a retraining varies is")
    alone = said(verdict("V001", with_facts({"seeds": (7,), "folds": 1})))
    assert alone.startswith("One seed and one fold: the intervals cover the choice of texts, hold for these trainings")


def test_two_seeds(verdict: Judge, with_facts: Change) -> None:
    assert said(verdict("V001", with_facts({"seeds": (7, 8)}))).startswith("Two seeds: how much a retraining varies")
    assert verdict("V001", with_facts({"seeds": (7, 8, 9)})) == Verdict()


def test_one_fold(verdict: Judge, with_facts: Change) -> None:
    assert said(verdict("V002", with_facts({"folds": 1}))).startswith("One fold: members and non-members are different")


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (
            {"primaries": (NamedPrimary("loss", FIRST), NamedPrimary("ref", None))},
            "changed from run to run: loss since 2026-01-01 10:00 UTC and ref in the study file, not run;",
        ),
        ({"primaries": (NamedPrimary("ref", None),)}, "not on record when ref was named the primary attack"),
        (
            {"primaries": (NamedPrimary("ref", SECOND),), "attacked_since": FIRST},
            "primary attack since 2026-01-02 11:30 UTC, when the store had had estimates since 2026-01-01 10:00 UTC;",
        ),
        ({"primaries": (NamedPrimary("loss", "noon"), NamedPrimary("ref", SECOND))}, "loss since noon"),
    ],
    ids=["changed", "not on record", "late", "no time"],
)
def test_a_primary_attack_that_may_have_been_picked(
    verdict: Judge, with_facts: Change, study: dict[str, Any], words: str
) -> None:
    sentence = said(verdict("V006", with_facts(study)))
    assert words in sentence
    assert sentence.endswith("is as optimistic as the best of many.")


def test_a_primary_attack_named_before_any_estimate_passes(verdict: Judge, with_facts: Change) -> None:
    assert verdict("V006", with_facts({"attacked_since": None})) == Verdict()


def _searched(
    with_facts: Change, *, chosen: float, rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2), **study: Any
) -> Results:
    tried = [
        Tried("tiny", "notes", "lora", rate, 2.0, {3.0: 2.0}, chosen=rate == chosen, rivals=len(rates) - 1)
        for rate in rates
    ]
    results = with_facts(study, search=tuple(tried))
    training = replace(results.facts.study.training, search="validation")
    return with_facts({**study, "training": training}, search=tuple(tried))


def test_a_search_on_the_first_of_several_trainings(verdict: Judge, with_facts: Change) -> None:
    several = _searched(with_facts, chosen=1e-3)
    assert said(verdict("V007", several)) == "Learning rates were searched on the first seed and fold only."


def test_a_search_on_all_that_is_trained_passes(verdict: Judge, with_facts: Change) -> None:
    assert verdict("V007", _searched(with_facts, chosen=1e-3, seeds=(0,), folds=1)) == Verdict()


@pytest.mark.parametrize("code", ["V007", "V008", "V031"])
def test_without_a_rival_there_was_no_search(verdict: Judge, with_facts: Change, code: str) -> None:
    assert verdict(code, _searched(with_facts, chosen=1e-3, rates=(1e-3,))).reason == "no learning rate was searched"


@pytest.mark.parametrize(("chosen", "end"), [(1e-4, "0.0001, is the lowest"), (1e-2, "0.01, is the highest")])
def test_the_edge_of_the_search(verdict: Judge, with_facts: Change, chosen: float, end: str) -> None:
    (remark,) = verdict("V008", _searched(with_facts, chosen=chosen)).remarks
    words = f"the best learning rate, {end} tried; a better one may lie beyond."
    assert remark == Remark(words, "notes · tiny, lora")


def test_inside_the_search(verdict: Judge, with_facts: Change) -> None:
    assert verdict("V008", _searched(with_facts, chosen=1e-3)) == Verdict()


def test_rates_that_the_texts_do_not_tell_apart(verdict: Judge, with_facts: Change) -> None:
    searched = _searched(with_facts, chosen=1e-3)
    assert verdict("V031", searched) == Verdict()
    low, best, high = searched.facts.search
    tied = with_facts(search=(replace(low, tied=True), best, high))
    (remark,) = verdict("V031", tied).remarks
    assert remark.place == "notes · tiny, lora"
    assert remark.said.startswith("the validation texts do not tell its learning rate, 0.001, from 0.0001: with other")


def test_still_falling(verdict: Judge, sound: Results, with_rows: Change, without_rows: Change) -> None:
    assert verdict("V009", sound) == Verdict()
    (remark,) = verdict("V009", without_rows(epoch=3.0)).remarks
    last_is_best = replace(sound, estimates=without_rows(epoch=3.0).estimates)
    assert remark.place == "notes · tiny, lora"
    assert remark.said.startswith(
        "validation loss is still falling at the last checkpoint. The method is under-trained"
    )
    one = last_is_best.estimates.filter(~last_is_best.estimates["epoch"].eq_missing(1.0))
    assert verdict("V009", replace(sound, estimates=one)).reason == "no method has been measured at two checkpoints"
