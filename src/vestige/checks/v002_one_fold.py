"""A single fold, whose members and non-members are different texts."""

from __future__ import annotations

from typing import final

from vestige.checks.base import Check, Verdict, of_the_study
from vestige.outcome.frames import Results


@final
class OneFold(Check):
    """Both folds were trained, so that every text is once a member and once not."""

    code = "V002"

    def look(self, results: Results) -> Verdict:
        if results.facts.study.folds > 1:
            return of_the_study()
        return of_the_study(
            "One fold: members and non-members are different texts, and a chance difference looks like leakage."
        )
