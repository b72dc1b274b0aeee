"""How leakage grows along a series: of model sizes, of training texts, of trained parameters.

Every point of a series is one method in a study, taken at one of three *standings*: where it first has 90% of what it
can gain itself, at its own lowest validation loss, or at the last checkpoint, which is how such series are published.
The AUC enters as Φ⁻¹(AUC), which has no ceiling, memorization and bits as they are. The slope is that of a
least-squares line against log₁₀ of what is varied, so that it says what a tenfold adds. It is a weighted sum of the
points in every bootstrap sample and every seed, and has its interval as a difference has (`evaluation.py`).

A true-positive rate enters as log(TPR − FPR), at checkpoints and by seed alone: a bootstrap of the few texts beyond a
threshold says little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from scipy.special import ndtri

from vestige.metrics.comparison import BITS, FEWEST_GROUPS, MEMORIZATION, PRIMARY_LEVEL
from vestige.metrics.evaluation import Evaluation, ends_of
from vestige.metrics.ground import Position
from vestige.metrics.intervals import group_part, spread, t_interval, training_part
from vestige.metrics.replicated import Replicated, combined
from vestige.metrics.roc import weighted_tpr_at_fpr
from vestige.metrics.rules import refusals
from vestige.metrics.slopes import Measured, Slope, Standing
from vestige.records import Estimate, Floats

_VERSION: Final = "v:1"
"""Raise it with any change that moves a value or an interval."""

FEWEST_POINTS: Final = 3
"""Points that a slope is drawn through at least."""


@final
@dataclass(frozen=True, eq=False)
class Point:
    """One method in the study of one base and corpus, and how much it has of what is varied, `x`."""

    x: float
    evaluation: Evaluation
    method: str


def slope(points: Sequence[Point], what: str, standing: Standing, *, series: str) -> Slope:
    """How an attack's AUC, memorization or bits grow along a series of that name.

    Refused where there are fewer than three points, or one of them has no number at this standing, which the reason
    names. ValueError for points twice at one x, KeyError where a study has no such quantity.
    """
    along = _Series(tuple(points), what, standing)
    return Slope(
        series=series,
        what=what,
        standing=standing,
        slope=along.estimate("slope", line_weights),
        bend=along.estimate("bend", bend_weights),
        r_squared=None if along.reason else r_squared(along.xs, np.array([one.value for one in along.numbers])),
        points=tuple(Measured(point.x, one) for point, one in zip(points, along.found, strict=True)),
    )


def tpr_slope(points: Sequence[Point], attack: str, standing: Standing, *, fpr: float, series: str) -> Slope:
    """How an attack's TPR at a false-positive rate grows along a series, as log(TPR − FPR); errors as in `slope`.

    Refused besides at the standing `share`, which lies between checkpoints, and where a seed has no more true positives
    than chance.
    """
    along = _Series(tuple(points), attack, standing)
    first = points[0].evaluation
    what = f"tpr@{fpr:g}:{attack}"
    reason = along.reason or ("it lies between checkpoints" if standing == "share" else "")
    few = next((f"{one.x:g}: {why}" for one in points if (why := _too_few(one, attack, fpr=fpr))), "")
    reason = reason or few
    rates = np.zeros((len(points), 1)) if reason else np.array([_rates(one, attack, standing, fpr) for one in points])
    if not reason and (rates <= fpr).any():
        at = points[int(np.argmax((rates <= fpr).any(axis=1)))].x
        reason = f"{at:g}: a seed has no more true positives than chance"
    elif not reason and rates.shape[1] < 2:
        reason = "one seed says nothing of another"

    def estimate(name: str, weights: Floats) -> Estimate:
        signature = f"{name}|{along.signature_of(what)}|unit:seed"
        counts = first.counts(attack)
        if reason:
            return Estimate(None, None, None, counts, signature, reason)
        values = (weights @ np.log(rates - fpr)).tolist()
        level = first.settings.bootstrap.level
        ends = t_interval(float(np.mean(values)), parts=[training_part(values)], level=level)
        return Estimate(float(np.mean(values)), ends.low, ends.high, counts, signature)

    means = rates.mean(axis=1)
    return Slope(
        series=series,
        what=what,
        standing=standing,
        slope=estimate("slope", line_weights(along.xs)),
        bend=estimate("bend", bend_weights(along.xs)),
        r_squared=None if reason else r_squared(along.xs, np.log(rates - fpr).mean(axis=1)),
        points=tuple(
            Measured(point.x, Estimate(None if reason else float(rate), None, None, first.counts(attack), what, reason))
            for point, rate in zip(points, means, strict=True)
        ),
    )


def line_weights(xs: Floats) -> Floats:
    """What each of the values at `xs` counts in the slope of the least-squares line through them."""
    off = xs - xs.mean()
    weights: Floats = off / max(float(np.sum(off**2)), np.finfo(np.float64).tiny)
    return weights


def bend_weights(xs: Floats) -> Floats:
    """What each counts in the slope of the line through the later half of the points minus that through the earlier
    one; the middle point, or the middle two, belong to both.
    """
    order, half = np.argsort(xs), len(xs) // 2 + 1
    weights = np.zeros(len(xs))
    weights[order[-half:]] += line_weights(xs[order[-half:]])
    weights[order[:half]] -= line_weights(xs[order[:half]])
    return weights


def r_squared(xs: Floats, values: Floats) -> float:
    """How much of what varies between the values the least-squares line through them has; 1 where nothing does."""
    total = float(np.sum((values - values.mean()) ** 2))
    explained = float(np.sum(((line_weights(xs) @ values) * (xs - xs.mean())) ** 2))
    return explained / total if total else 1.0


@final
@dataclass(frozen=True, eq=False)
class _Series:
    """A quantity at every point of a series."""

    points: tuple[Point, ...]
    what: str
    standing: Standing

    def __post_init__(self) -> None:
        if len({point.x for point in self.points}) < len(self.points):
            raise ValueError("expected each point at an x of its own")

    @property
    def xs(self) -> Floats:
        return np.log10([point.x for point in self.points])

    @cached_property
    def positions(self) -> list[Position]:
        return [position_of(point, self.standing) for point in self.points]

    @cached_property
    def shown(self) -> list[Replicated]:
        pairs = zip(self.points, self.positions, strict=True)
        return [one.evaluation.ground.value(one.evaluation.leaks[self.what], at) for one, at in pairs]

    @cached_property
    def numbers(self) -> list[Replicated]:
        """On the scale of the line."""
        if self.what in (MEMORIZATION, BITS):
            return self.shown
        return [Replicated(*map(_probit, (one.points, one.pool, one.validation))) for one in self.shown]

    @cached_property
    def found(self) -> list[Estimate]:
        """The quantity at every point, with its interval, or why there is none."""
        return [self._found(*each) for each in zip(self.points, self.positions, self.shown, strict=True)]

    def _found(self, point: Point, position: Position, number: Replicated) -> Estimate:
        evaluation = point.evaluation
        signature, counts = self.signature_of(self.what), evaluation.counts(self.what)
        reason = evaluation.too_few_groups(self.what, below=FEWEST_GROUPS)
        if not reason and self.standing == "share":
            leak = evaluation.leaks[self.what]
            reason = next(refusals(evaluation.ground, position, leak=leak, level=PRIMARY_LEVEL), "")
        elif not reason:
            reason = _not_attacked(point, position, self.standing)
        if reason:
            return evaluation.refused(reason, signature=signature, counts=counts)
        within, ends = evaluation.spread(number, number.training), ends_of(self.what, difference=False)
        return evaluation.estimate(number, within, signature=signature, counts=counts, ends=ends)

    @cached_property
    def reason(self) -> str:
        """Why no line is drawn; empty where one is."""
        if len(self.points) < FEWEST_POINTS:
            return f"{len(self.points)} points, a slope takes at least {FEWEST_POINTS}"
        pairs = zip(self.points, self.found, strict=True)
        if without := next((f"{point.x:g}: {one.reason}" for point, one in pairs if one.value is None), ""):
            return without
        return "the studies have different seeds" if len({len(one.units) for one in self.numbers}) > 1 else ""

    def estimate(self, name: str, weights_of: Callable[[Floats], Floats]) -> Estimate:
        """A weighted sum of the points, with its interval."""
        first = self.points[0].evaluation
        signature, counts = f"{name}|{self.signature_of(self.what)}", first.counts(self.what)
        if self.reason:
            return first.refused(self.reason, signature=signature, counts=counts)
        # Points on one pool share its samples, so that what a hard text does to all of them cancels. Nested pools are
        # of other sizes and drawn apart: what they have in common is not taken off, which is on the safe side.
        number = combined(self.numbers, weights=weights_of(self.xs).tolist())
        pools, validations = zip(*(point.evaluation.groups for point in self.points), strict=True)
        parts = [group_part(number.pool, groups=min(pools)), group_part(number.validation, groups=min(validations))]
        return first.estimate(number, spread([*parts, *number.training]), signature=signature, counts=counts)

    def signature_of(self, what: str) -> str:
        """How a number of it was made, in a line."""
        first = self.points[0].evaluation
        where = f"phi:{PRIMARY_LEVEL:g}|reach:own" if self.standing == "share" else f"at:{self.standing}"
        return f"{what}|{where}|points:{len(self.points)}|{first.settings.bootstrap.signature}|{_VERSION}"


def position_of(point: Point, standing: Standing) -> Position:
    """Where a method is taken at a standing."""
    ground, method = point.evaluation.ground, point.method
    if standing == "share":
        return point.evaluation.own_positions([method], PRIMARY_LEVEL)[method]
    return ground.at_lowest(method) if standing == "lowest" else ground.at_last_attacked(method)


def _probit(auc: Floats) -> Floats:
    # A curve of d′ is kept within what the texts can tell, so that neither end is met but by rounding.
    probit: Floats = ndtri(np.clip(auc, 1e-6, 1 - 1e-6))
    return probit


def _not_attacked(point: Point, position: Position, standing: Standing) -> str:
    """Why nothing is known at a checkpoint; empty where it was attacked."""
    ground, arm = point.evaluation.ground, point.evaluation.inputs.arms[position.arm]
    if standing == "last" and int(arm.attacked[-1]) != len(arm.epochs) - 1:
        return "its last checkpoint was not attacked"
    return "the checkpoint of its lowest loss was not attacked" if ground.outside(position)[0] else ""


def _too_few(point: Point, attack: str, *, fpr: float) -> str:
    """Why there is no threshold at a false-positive rate; empty where there is one."""
    inputs = point.evaluation.inputs
    fewest = int((~inputs.is_member[:, inputs.scored[attack]]).sum(axis=1).min())
    return f"{fewest} non-members, at least {round(1 / fpr)} are needed" if fewest * fpr < 1 else ""


def _rates(point: Point, attack: str, standing: Standing, fpr: float) -> Floats:
    """TPR of each seed, over its folds, at the attacked checkpoint nearest to the standing, shape (seeds,)."""
    evaluation, position = point.evaluation, position_of(point, standing)
    arm, inputs = evaluation.inputs.arms[position.arm], evaluation.inputs
    axis = evaluation.ground.attacked_axis(position.arm)[1:]
    at, scored = int(np.argmin(np.abs(axis - position.place))), inputs.scored[attack]
    once = np.ones((1, int(scored.sum())))
    rates = np.array(
        [
            weighted_tpr_at_fpr(scores, is_member=own, weights=once, fpr=fpr)[0]
            for scores, own in zip(arm.scores[attack][:, at, scored], inputs.is_member[:, scored], strict=True)
        ]
    )
    return np.array([rates[inputs.seeds == seed].mean() for seed in np.unique(inputs.seeds)])
