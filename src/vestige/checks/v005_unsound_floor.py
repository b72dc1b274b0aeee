"""A floor that is above chance on labels that mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, Section
from vestige.outcome.wording import shown


@final
class UnsoundFloor(SectionCheck):
    """On labels that were dealt out anew the classifier without a model is at chance, so that the other floors can be
    trusted.
    """

    code = "V005"
    nothing = "no floor has been measured on labels dealt out anew"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        names = [floor.name for floor in results.facts.floors if floor.is_permuted]
        aucs = {name: section.floor.number("auc", name) for name in names}
        if all(auc.estimate.low is None for auc in aucs.values()):
            return None
        return [
            f"{name} is {shown(auc)} on labels dealt out anew: do not trust the floors of this corpus."
            for name, auc in aucs.items()
            if (auc.estimate.low or 0) > CHANCE
        ]
