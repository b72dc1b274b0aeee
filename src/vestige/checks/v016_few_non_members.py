"""A false-positive rate that too few non-members can carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, cells_of
from vestige.outcome.wording import joined

_ENOUGH_FALSE_POSITIVES: Final = 10
"""With fewer non-members than this over the FPR, the TPR at that rate is biased upward."""


@final
class FewNonMembers(SectionCheck):
    """At each FPR ten or more non-members of a training may be accused, so that the TPR is not biased upward."""

    code = "V016"
    nothing = "no TPR has been measured"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        available = _available(results, section)
        counts = {rate: available * rate + 1e-9 for rate in results.facts.study.fpr}
        measured = {rate: count for rate, count in counts.items() if count >= 1}
        if not measured:
            return None
        thin = [f"{100 * rate:g}%" for rate, count in measured.items() if count < _ENOUGH_FALSE_POSITIVES]
        if not thin:
            return []
        said = (
            f"{available} non-members per training are few for an FPR of {joined(thin)}: the TPR there is biased "
            "upward, in the base as well. Compare it with the floor."
        )
        return [said]


def _available(results: Results, section: Section) -> int:
    """Non-members of a training, by the primary attack's AUC where it has fewest."""
    primary = results.facts.study.primary
    counts = {point.estimate("auc", primary).counts.non_members for point in section.points} - {0}
    return min(counts, default=0) // cells_of(results)
