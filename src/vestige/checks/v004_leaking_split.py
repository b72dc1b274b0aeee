"""A split whose members can be told by their texts alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, Section
from vestige.outcome.wording import shown


@final
class LeakingSplit(SectionCheck):
    """No classifier that reads the texts alone, without any model, tells members from non-members."""

    code = "V004"
    nothing = "no floor without a model has been measured"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        names = [floor.name for floor in results.facts.floors if not floor.is_permuted]
        aucs = {name: section.floor.number("auc", name) for name in names}
        if all(auc.estimate.low is None for auc in aucs.values()):
            return None
        return [
            f"{name} tells members from non-members without any model, AUC {shown(auc)}: the split itself leaks, and "
            "every attack on it is inflated."
            for name, auc in aucs.items()
            if (auc.estimate.low or 0) > CHANCE
        ]
