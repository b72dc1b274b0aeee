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
        study = results.facts.study
        if len(study.seeds) >= _ENOUGH:
            return of_the_study()
        if len(study.seeds) == 2:
            return of_the_study(_TWO)
        return of_the_study(_ONE if study.folds > 1 else _ONE_TRAINING)


_ONE_TRAINING: Final = (
    "One seed and one fold: the intervals cover the choice of texts, hold for these trainings alone and know nothing "
    "of how much a retraining would vary."
)
_ONE: Final = (
    "One seed: how much a retraining varies is told from the two folds alone, so that intervals are wide and a "
    "difference between methods is decided only where it is large. That of a TPR knows nothing of it."
)
_TWO: Final = (
    "Two seeds: how much a retraining varies is told from two of them alone, so that a difference between methods is "
    "decided only where it is large."
)
