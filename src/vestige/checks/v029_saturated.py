"""An attack that is certain of several methods, and so tells none from another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.metrics.comparison import PRIMARY_LEVEL, SATURATED
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.outcome.wording import joined


@final
class Saturated(SectionCheck):
    """Where methods are compared, the primary attack has an AUC above .99 on one of them at most."""

    code = "V029"
    nothing = "no AUC has been compared at equal utility"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        standings = results.facts.standings(base=section.base, corpus=section.corpus)
        primary = results.facts.study.primary
        estimates = {one.method: one.at(primary, level=PRIMARY_LEVEL) for one in standings}
        aucs = {method: one.value for method, one in estimates.items() if one is not None and one.value is not None}
        if not aucs:
            return None
        certain = [method for method, auc in aucs.items() if auc > SATURATED]
        return [_sentence(primary, certain)] if len(certain) > 1 else []


def _sentence(attack: str, certain: Sequence[str]) -> str:
    return (
        f"{attack} has an AUC above {SATURATED:g} on {joined(list(certain))} at equal utility: it tells members with "
        "certainty, and no difference between these methods is left for it to see. Counterfactual memorization, nats "
        "per token, does not end there."
    )
