"""Methods compared at equal utility: what each gives away where all are equally good, and which give away less.

The leakage of a trained model grows with how long it is trained, and so does its utility, until it overfits: two
methods at the same epoch, or each at its best, differ by how far along they are before they differ in kind. So every
method is taken where its validation loss first falls by a share φ of what all of them can gain (`ground.py`), its
leakage is read off the curve through its checkpoints (`frontier.py`), and a difference bears three errors: the groups
of the pool, the groups of the validation texts, the trainings (`evaluation.py`, `retraining.py`).
"""

from __future__ import annotations

from vestige.metrics.comparison import Comparison
from vestige.metrics.differences import ONE_TRAINING, differences, resolution
from vestige.metrics.evaluation import Evaluation, Settings
from vestige.metrics.standings import of_utility, standing
from vestige.metrics.trajectories import Inputs
from vestige.records import Estimate


def compare(inputs: Inputs, settings: Settings) -> Comparison:
    """All methods of a base and corpus at equal utility, every pair of them.

    `inputs` says what each array is. Everything that hangs on chance does so through the seed of `settings.bootstrap`.
    ValueError where shapes disagree or the primary attack is none of the attacks; what cannot be compared honestly is
    refused with its reason.
    """
    evaluation = Evaluation(inputs, settings)
    places = evaluation.ground.points
    arms_of = {method: places.arms(method) for method in places.methods}
    return Comparison(
        utility=inputs.axis.name,
        primary=settings.primary,
        margin=settings.margin,
        base_loss=inputs.axis.shown(float(places.base[0])),
        reach=_reach(evaluation),
        standings=tuple(standing(evaluation, method) for method in places.methods),
        differences=tuple(differences(evaluation)),
        at_rate=tuple(method for method, arms in arms_of.items() if len(arms) == 1),
        scope=evaluation.scope,
        resolution=resolution(evaluation),
        warnings=tuple(_warnings(evaluation)),
    )


def _reach(evaluation: Evaluation) -> Estimate:
    """What all that are compared gain; of a study of one method, what that one does."""
    if len(evaluation.compared) < min(2, len(evaluation.aside)):
        number = len(evaluation.compared)
        reason = f"{number} of {len(evaluation.aside)} methods can be compared, it takes two"
        return evaluation.refused(
            reason, signature=evaluation.signature("reach", level=1.0), counts=evaluation.counts("reach")
        )
    return of_utility(evaluation, evaluation.ground.reach(evaluation.compared), what="reach")


def _warnings(evaluation: Evaluation) -> list[str]:
    alone = [] if evaluation.inputs.units else [f"every interval is {ONE_TRAINING}"]
    return [*evaluation.few_groups(evaluation.settings.primary), *alone]
