"""Learning rates that were searched on fewer trainings than the numbers are of."""

from __future__ import annotations

from typing import final

from vestige.checks.base import Check, Verdict, not_applicable, of_the_study
from vestige.outcome.frames import Results
from vestige.outcome.points import cells_of


@final
class SearchOnOneSeat(Check):
    """The learning rates were searched on every seed and fold that is trained."""

    code = "V007"

    def look(self, results: Results) -> Verdict:
        if results.facts.study.training.search != "validation" or not any(one.rivals for one in results.facts.search):
            return not_applicable("no learning rate was searched")
        if cells_of(results) == 1:
            return of_the_study()
        return of_the_study("Learning rates were searched on the first seed and fold only.")
