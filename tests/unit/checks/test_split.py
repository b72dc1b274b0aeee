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
    leaks = with_rows({"attack": "blind_bow", "quantity": "auc"}, **HIGH)
    words = (
        "blind_bow tells members from non-members without any model, AUC .60 [.55, .65]: the split itself leaks, and "
        "every attack on it is inflated."
    )
    assert verdict("V004", leaks).remarks == (Remark(words, "notes · tiny"),)
    assert verdict("V005", leaks) == Verdict()


def test_a_floor_that_finds_what_is_not_there(verdict: Judge, with_rows: Change) -> None:
    unsound = with_rows({"attack": "blind_permuted", "quantity": "auc"}, **HIGH)
    words = "blind_permuted is .60 [.55, .65] on labels dealt out anew: do not trust the floors of this corpus."
    assert verdict("V005", unsound).remarks == (Remark(words, "notes · tiny"),)
    assert verdict("V004", unsound) == Verdict()


@pytest.mark.parametrize("name", ["blind_bow", "blind_permuted"])
def test_a_floor_below_chance_inflates_nothing(verdict: Judge, with_rows: Change, name: str) -> None:
    below = with_rows({"attack": name}, **LOW)
    assert verdict("V004", below) == verdict("V005", below) == Verdict()


@pytest.mark.parametrize(("code", "attack"), [("V003", "ref"), ("V004", "blind_bow"), ("V005", "blind_permuted")])
def test_what_has_no_interval_is_not_judged(
    verdict: Judge, with_rows: Change, without_rows: Change, code: str, attack: str
) -> None:
    refused = {"value": None, "low": None, "high": None, "reason": "cell 0/A: all 59 scores are equal"}
    assert verdict(code, with_rows({"method": None, "attack": attack}, **refused)).outcome == "not applicable"
    assert verdict(code, without_rows(attack=attack)).outcome == "not applicable"
