"""What runs a list of tasks, whom it tells, and what it could not do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from vestige.store.keys import Task


class Watcher(Protocol):
    """Who is told what happens, to show it."""

    def started(self, task: Task) -> None: ...
    def progressed(self, task: Task, tokens: int) -> None: ...
    def finished(self, task: Task, seconds: float) -> None: ...
    def reused(self, task: Task) -> None: ...
    def failed(self, task: Task, message: str) -> None: ...
    def skipped(self, task: Task) -> None: ...


@final
@dataclass(frozen=True)
class Failure:
    """A task that could not be done, and why."""

    task: Task
    message: str


class Executor(Protocol):
    """Does what a wave lists, in any order that puts a task after its inputs; a failed task takes down what needs it,
    in this wave and in later ones, and nothing else.
    """

    @property
    def failures(self) -> Sequence[Failure]:
        """What failed by now."""

    def run(self, tasks: Iterable[Task]) -> None:
        """Do every task that is neither done nor in want of a failed one; back when all of them are settled."""
