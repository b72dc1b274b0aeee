"""Attacks beside the primary one that have no AUC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import NOT_MEASURED, Section


@final
class NoAuc(SectionCheck):
    """No AUC of an attack beside the primary one is refused."""

    code = "V018"
    nothing = "no attack beside the primary one has been measured"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        others = [one.label for one in results.facts.attacks if one.label != results.facts.study.primary]
        told = {attack: _reasons(section, attack) for attack in others}
        if not any(told.values()):
            return None
        refused = {attack: [one for one in reasons if one] for attack, reasons in told.items()}
        return [f"{attack} has no AUC (—): {reasons[0]}." for attack, reasons in refused.items() if reasons]


def _reasons(section: Section, attack: str) -> list[str]:
    """Of each AUC that was measured why it is refused, empty where it is not."""
    aucs = [point.estimate("auc", attack) for point in (section.floor, *section.points)]
    return [auc.reason if auc.value is None else "" for auc in aucs if auc.reason != NOT_MEASURED]
