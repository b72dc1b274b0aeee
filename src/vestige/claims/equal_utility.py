"""The same questions asked where all methods are equally useful."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import ClassVar, Final, final

from vestige.claims.measured import Measured, minus, of_shared_texts
from vestige.claims.protocol import Methods, OpenQuestionError, Protocol, answered
from vestige.claims.sizes import per_doubling
from vestige.metrics.comparison import LEVELS, PRIMARY_LEVEL, Comparison, Standing
from vestige.outcome.frames import Results
from vestige.outcome.points import Section

_ENDS: Final = (min(LEVELS), max(LEVELS))


@final
class EqualUtility(Protocol):
    """Where each method first has 90% of the gain that all of them reach."""

    name: ClassVar[str] = "equal utility"
    test: ClassVar[str] = (
        "paired difference at 90% of the common gain, by Student's t over groups, validation texts and trainings; a "
        "mean over pairs is as wide as the mean of their intervals"
    )

    def __init__(self, results: Results, *, attack: str) -> None:
        self._facts = results.facts
        self._attack = attack

    def leakage(self, section: Section, methods: Methods) -> Measured:
        """At 90% of the common gain."""
        return of_shared_texts([self._at(section, method, PRIMARY_LEVEL) for method in methods])

    def leakage_apart(self, section: Section, methods: Methods, others: Methods) -> Measured:
        """The mean over all pairs of a method and another that can be compared."""
        return of_shared_texts(
            answered([partial(self._difference, section, *pair) for pair in product(methods, others)])
        )

    def growth_with_size(self, own: Sequence[Section], methods: Methods) -> Measured:
        """At 90% of what each size gains itself: a common gain would be all that the smallest has."""
        return per_doubling(self._facts, own, methods, attack=self._attack, standing="share")

    def growth(self, section: Section, methods: Methods) -> Measured:
        """With utility, since equal utility leaves no epochs to grow with: from 80% to 95% of the common gain."""
        return of_shared_texts(answered([partial(self._growth, section, method) for method in methods]))

    def utility_apart(self, section: Section, methods: Methods, others: Methods) -> Measured:
        """What each gains at most, at its lowest validation loss."""
        own, other = (of_shared_texts([self._gain(section, one) for one in labels]) for labels in (methods, others))
        return minus(own, other)

    def _comparison(self, section: Section) -> Comparison:
        found = self._facts.comparison(base=section.base, corpus=section.corpus)
        if found is None:
            raise OpenQuestionError(f"the methods on {section.name} have not been compared at equal utility")
        return found

    def _standing(self, section: Section, method: str) -> Standing:
        standings = {one.method: one for one in self._comparison(section).standings}
        if method not in standings:
            raise OpenQuestionError(f"{method} on {section.name} has not been compared")
        return standings[method]

    def _at(self, section: Section, method: str, level: float) -> Measured:
        standing = self._standing(section, method)
        estimate = standing.at(self._attack, level=level)
        if estimate is None or estimate.value is None:
            reason = standing.set_aside or (estimate.reason if estimate else "not measured there")
            raise OpenQuestionError(f"{method} on {section.name}: {reason}")
        return Measured.of(estimate)

    def _growth(self, section: Section, method: str) -> Measured:
        low, high = (self._at(section, method, level) for level in _ENDS)
        return minus(high, low)

    def _gain(self, section: Section, method: str) -> Measured:
        gain = self._standing(section, method).gain
        if gain.value is None:
            raise OpenQuestionError(f"{method} on {section.name}: {gain.reason}")
        return Measured.of(gain)

    def _difference(self, section: Section, method: str, other: str) -> Measured:
        found = self._comparison(section).difference(method, other, what=self._attack)
        if found is None:
            raise OpenQuestionError(f"{method} and {other} on {section.name} have not been compared by {self._attack}")
        if found.estimate.value is None:
            raise OpenQuestionError(f"{method} and {other} on {section.name}: {found.reason or found.estimate.reason}")
        measured = Measured.of(found.estimate, bound=found.equivalence_bound)
        return measured if found.method == method else measured.turned
