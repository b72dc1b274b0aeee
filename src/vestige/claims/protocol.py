"""A protocol: under which conditions methods are held against each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from vestige.claims.measured import Measured
from vestige.outcome.points import Section

Methods = Sequence[str]
"""Labels of methods."""


class OpenQuestionError(Exception):
    """What a protocol cannot answer on a study: what is missing, and what it would take; `judge` tells it."""


def answered(questions: Sequence[Callable[[], Measured]]) -> list[Measured]:
    """The answers to those questions that have one; what the others lack is told by `without` of the first. With no
    answer at all, OpenQuestionError with what they lack.
    """
    found, lacking = [], []
    for question in questions:
        try:
            found.append(question())
        except OpenQuestionError as error:
            lacking.append(str(error))
    if not found:
        raise OpenQuestionError("; ".join(dict.fromkeys(lacking)))
    return [replace(found[0], without=(*found[0].without, *lacking)), *found[1:]]


class Protocol(ABC):
    """What a claim asks of a base and corpus, under one condition. Every answer raises OpenQuestionError where the
    study does not have it.

    `name` says the condition, `test` how its numbers get their intervals.
    """

    name: ClassVar[str]
    test: ClassVar[str]

    @abstractmethod
    def leakage(self, section: Section, methods: Methods) -> Measured:
        """The mean AUC of the methods."""

    @abstractmethod
    def leakage_apart(self, section: Section, methods: Methods, others: Methods) -> Measured:
        """The mean AUC of the methods minus that of the others."""

    @abstractmethod
    def growth_with_size(self, own: Sequence[Section], methods: Methods) -> Measured:
        """By how much Φ⁻¹(AUC) of the methods grows, on average, per doubling of the parameters of the bases of one
        corpus.
        """

    @abstractmethod
    def growth(self, section: Section, methods: Methods) -> Measured:
        """By how much the mean AUC of the methods grows along their trainings."""

    @abstractmethod
    def utility_apart(self, section: Section, methods: Methods, others: Methods) -> Measured:
        """What the methods gain over the base in validation loss, on average, minus what the others do; nats per token,
        more is better.
        """
