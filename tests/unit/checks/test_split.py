"""Members that can be told from non-members before anything is trained."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vestige.checks.base import Remark, Verdict
from vestige.outcome.frames import Results

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]

HIGH = {"value": 0.6, "low": 0.55, "high": 0.65}
LOW = {"value": 0.4, "low": 0.35, "high": 0.45}


@pytest.mark.parametrize("code", ["V003", "V004", "V005"])
def test_at_chance_they_pass(verdict: Judge, sound: Results, code: str) -> None:
    assert verdict(code, sound) == Verdict()


@pytest.mark.parametrize(("ends", "shown"), [(HIGH, ".60 [.55, .65]"), (LOW, ".40 [.35, .45]")])
def test_a_base_that_is_not_at_chance(verdict: Judge, with_rows: Change, ends: dict[str, float], shown: str) -> None:
    (remark,) = verdict("V003", with_rows({"method": None, "attack": "ref", "quantity": "auc"}, **ends)).remarks
    assert remark.place == "notes · tiny"
    assert remark.said.startswith(f"the base's own AUC is {shown}, not ½. Members and non-members differ before any")


def test_only_the_primary_attack_tells_of_the_base(verdict: Judge, with_rows: Change) -> None:
    assert verdict("V003", with_rows({"method": None, "attack": "loss"}, **HIGH)) == Verdict()


def test_a_split_that_leaks_without_a_model(verdict: Judge, with_rows: Change) -> None:
    high = with_rows({"attack": "blind_bow", "quantity": "auc"}, **HIGH)
    assert verdict("V004", high) == Verdict(), "the interval alone says nothing: other splits may read as high"
    leaks = with_rows({"attack": "blind_bow", "quantity": "p_value"}, value=0.005)
    words = (
        "blind_bow tells members from non-members without any model, AUC .50 [.45, .55], p = 0.005 against splits that "
        "mean nothing: the split itself leaks, and every attack on it is inflated."
    )
    assert verdict("V004", leaks).remarks == (Remark(words, "notes · tiny"),)
    assert verdict("V005", leaks) == Verdict()


@pytest.mark.parametrize(("chance", "outcome"), [(0.01, "failed"), (0.0101, "passed")])
def test_one_split_in_a_hundred_is_called_leaking(
    verdict: Judge, with_rows: Change, chance: float, outcome: str
) -> None:
    rows = with_rows({"attack": "blind_length", "quantity": "p_value"}, value=chance)
    assert verdict("V004", rows).outcome == outcome


def test_a_floor_that_finds_what_is_not_there(verdict: Judge, with_rows: Change) -> None:
    unsound = with_rows({"attack": "blind_length", "quantity": "auc_null"}, **HIGH)
    words = (
        "blind_length reads .60 [.55, .65] on splits that mean nothing: do not trust its AUC on this corpus, go by its "
        "p."
    )
    assert verdict("V005", unsound).remarks == (Remark(words, "notes · tiny"),)
    assert verdict("V004", unsound) == Verdict()


def test_a_floor_below_chance_inflates_nothing(verdict: Judge, with_rows: Change) -> None:
    below = with_rows({"attack": "blind_bow", "quantity": "auc_null"}, **LOW)
    assert verdict("V004", below) == verdict("V005", below) == Verdict()


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("V003", {"method": None, "attack": "ref"}),
        ("V004", {"quantity": "p_value"}),
        ("V005", {"quantity": "auc_null"}),
    ],
)
def test_what_has_no_interval_is_not_judged(
    verdict: Judge, with_rows: Change, without_rows: Change, code: str, keys: dict[str, str | None]
) -> None:
    refused = {"value": None, "low": None, "high": None, "reason": "cell 0/A: all 59 scores are equal"}
    assert verdict(code, with_rows(keys, **refused)).outcome == "not applicable"
    assert verdict(code, without_rows(**keys)).outcome == "not applicable"
