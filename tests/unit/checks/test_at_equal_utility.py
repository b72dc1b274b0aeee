"""What speaks against a comparison at equal utility: checkpoints, saturation, a method that never gets there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from vestige.checks.base import Remark, Verdict
from vestige.metrics.comparison import Standing
from vestige.outcome.frames import Results

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]

WHERE = "notes · tiny"
CODES = ["V028", "V029", "V030"]


@pytest.fixture
def standing(sound: Results) -> Standing:
    """That of `lora`: at the place at epoch 2.5 of three attacked checkpoints, with an AUC of .70."""
    return sound.facts.comparisons[0].comparison.standings[0]


@pytest.fixture
def with_standings(sound: Results, with_facts: Change) -> Callable[[Sequence[Standing]], Results]:
    (facts,) = sound.facts.comparisons
    return lambda standings: with_facts(
        comparisons=(replace(facts, comparison=replace(facts.comparison, standings=tuple(standings))),)
    )


@pytest.mark.parametrize("code", CODES)
def test_a_sound_comparison_passes(verdict: Judge, sound: Results, with_facts: Change, code: str) -> None:
    assert verdict(code, sound) == Verdict()
    assert verdict(code, with_facts(comparisons=())).outcome == "not applicable"


def _at(standing: Standing, epoch: float | None, **changes: Any) -> Standing:
    return replace(standing, crossings=(replace(standing.crossings[0], epoch=epoch),), **changes)


@pytest.mark.parametrize(
    ("epoch", "words"),
    [
        (0.5, "at epoch 0.5, and no attacked checkpoint lies before: what leaks there is not told"),
        (1.5, "at epoch 1.5, and one attacked checkpoint lies before: what leaks there is not told"),
        (3.25, "at epoch 3.25, behind the last attacked checkpoint: attack a later one."),
    ],
)
def test_few_checkpoints(
    verdict: Judge, standing: Standing, with_standings: Callable[..., Results], epoch: float, words: str
) -> None:
    (remark,) = verdict("V028", with_standings([_at(standing, epoch)])).remarks
    assert remark.place == f"{WHERE}, lora"
    assert remark.said.startswith(f"it has 90% of the common gain {words}")


def test_checkpoints_that_were_not_attacked_do_not_count(
    verdict: Judge, standing: Standing, with_standings: Callable[..., Results]
) -> None:
    first, *rest = standing.curve
    (remark,) = verdict(
        "V028", with_standings([replace(standing, curve=(replace(first, attacked=False), *rest))])
    ).remarks
    assert "one attacked checkpoint lies before" in remark.said


def test_where_nothing_is_compared_checkpoints_are_none_too_few(
    verdict: Judge, standing: Standing, with_standings: Callable[..., Results]
) -> None:
    for one in (_at(standing, None), _at(standing, 0.5, set_aside="never gets there")):
        assert verdict("V028", with_standings([one])).outcome == "not applicable"


def _with_auc(standing: Standing, auc: float, method: str) -> Standing:
    (at,) = standing.found
    return replace(standing, method=method, found=(replace(at, estimate=replace(at.estimate, value=auc)),))


def test_saturation(verdict: Judge, standing: Standing, with_standings: Callable[..., Results]) -> None:
    full = with_standings([_with_auc(standing, 0.995, "lora"), _with_auc(standing, 0.999, "full")])
    (remark,) = verdict("V029", full).remarks
    assert remark.place == WHERE
    assert remark.said.startswith("ref has an AUC above 0.99 on lora and full at equal utility: it tells members with")
    for other in (0.99, 0.8):
        one = with_standings([_with_auc(standing, 0.995, "lora"), _with_auc(standing, other, "full")])
        assert verdict("V029", one) == Verdict(), "the other one can be told from it"


def test_a_method_that_never_gets_there(
    verdict: Judge, standing: Standing, with_standings: Callable[..., Results]
) -> None:
    aside = with_standings([replace(standing, set_aside="it never gets half of the best gain")])
    words = "it is compared with no other: it never gets half of the best gain."
    assert verdict("V030", aside).remarks == (Remark(words, f"{WHERE}, lora"),)
