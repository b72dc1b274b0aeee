"""Two methods at equal utility: their difference, its interval, its p-values and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import final

import numpy as np
import scipy.stats

from vestige.metrics.comparison import (
    FEWEST_GROUPS,
    MEMORIZATION,
    PRIMARY_LEVEL,
    SATURATED,
    STRONGEST,
    Difference,
    UnderRate,
    Verdict,
)
from vestige.metrics.evaluation import NO_SCORE, Evaluation, ends_of
from vestige.metrics.ground import Position
from vestige.metrics.intervals import Part, Spread
from vestige.metrics.leaks import AucLeak
from vestige.metrics.max_t import adjusted_p_values, two_sided
from vestige.metrics.power import POWER
from vestige.metrics.replicated import Replicated
from vestige.metrics.retraining import Retraining
from vestige.metrics.rules import refusals, reserves
from vestige.records import Estimate, Floats

_EQUIVALENCE_LEVEL = 0.9
"""Two one-sided tests at 5% are a 90% interval (Schuirmann 1987, J. Pharmacokinetics and Biopharmaceutics 15)."""

ONE_TRAINING = (
    "of these trainings alone: with one seed and one fold nothing is known of what another training would give"
)

TWO_TRAININGS = (
    "two seeds, or two folds of one, are all that says how trainings differ: where that is by .03 AUC, such an "
    "interval covers 92% and not 95%"
)

_ENOUGH = 2
"""Degrees of freedom of the noise of retraining, below which an interval is under reserve."""


@final
@dataclass(frozen=True, eq=False)
class _Measured:
    """One difference before it is judged. `training`: the variance that retraining gives to it; `spread`: all of it."""

    pair: tuple[str, str]
    what: str
    level: float | None
    own_reach: bool
    number: Replicated
    training: list[Part]
    spread: Spread


def differences(evaluation: Evaluation) -> Iterator[Difference]:
    """Every pair of methods: the headlines at every level, on average and at the pair's own reach; every attack, and
    the strongest, at the primary level.
    """
    for pair in combinations(evaluation.compared, 2):
        yield from of_attacks(evaluation, pair)
        for what in evaluation.headlines:
            others = [level for level in evaluation.settings.levels if level != PRIMARY_LEVEL]
            yield from (_judged(evaluation, _at_common(evaluation, pair, what, level)) for level in (*others, None))
            yield _judged(evaluation, _at_own(evaluation, pair, what))
        if MEMORIZATION in evaluation.leaks:
            yield _judged(evaluation, _at_common(evaluation, pair, MEMORIZATION, PRIMARY_LEVEL))
        yield _judged(evaluation, _at_common(evaluation, pair, STRONGEST, PRIMARY_LEVEL))
    yield from _set_aside(evaluation)


def difference(evaluation: Evaluation, pair: tuple[str, str], *, what: str, level: float) -> Difference:
    """One pair by one quantity where both have that share of the common reach; p-values as if no other were asked."""
    return _judged(evaluation, _at_common(evaluation, pair, what, level))


def resolution(evaluation: Evaluation) -> float | None:
    """The difference by the primary attack that is found in four of five studies such as this one, in the median pair;
    None without a pair.
    """
    found = []
    for pair in combinations(evaluation.compared, 2):
        within = _at_common(evaluation, pair, evaluation.settings.primary, PRIMARY_LEVEL).spread
        quantiles = scipy.stats.t.ppf([(1 + evaluation.settings.bootstrap.level) / 2, POWER], within.df)
        found.append(within.error * float(np.sum(quantiles)))
    return float(np.median(found)) if found else None


def of_attacks(evaluation: Evaluation, pair: tuple[str, str]) -> Iterator[Difference]:
    """Each attack at the primary level, with the p-values of all that are not refused corrected for their number."""
    measured = [_at_common(evaluation, pair, attack, PRIMARY_LEVEL) for attack in evaluation.inputs.attacks]
    judged = [_judged(evaluation, one) for one in measured]
    tested = [i for i, one in enumerate(judged) if one.verdict != "refused"]
    if tested:
        adjusted = adjusted_p_values(
            [measured[i].number for i in tested],
            [measured[i].spread for i in tested],
            groups=evaluation.groups,
            training=np.array([sum(part.variance for part in measured[i].training) for i in tested]),
            seed=evaluation.settings.bootstrap.seed,
        )
        for i, p_value in zip(tested, adjusted.tolist(), strict=True):
            judged[i] = replace(judged[i], p_adjusted=p_value)
    yield from judged


def _at_common(evaluation: Evaluation, pair: tuple[str, str], what: str, level: float | None) -> _Measured:
    numbers = evaluation.numbers(what, level)
    training = evaluation.retraining(what, level).of_difference(*pair)
    number = numbers[pair[0]].minus(numbers[pair[1]])
    return _Measured(pair, what, level, False, number, training, evaluation.spread(number, training))


def _at_own(evaluation: Evaluation, pair: tuple[str, str], what: str) -> _Measured:
    """At the primary share of what the pair has in common: no other method is there to lend its noise."""
    positions = evaluation.own_positions(pair, PRIMARY_LEVEL)
    numbers = {m: evaluation.ground.value(evaluation.leaks[what], at) for m, at in positions.items()}
    training = Retraining.of(numbers).of_difference(*pair)
    number = numbers[pair[0]].minus(numbers[pair[1]])
    return _Measured(pair, what, PRIMARY_LEVEL, True, number, training, evaluation.spread(number, training))


def _judged(evaluation: Evaluation, one: _Measured) -> Difference:
    positions = _positions(evaluation, one)
    refusal = _refusal(evaluation, one, positions)
    outside = max(float(np.mean(_samples_outside(evaluation, at))) for level in positions for at in level.values())
    bare = _bare(evaluation, one, refusal=refusal, outside=outside)
    if refusal:
        return bare
    estimate = evaluation.estimate(
        one.number,
        one.spread,
        signature=bare.estimate.signature,
        counts=bare.estimate.counts,
        ends=ends_of(one.what, difference=True),
    )
    ties = _under_ties(evaluation, one) if one.level == PRIMARY_LEVEL and one.what in evaluation.headlines else ()
    p_value = two_sided(one.number.value, one.spread)
    bound = abs(one.number.value) + one.spread.reach(_EQUIVALENCE_LEVEL)
    margin = evaluation.settings.memorization_margin if one.what == MEMORIZATION else evaluation.settings.margin
    return replace(
        bare,
        estimate=estimate,
        p_value=p_value,
        p_adjusted=p_value,
        equivalence_bound=bound,
        verdict=_verdict(estimate, bound=bound, margin=margin),
        reason="; ".join(_reasons(evaluation, one, positions)),
        under_ties=tuple(ties),
    )


def _under_ties(evaluation: Evaluation, one: _Measured) -> Iterator[UnderRate]:
    """The difference with each attacked rate in play alone that the data cannot tell from the chosen one."""
    arms = [arm for arm in evaluation.inputs.arms if arm.method in one.pair and len(arm.attacked)]
    for arm in arms:
        if arm.learning_rate not in evaluation.tied(arm.method):
            continue
        fixed = evaluation.at_rate(arm.method, arm.learning_rate)
        if set(one.pair) <= set(fixed.compared):
            yield UnderRate(
                arm.method, arm.learning_rate, _again(fixed, one, reach=f"{arm.method}@{arm.learning_rate:g}")
            )


def _again(fixed: Evaluation, one: _Measured, *, reach: str) -> Estimate:
    again = _at_own(fixed, one.pair, one.what) if one.own_reach else _at_common(fixed, one.pair, one.what, one.level)
    signature = fixed.signature(one.what, level=one.level, reach=reach)
    counts, ends = fixed.counts(one.what), ends_of(one.what, difference=True)
    return fixed.estimate(again.number, again.spread, signature=signature, counts=counts, ends=ends)


def _verdict(estimate: Estimate, *, bound: float, margin: float | None) -> Verdict:
    assert estimate.low is not None
    assert estimate.high is not None
    if estimate.high < 0:
        return "less"
    if estimate.low > 0:
        return "more"
    return "equivalent" if margin is not None and bound < margin else "undecided"


def _positions(evaluation: Evaluation, one: _Measured) -> list[Mapping[str, Position]]:
    """Where both methods are taken: at one level, or for a mean at each of those that stand beside it."""
    if one.own_reach:
        return [evaluation.own_positions(one.pair, PRIMARY_LEVEL)]
    levels = evaluation.settings.levels if one.level is None else (one.level,)
    return [{method: evaluation.positions(level)[method] for method in one.pair} for level in levels]


def _refusal(evaluation: Evaluation, one: _Measured, positions: Sequence[Mapping[str, Position]]) -> str:
    """The first reason not to say a number, or an empty string."""
    few = evaluation.too_few_groups(one.what, below=FEWEST_GROUPS)
    if few:
        return few
    levels = [one.level] if one.level is not None else list(evaluation.settings.levels)
    for level, both in zip(levels, positions, strict=True):
        leaks = [evaluation.leak(one.what, position) for position in both.values()]
        for leak, position in zip(leaks, both.values(), strict=True):
            reason = next(refusals(evaluation.ground, position, leak=leak, level=level), "")
            if reason:
                return reason
        values = [evaluation.ground.at(leak, position) for leak, position in zip(leaks, both.values(), strict=True)]
        if all(isinstance(leak, AucLeak) for leak in leaks) and min(values) > SATURATED:
            return f"saturated: both AUCs are above {SATURATED:g}"
    return "" if np.isfinite([one.number.value, one.spread.error]).all() else NO_SCORE


def _reasons(evaluation: Evaluation, one: _Measured, positions: Sequence[Mapping[str, Position]]) -> list[str]:
    """What weakens a difference."""
    found = [reason for both in positions for at in both.values() for reason in reserves(evaluation.ground, at)]
    alone = [] if evaluation.inputs.units else [ONE_TRAINING]
    two = [TWO_TRAININGS] if any(part.df < _ENOUGH for part in one.training) else []
    return list(dict.fromkeys([*evaluation.few_groups(one.what), *alone, *two, *found]))


def _samples_outside(evaluation: Evaluation, position: Position) -> Floats:
    return evaluation.ground.outside(position)[len(evaluation.inputs.mixing) :]


def _bare(evaluation: Evaluation, one: _Measured, *, refusal: str, outside: float) -> Difference:
    """The record with everything but a number."""
    places = evaluation.ground.points
    reach = places.reach(one.pair if one.own_reach else evaluation.compared)
    target = float(places.target(reach, PRIMARY_LEVEL if one.level is None else one.level)[0])
    pooled = not one.own_reach and evaluation.retraining(one.what, one.level).is_pooled
    of = "own" if one.own_reach else "common"
    signature = evaluation.signature(one.what, level=one.level, pooled=pooled, reach=of)
    estimate = evaluation.refused(refusal, signature=signature, counts=evaluation.counts(one.what))
    return Difference(
        *one.pair,
        what=one.what,
        level=one.level,
        loss=evaluation.inputs.axis.shown(target),
        estimate=estimate,
        p_value=None,
        p_adjusted=None,
        equivalence_bound=None,
        verdict="refused",
        reason=refusal,
        outside=outside,
        own_reach=one.own_reach,
    )


def _set_aside(evaluation: Evaluation) -> Iterator[Difference]:
    """Pairs with a method that never gets there, refused for that by the headlines."""
    if not evaluation.compared:
        return
    places = evaluation.ground.points
    loss = evaluation.inputs.axis.shown(float(places.target(places.reach(evaluation.compared), PRIMARY_LEVEL)[0]))
    for pair in combinations(places.methods, 2):
        reason = "; ".join(f"{method} {evaluation.aside[method]}" for method in pair if evaluation.aside[method])
        for what in evaluation.headlines if reason else ():
            signature = evaluation.signature(what, level=PRIMARY_LEVEL)
            estimate = evaluation.refused(reason, signature=signature, counts=evaluation.counts(what))
            yield Difference(*pair, what, PRIMARY_LEVEL, loss, estimate, None, None, None, "refused", reason)
