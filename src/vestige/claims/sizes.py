"""How the leakage of methods grows with the size of the base, from the slopes that the study has drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from statistics import NormalDist
from typing import Final

from vestige.claims.measured import Measured, independent, of_shared_texts
from vestige.claims.places import parameters_of
from vestige.claims.protocol import Methods, OpenQuestionError, answered
from vestige.metrics.slopes import Slope, Standing
from vestige.outcome.facts import Facts
from vestige.outcome.points import Section

_DOUBLING: Final = math.log10(2)
"""Slopes are for a tenfold."""


def per_doubling(
    facts: Facts, own: Sequence[Section], methods: Methods, *, attack: str, standing: Standing
) -> Measured:
    """The mean over methods of what a doubling of the base's parameters adds to Φ⁻¹(AUC), over the bases of a corpus.

    OpenQuestionError where no method has a slope there, or the study draws its slopes through other bases besides.
    """
    return of_shared_texts(answered([partial(_of_method, facts, own, one, attack, standing) for one in methods]))


def probit_margin(margin: float) -> float:
    """What a margin in AUC is in Φ⁻¹(AUC), counted from .50, where it is least: .05 is .126."""
    return round(NormalDist().inv_cdf(min(0.5 + margin, 0.999)), 3)


def _of_method(facts: Facts, own: Sequence[Section], method: str, attack: str, standing: Standing) -> Measured:
    corpus, sizes = own[0].corpus, {float(parameters_of(facts, one.base)) for one in own}
    if len(sizes) < 3:
        raise OpenQuestionError(f"{len(sizes)} of the three sizes that a slope takes on {corpus}: train more of them")
    found = _slope(facts, corpus, method, attack, standing)
    if {point.x for point in found.points} != sizes:
        raise OpenQuestionError(f"{method} on {corpus}: its slope goes through other bases than these; name them all")
    if found.slope.value is None:
        raise OpenQuestionError(f"{method} on {corpus}: {found.slope.reason}")
    return independent([(_DOUBLING, Measured.of(found.slope))])


def _slope(facts: Facts, corpus: str, method: str, attack: str, standing: Standing) -> Slope:
    key = (method, attack, standing)
    for scaling in facts.scalings:
        if (scaling.axis, scaling.over) == ("parameters", corpus):
            for found in scaling.slopes:
                if (found.series, found.what, found.standing) == key:
                    return found
    raise OpenQuestionError(f"no slope has been drawn for {method} by {attack} on {corpus}: run the study again")
