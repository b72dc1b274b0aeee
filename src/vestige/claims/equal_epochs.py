"""The published protocol: methods held against each other after equally many epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, final

from vestige.claims.measured import Measured, minus, of_shared_texts
from vestige.claims.protocol import Methods, OpenQuestionError, Protocol
from vestige.claims.sizes import per_doubling
from vestige.metrics.contrast import Resamples, contrast, resamples
from vestige.metrics.uncertainty import Bootstrap
from vestige.outcome.facts import Facts
from vestige.outcome.frames import Results
from vestige.outcome.labels import labels_of
from vestige.outcome.points import Point, Section, scores_at


@final
class Resampling:
    """The AUCs of checkpoints in all bootstrap samples, each made once, whichever claims ask."""

    def __init__(self, results: Results, bootstrap: Bootstrap) -> None:
        self._results = results
        self._bootstrap = bootstrap
        self._found: dict[tuple[str, str, str | None, float | None, str], Resamples] = {}

    def of(self, section: Section, point: Point, attack: str) -> Resamples:
        """Of one attack on one checkpoint. OpenQuestionError where its scores are not there."""
        place = (section.base, section.corpus, point.method, point.epoch, attack)
        if place not in self._found:
            labels = labels_of(scores_at(self._results, section, point).filter(attack=attack)).get(attack)
            if not labels:
                raise OpenQuestionError(f"the scores of {point.method} on {section.name} are not there")
            self._found[place] = resamples(labels, bootstrap=self._bootstrap)
        return self._found[place]


@final
class EqualEpochs(Protocol):
    """At the last checkpoint up to `epoch` at which all the methods in question were attacked."""

    name: ClassVar[str] = "equal epochs"
    test: ClassVar[str] = (
        "paired bootstrap of the AUCs over groups of texts, with the spread between trainings, by Student's t"
    )

    def __init__(self, facts: Facts, resampling: Resampling, *, attack: str, epoch: float | None) -> None:
        self._facts = facts
        self._resampling = resampling
        self._attack = attack
        self._epoch = epoch

    def leakage(self, section: Section, methods: Methods) -> Measured:
        """At the last common checkpoint."""
        epoch = self._last(section, methods)
        return _measured(self._mean(section, methods, epoch))

    def leakage_apart(self, section: Section, methods: Methods, others: Methods) -> Measured:
        """At the last checkpoint common to all of them."""
        epoch = self._last(section, [*methods, *others])
        own, other = self._mean(section, methods, epoch), self._mean(section, others, epoch)
        return _measured([*own, *((-weight, one) for weight, one in other)])

    def growth_with_size(self, own: Sequence[Section], methods: Methods) -> Measured:
        """At the last checkpoint, if the claim speaks of that one: slopes are not drawn through others."""
        ends = [point.epoch or 0.0 for one in own for method in methods for point in one.trajectory(method)]
        if self._epoch is not None and max(ends, default=0.0) > self._epoch:
            raise OpenQuestionError(
                f"slopes over sizes are drawn at the last checkpoint, epoch {max(ends):g}, and the claim is of epoch "
                f"{self._epoch:g}: a study that ends there answers it"
            )
        return per_doubling(self._facts, own, methods, attack=self._attack, standing="last")

    def growth(self, section: Section, methods: Methods) -> Measured:
        """From the first common checkpoint to the last."""
        epochs = self._common(section, methods)
        if len(epochs) < 2:
            raise OpenQuestionError(f"one attacked checkpoint on {section.name}: attack the first and the last")
        first, last = self._mean(section, methods, epochs[0]), self._mean(section, methods, epochs[-1])
        return _measured([*last, *((-weight, one) for weight, one in first)])

    def utility_apart(self, section: Section, methods: Methods, others: Methods) -> Measured:
        """The loss of the others at the last common checkpoint minus that of the methods: the base's cancels. The
        losses rest on the same texts, so that adding up their variances errs on the side of width.
        """
        epoch = self._last(section, [*methods, *others], attacked=False)
        own, other = (self._loss(section, one, epoch) for one in (methods, others))
        return minus(other, own)

    def _loss(self, section: Section, methods: Methods, epoch: float) -> Measured:
        points = [point for method in methods for point in section.trajectory(method) if point.epoch == epoch]
        return of_shared_texts([Measured.of(point.estimate("loss")) for point in points])

    def _last(self, section: Section, methods: Methods, *, attacked: bool = True) -> float:
        return self._common(section, methods, attacked=attacked)[-1]

    def _common(self, section: Section, methods: Methods, *, attacked: bool = True) -> list[float]:
        epochs = [{*self._epochs(section, method, attacked=attacked)} for method in methods]
        common = sorted(set.intersection(*epochs))
        if not common:
            upto = "" if self._epoch is None else f" up to epoch {self._epoch:g}"
            raise OpenQuestionError(
                f"no checkpoint{upto} on {section.name} at which {', '.join(methods)} were all "
                f"{'attacked' if attacked else 'validated'}"
            )
        return common

    def _epochs(self, section: Section, method: str, *, attacked: bool) -> Iterable[float]:
        key = ("auc", self._attack) if attacked else ("loss", None)
        for point in section.trajectory(method):
            within = self._epoch is None or (point.epoch or 0.0) <= self._epoch
            if within and point.epoch is not None and point.estimate(*key).value is not None:
                yield point.epoch

    def _mean(self, section: Section, methods: Methods, epoch: float) -> list[tuple[float, Resamples]]:
        """What each method weighs in a mean over them, and its AUCs at an epoch."""
        return [(1 / len(methods), self._resampled(section, method, epoch)) for method in methods]

    def _resampled(self, section: Section, method: str, epoch: float) -> Resamples:
        (point,) = (one for one in section.trajectory(method) if one.epoch == epoch)
        return self._resampling.of(section, point, self._attack)


def _measured(terms: list[tuple[float, Resamples]]) -> Measured:
    try:
        value, spread = contrast(terms)
    except ValueError as error:
        raise OpenQuestionError(f"the methods were not trained alike: {error}") from error
    return Measured(value, spread.reach(0.95), spread.reach(0.9))
