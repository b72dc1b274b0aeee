"""An attack that scores too few texts to be compared with the others on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section


@final
class LeftApart(SectionCheck):
    """All attacks are compared on the same texts."""

    code = "V015"
    nothing = "there is one attack alone"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        attacks = [attack.label for attack in results.facts.attacks]
        if len(attacks) < 2:
            return None
        told = {attack: _why(section, attack) for attack in attacks}
        return [
            f"{attack} is not compared on the texts of the others: {why}, and the others would lose the rest. Its "
            "numbers are of its own texts."
            for attack, why in told.items()
            if why
        ]


def _why(section: Section, attack: str) -> str:
    aucs = (point.number("auc", attack) for point in (section.floor, *section.points))
    return next((auc.apart for auc in aucs if auc.apart), "")
