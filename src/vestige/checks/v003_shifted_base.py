"""Members and non-members that the base can tell apart before it has been trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, Section
from vestige.outcome.wording import shown


@final
class ShiftedBase(SectionCheck):
    """Before any training the primary attack cannot tell members from non-members: the interval of its AUC on the base
    contains ½.
    """

    code = "V003"
    nothing = "no AUC of a base has an interval"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        auc = section.floor.number("auc", results.facts.study.primary)
        low, high = auc.estimate.low, auc.estimate.high
        if low is None or high is None:
            return None
        if low <= CHANCE <= high:
            return []
        said = (
            f"the base's own AUC is {shown(auc)}, not ½. Members and non-members differ before any training, and all "
            "figures of this corpus are shifted by it."
        )
        return [said]
