"""What a check is: it looks at one thing of a finished study, and says whether that is as it should be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from vestige.outcome.frames import Results
from vestige.outcome.points import Section, method_labels, sections

Outcome = Literal["failed", "passed", "not applicable"]


@final
@dataclass(frozen=True)
class Remark:
    """A sentence, and where it holds: empty for the whole study, else `notes · tiny` or `notes · tiny, lora`."""

    said: str
    place: str = ""


@final
@dataclass(frozen=True)
class Verdict:
    """What a check came to: what is to be said, or why there is nothing that it could look at."""

    remarks: tuple[Remark, ...] = ()
    reason: str = ""

    @property
    def outcome(self) -> Outcome:
        """Failed where there is something to say."""
        if self.remarks:
            return "failed"
        return "not applicable" if self.reason else "passed"


class Check(ABC):
    """One check. The first sentence of its docstring is what it looks at, told as it holds in a study that passes.

    `code`: `V001`, also the beginning of the name of its file, and the name of its page in `docs/checks/`.
    """

    code: ClassVar[str]

    @abstractmethod
    def look(self, results: Results) -> Verdict:
        """The verdict on a finished study, from its facts and frames alone. It quotes no text of a record."""


class SectionCheck(Check):
    """A check that looks at each base and corpus by itself. `nothing`: why it does not apply, where to none of them."""

    nothing: ClassVar[str]

    @abstractmethod
    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        """What is to be said of a base and corpus; None where there is nothing to look at."""

    @final
    def look(self, results: Results) -> Verdict:
        looked = {one.name: self.look_at(results, one) for one in sections(results)}
        return _verdict(looked.items(), nothing=self.nothing)


class MethodCheck(Check):
    """A check that looks at each method on each base and corpus. `nothing`: why it does not apply, where to none."""

    nothing: ClassVar[str]

    @abstractmethod
    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        """What is to be said of a method on a base and corpus; None where there is nothing to look at."""

    @final
    def look(self, results: Results) -> Verdict:
        places = [(one, method) for one in sections(results) for method in method_labels(results)]
        looked = [(f"{one.name}, {method}", self.look_at(results, one, method)) for one, method in places]
        return _verdict(looked, nothing=self.nothing)


def of_the_study(*said: str) -> Verdict:
    """The verdict on a study as a whole: passed where nothing is said."""
    return Verdict(tuple(map(Remark, said)))


def not_applicable(reason: str) -> Verdict:
    """The verdict of a check that has nothing to look at."""
    return Verdict(reason=reason)


def _verdict(looked: Iterable[tuple[str, Sequence[str] | None]], *, nothing: str) -> Verdict:
    applies = [(place, said) for place, said in looked if said is not None]
    if not applies:
        return not_applicable(nothing)
    return Verdict(tuple(Remark(one, place) for place, said in applies for one in dict.fromkeys(said)))
