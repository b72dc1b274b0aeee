"""Texts that are left out more often of one class than of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.records import Counts

_TOLD: Final = "known_member"
"""Left out of the members by design: V014 tells of it."""

_TOLERATED: Final = 0.01
"""A share of texts that differs by more can move an AUC by more than intervals of large studies are wide."""


@final
class UnscorableByClass(SectionCheck):
    """No attack leaves out members and non-members at rates that differ by more than 1%."""

    code = "V024"
    nothing = "no attack on a method has been measured"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        counts = {one.label: _worst(section, one.label) for one in results.facts.attacks}
        measured = {attack: rates for attack, rates in counts.items() if rates is not None}
        if not measured:
            return None
        uneven = {attack: rates for attack, rates in measured.items() if _gap(rates) > _TOLERATED}
        return [_sentence(attack, rates) for attack, rates in uneven.items()]


def _worst(section: Section, attack: str) -> Mapping[str, float] | None:
    """The share that is left out of each class, where they differ most."""
    every = [_rates(point.estimate("auc", attack).counts) for point in section.points]
    return max((rates for rates in every if rates), key=_gap, default=None)


def _rates(counts: Counts) -> Mapping[str, float]:
    scored = {"member": counts.members, "non_member": counts.non_members}
    left_out = {name: _left_out(counts, name) for name in scored}
    texts = {name: scored[name] + left_out[name] for name in scored}
    return {name: left_out[name] / count for name, count in texts.items() if count}


def _left_out(counts: Counts, name: str) -> int:
    keys = [key for key in counts.unscored if key.startswith(f"{name}:") and not key.endswith(_TOLD)]
    return sum(counts.unscored[key] for key in keys)


def _gap(rates: Mapping[str, float]) -> float:
    return abs(rates["member"] - rates["non_member"]) if len(rates) == 2 else 0.0


def _sentence(attack: str, rates: Mapping[str, float]) -> str:
    return (
        f"{attack} cannot score {rates['member']:.1%} of the members and {rates['non_member']:.1%} of the non-members: "
        "which texts are left out hangs on membership, and its numbers are of the rest alone."
    )
