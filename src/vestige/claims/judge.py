"""The claims of a study, each under the published protocol and at equal utility."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

from vestige.claims.decide import Decision, Verdict, decide
from vestige.claims.equal_epochs import EqualEpochs, Resampling
from vestige.claims.equal_utility import EqualUtility
from vestige.claims.measured import Measured, independent, minus, of_shared_texts
from vestige.claims.places import methods_of, places_of
from vestige.claims.protocol import OpenQuestionError, Protocol, answered
from vestige.claims.sizes import probit_margin
from vestige.metrics.uncertainty import Bootstrap
from vestige.outcome.claims import Claim, Part
from vestige.outcome.frames import Results
from vestige.outcome.points import Section

_BOOTSTRAP = Bootstrap()


@final
@dataclass(frozen=True)
class Answer:
    """What a part of a claim comes to under a protocol; `measured` is None where the study cannot answer it."""

    part: Part
    measured: Measured | None
    decision: Decision


@final
@dataclass(frozen=True)
class Ruling:
    """A claim under one protocol: its parts, and what they come to together."""

    protocol: str
    test: str
    answers: tuple[Answer, ...]

    @property
    def verdict(self) -> Verdict:
        """Contradicted where a part is, supported where all are."""
        verdicts = {one.decision.verdict for one in self.answers}
        if "contradicted" in verdicts:
            return "contradicted"
        return "supported" if verdicts == {"supported"} else "undecided"


@final
@dataclass(frozen=True)
class Judged:
    """A claim, and what it came to: first at equal epochs, as it was published, then at equal utility."""

    claim: Claim
    rulings: tuple[Ruling, Ruling]


def judge(results: Results, *, bootstrap: Bootstrap = _BOOTSTRAP) -> list[Judged]:
    """All claims of a study, in the order of its file."""
    resampling = Resampling(results, bootstrap)
    return [_judged(results, claim, resampling) for claim in results.facts.study.claims]


def _judged(results: Results, claim: Claim, resampling: Resampling) -> Judged:
    attack = claim.attack or results.facts.study.primary
    epochs = EqualEpochs(results.facts, resampling, attack=attack, epoch=claim.epoch)
    utility = EqualUtility(results, attack=attack)
    return Judged(claim, (_ruling(results, claim, epochs), _ruling(results, claim, utility)))


def _ruling(results: Results, claim: Claim, protocol: Protocol) -> Ruling:
    return Ruling(protocol.name, protocol.test, tuple(_answer(results, claim, part, protocol) for part in claim.parts))


def _answer(results: Results, claim: Claim, part: Part, protocol: Protocol) -> Answer:
    try:
        measured = _measured(results, part, protocol)
    except OpenQuestionError as question:
        return Answer(part, None, Decision("undecided", str(question)))
    margin = probit_margin(claim.margin) if part.grows_with == "size" else claim.margin
    return Answer(part, measured, decide(measured, expected=part.expected, margin=margin))


def _measured(results: Results, part: Part, protocol: Protocol) -> Measured:
    methods = methods_of(results.facts, part.methods)
    places = places_of(results, bases=part.bases, corpora=part.corpora)
    if part.grows_with == "size":
        return _over_corpora([partial(protocol.growth_with_size, own, methods) for own in places])
    if part.grows_with == "epochs":
        return _over_corpora([partial(_over_bases, protocol.growth, own, methods) for own in places])
    if part.against_corpora:
        others = places_of(results, bases=part.bases, corpora=part.against_corpora)
        return minus(
            *(
                _over_corpora([partial(_over_bases, protocol.leakage, one, methods) for one in side])
                for side in (places, others)
            )
        )
    against = methods_of(results.facts, part.against)
    apart = protocol.leakage_apart if part.quantity == "leakage" else protocol.utility_apart
    return _over_corpora([partial(_over_bases, apart, own, methods, against) for own in places])


def _over_corpora(of_each: Sequence[Callable[[], Measured]]) -> Measured:
    """The mean over the corpora that have an answer; they share no text and no training."""
    found = answered(of_each)
    return independent([(1 / len(found), one) for one in found])


def _over_bases(question: Callable[..., Measured], own: Sequence[Section], *methods: Sequence[str]) -> Measured:
    """The mean over the bases of a corpus, which share its texts."""
    return of_shared_texts(answered([partial(question, one, *methods) for one in own]))
