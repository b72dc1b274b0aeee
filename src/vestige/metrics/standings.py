"""One method in a comparison: how far it gets, what it gives away on the way, and what its last steps cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vestige.metrics.comparison import (
    FEWEST_GROUPS,
    MEMORIZATION,
    PRIMARY_LEVEL,
    STRONGEST,
    AtLevel,
    Crossing,
    CurvePoint,
    Standing,
)
from vestige.metrics.evaluation import Evaluation, ends_of
from vestige.metrics.frontier import Curve
from vestige.metrics.intervals import group_part, spread, training_part
from vestige.metrics.leaks import MemorizationLeak
from vestige.metrics.replicated import Replicated
from vestige.metrics.rules import refusals, reserves
from vestige.records import Estimate, Floats

_BETWEEN_KNOTS = 4
"""Points of a drawn curve from one checkpoint to the next."""

_LAST_PART = 0.95


def standing(evaluation: Evaluation, method: str) -> Standing:
    """What one method came to."""
    places = evaluation.ground.points
    arm = evaluation.inputs.arms[int(places.chosen(method)[0])]
    is_compared = method in evaluation.compared
    return Standing(
        method=method,
        learning_rate=arm.learning_rate,
        tied=evaluation.tied(method),
        gain=of_utility(evaluation, evaluation.ground.gain(method), what="gain"),
        set_aside=evaluation.aside[method],
        crossings=tuple(_crossings(evaluation, method)),
        found=tuple(_found(evaluation, method)) if is_compared else (),
        last_part=_last_part(evaluation, method) if is_compared else None,
        curve=tuple(_curve(evaluation, method)),
        warnings=tuple(_warnings(evaluation, method)) if is_compared else (),
    )


def of_utility(evaluation: Evaluation, number: Replicated, *, what: str) -> Estimate:
    """A gain with its interval: validation texts and retraining."""
    return evaluation.estimate(
        number,
        evaluation.spread(number, number.training),
        signature=evaluation.signature(what, level=1.0),
        counts=evaluation.counts(what),
    )


def _crossings(evaluation: Evaluation, method: str) -> Iterator[Crossing]:
    places = evaluation.ground.points
    arm = int(places.chosen(method)[0])
    for level in evaluation.settings.levels if evaluation.compared else ():
        target = places.target(places.reach(evaluation.compared), level)
        place = float(places.trajectories[arm].cost.first_reach(target)[0])
        epoch = _epoch(evaluation, arm, place) if np.isfinite(place) else None
        yield Crossing(level, evaluation.inputs.axis.shown(float(target[0])), epoch)


def _epoch(evaluation: Evaluation, arm: int, place: float) -> float:
    """x = log(epoch + first), turned round."""
    return float(np.exp(place) - evaluation.inputs.arms[arm].epochs[0])


def _found(evaluation: Evaluation, method: str) -> Iterator[AtLevel]:
    for what in evaluation.headlines:
        yield from (_at_level(evaluation, method, what, level) for level in evaluation.settings.levels)
    others = [attack for attack in evaluation.inputs.attacks if attack != evaluation.settings.primary]
    yield from (_at_level(evaluation, method, what, PRIMARY_LEVEL) for what in (*others, STRONGEST))
    if MEMORIZATION not in evaluation.leaks:
        reason = MemorizationLeak.refusal(evaluation.inputs)
        signature = evaluation.signature(MEMORIZATION, level=PRIMARY_LEVEL)
        refused = evaluation.refused(reason, signature=signature, counts=evaluation.counts(evaluation.settings.primary))
        yield AtLevel(MEMORIZATION, PRIMARY_LEVEL, refused)


def _at_level(evaluation: Evaluation, method: str, what: str, level: float) -> AtLevel:
    number = evaluation.numbers(what, level)[method]
    noise = evaluation.retraining(what, level)
    within = evaluation.spread(number, noise.of_method(method))
    signature = evaluation.signature(what, level=level, pooled=noise.is_pooled)
    counts, ends = evaluation.counts(what), ends_of(what, difference=False)
    estimate = evaluation.estimate(number, within, signature=signature, counts=counts, ends=ends)
    few = evaluation.too_few_groups(what, below=FEWEST_GROUPS)
    position = evaluation.positions(level)[method]
    reason = few or next(refusals(evaluation.ground, position, leak=evaluation.leak(what, position), level=level), "")
    if reason:
        estimate = evaluation.refused(reason, signature=signature, counts=counts)
    return AtLevel(what, level, estimate)


def _last_part(evaluation: Evaluation, method: str) -> Estimate:
    """The primary attack's AUC at the lowest loss minus that at 95% of the way to it."""
    ground, primary = evaluation.ground, evaluation.settings.primary
    leak = evaluation.leaks[primary]
    before = ground.at_share([method], _LAST_PART, reach_of=[method])[method]
    number = ground.value(leak, ground.at_lowest(method)).minus(ground.value(leak, before))
    return evaluation.estimate(
        number,
        evaluation.spread(number, number.training),
        signature=evaluation.signature(primary, level=1.0, reach="own:minus:0.95"),
        counts=evaluation.counts(primary),
        ends=ends_of(primary, difference=True),
    )


def _curve(evaluation: Evaluation, method: str) -> Iterator[CurvePoint]:
    """The primary attack's AUC along the training, from epoch 0 to the last attacked checkpoint; nothing where nothing
    was gained or the attack scores no class.
    """
    ground, inputs = evaluation.ground, evaluation.inputs
    leak = evaluation.leaks[evaluation.settings.primary]
    arm = int(ground.points.chosen(method)[0])
    curve, cost = ground.curve(leak, arm), ground.points.trajectories[arm].cost
    resampled = Curve.through(curve.x, leak.resampled(arm, np.arange(len(curve.x))))
    reach = float(ground.points.reach(evaluation.compared or [method])[0])
    base = float(ground.points.base[0])
    scored = not evaluation.too_few_groups(leak.name, below=2)
    for place in _drawn(cost.x[cost.x <= curve.x[-1]]) if reach > 0 and scored else ():
        here = np.array([place])
        auc, loss = leak.shown(curve.at(here)), float(cost.at(here)[0])
        parts = [
            group_part(
                leak.shown(resampled.at(here))[: evaluation.settings.bootstrap.samples], groups=evaluation.groups[0]
            )
        ]
        parts += [training_part(auc[1:].tolist())] if len(auc) > 2 else []
        wide = spread(parts).reach(evaluation.settings.bootstrap.level)
        yield CurvePoint(
            share=(base - loss) / reach,
            loss=inputs.axis.shown(loss),
            epoch=_epoch(evaluation, arm, place),
            auc=float(auc[0]),
            low=max(0.0, float(auc[0]) - wide),
            high=min(1.0, float(auc[0]) + wide),
            attacked=bool(np.isin(place, curve.x[1:])),
        )


def _drawn(knots: Floats) -> list[float]:
    """The knots and a few places between each two."""
    steps = np.arange(_BETWEEN_KNOTS) / _BETWEEN_KNOTS
    between = knots[:-1, None] + np.diff(knots)[:, None] * steps
    return [*between.ravel().tolist(), float(knots[-1])]


def _warnings(evaluation: Evaluation, method: str) -> list[str]:
    found = reserves(evaluation.ground, evaluation.positions(PRIMARY_LEVEL)[method])
    return [*evaluation.few_groups(evaluation.settings.primary), *found]
