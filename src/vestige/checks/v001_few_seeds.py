"""So few seeds that they say little of retraining."""

from __future__ import annotations

from typing import Final, final

from vestige.checks.base import Check, Verdict, of_the_study
from vestige.outcome.frames import Results

_ENOUGH: Final = 3
"""With these, differences at equal utility were measured to be covered and to be decided at .05 AUC in 3 of 4."""


@final
class FewSeeds(Check):
    """Three or more seeds were trained, so that the numbers know how much a retraining varies."""

    code = "V001"

    def look(self, results: Results) -> Verdict:
        seeds = len(results.facts.study.seeds)
        if seeds >= _ENOUGH:
            return of_the_study()
        return of_the_study(_ONE if seeds == 1 else _TWO)


_ONE: Final = (
    "One seed: the intervals of single numbers cover the choice of texts and know nothing of how much a retraining "
    "would vary. Where methods are compared, it is told from the two folds alone, and the interval is wide."
)
_TWO: Final = (
    "Two seeds: how much a retraining varies is told from two of them alone, so that a difference between methods is "
    "decided only where it is large."
)
