"""A single seed, which says nothing of retraining."""

from __future__ import annotations

from typing import final

from vestige.checks.base import Check, Verdict, of_the_study
from vestige.outcome.frames import Results


@final
class OneSeed(Check):
    """More than one seed was trained, so that the numbers know something of how much a retraining varies."""

    code = "V001"

    def look(self, results: Results) -> Verdict:
        if len(results.facts.study.seeds) > 1:
            return of_the_study()
        return of_the_study(
            "One seed: the intervals cover the choice of texts and know nothing of how much a retraining would vary."
        )
