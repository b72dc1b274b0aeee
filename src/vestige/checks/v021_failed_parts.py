"""Parts of a study that failed."""

from __future__ import annotations

from typing import final

from vestige.checks.base import Check, Verdict, of_the_study
from vestige.outcome.frames import Results


@final
class FailedParts(Check):
    """No part of the study failed when it was last run."""

    code = "V021"

    def look(self, results: Results) -> Verdict:
        failed = len(results.facts.failures)
        parts = "1 part of the study" if failed == 1 else f"{failed} parts of the study"
        said = f"{parts} failed and left no numbers; each is named below, under “Failures”."
        return of_the_study(said) if failed else of_the_study()
