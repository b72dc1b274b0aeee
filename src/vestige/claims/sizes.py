"""How the leakage of methods grows with the size of the base, from the slopes that the study has drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Final

from scipy.special import ndtri

from vestige.claims.measured import Measured, of_shared_texts
from vestige.claims.places import parameters_of
from vestige.claims.protocol import Methods, OpenQuestionError, answered
from vestige.metrics.scaling import FEWEST_POINTS
from vestige.metrics.slopes import Slope, Standing
from vestige.outcome.facts import Facts
from vestige.outcome.points import Section

TEST: Final = (
    "the slope of Φ⁻¹(AUC) against the logarithm of the parameters, for a doubling, by Student's t over groups and "
    "trainings; at the last checkpoint, or at 90% of what each size gains itself"
)
"""How growth with size is tested, at equal epochs and at equal utility."""

_DOUBLING: Final = math.log10(2)
"""Slopes are for a tenfold."""


def per_doubling(
    facts: Facts, own: Sequence[Section], methods: Methods, *, attack: str, standing: Standing
) -> Measured:
    """The mean over methods of what a doubling of the base's parameters adds to Φ⁻¹(AUC), over the bases of a corpus.

    OpenQuestionError where they are too few, or not told apart by their size, the attack is not the one that slopes are
    drawn for, or no method has a slope through these bases.
    """
    corpus, sizes = own[0].corpus, _sizes(facts, own)
    if attack != facts.study.primary:
        raise OpenQuestionError(
            f"slopes over sizes are drawn for the primary attack, {facts.study.primary}, and the claim is of {attack}"
        )
    return of_shared_texts(
        answered([partial(_of_method, facts, corpus, sizes, one, attack, standing) for one in methods])
    )


def probit_margin(margin: float) -> float:
    """What a margin in AUC is in Φ⁻¹(AUC), counted from .50, where it is least: .05 is .126."""
    return float(ndtri(min(0.5 + margin, 0.999)))


def _sizes(facts: Facts, own: Sequence[Section]) -> set[float]:
    found = [float(parameters_of(facts, one.base)) for one in own]
    if len(set(found)) < FEWEST_POINTS:
        raise OpenQuestionError(
            f"{len(set(found))} of the {FEWEST_POINTS} sizes that a slope takes on {own[0].corpus}: train more of them"
        )
    every = [one.parameters for one in facts.bases]
    if twice := next((size for size in found if every.count(int(size)) > 1), None):
        raise OpenQuestionError(f"several bases have {twice:,.0f} parameters: a slope takes one of each size")
    return set(found)


def _of_method(facts: Facts, corpus: str, sizes: set[float], method: str, attack: str, standing: Standing) -> Measured:
    found = _slope(facts, corpus, method, attack, standing)
    if found.slope.value is None:
        raise OpenQuestionError(f"{method} on {corpus}: {found.slope.reason}")
    drawn = {point.x for point in found.points}
    if others := drawn - sizes:
        raise OpenQuestionError(
            f"{method} on {corpus}: its slope goes through bases besides, of {_said(others)} parameters; name them too"
        )
    if missing := sizes - drawn:
        raise OpenQuestionError(f"{method} on {corpus}: nothing is known of it at {_said(missing)} parameters")
    return Measured.of(found.slope).times(_DOUBLING)


def _said(sizes: set[float]) -> str:
    return ", ".join(f"{size:,.0f}" for size in sorted(sizes))


def _slope(facts: Facts, corpus: str, method: str, attack: str, standing: Standing) -> Slope:
    key = (method, attack, standing)
    for scaling in facts.scalings:
        if (scaling.axis, scaling.over) == ("parameters", corpus):
            for found in scaling.slopes:
                if (found.series, found.what, found.standing) == key:
                    return found
    raise OpenQuestionError(f"no slope has been drawn for {method} on {corpus}: fewer than {FEWEST_POINTS} sizes of it")
