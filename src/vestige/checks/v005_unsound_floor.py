"""Floors that are above chance on splits that mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, Section
from vestige.outcome.wording import shown

SLACK: Final = 0.02
"""How far the mean of 200 splits may lie above ½: it errs by .003 where pools have 200 texts."""


@final
class UnsoundFloor(SectionCheck):
    """On splits that mean nothing the classifiers without a model are at chance, so that their AUC can be read as it
    stands.
    """

    code = "V005"
    nothing = "no floor has been measured on splits that mean nothing"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        nulls = {name: section.floor.number("auc_null", name) for name in results.facts.floors}
        if all(null.estimate.value is None for null in nulls.values()):
            return None
        return [
            f"{name} reads {shown(null)} on splits that mean nothing: do not trust its AUC on this corpus, go by its p."
            for name, null in nulls.items()
            if (null.estimate.value or 0) > CHANCE + SLACK
        ]
