"""What a run shows: live bars with the time left on a terminal and in a notebook, one line per event elsewhere."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column

from vestige.durations import duration
from vestige.store.keys import Task
from vestige.study.clock import Clock
from vestige.study.executors.base import Watcher
from vestige.study.plan import Plan
from vestige.study.terminal import console, safe

FIRST, EVERY = 10.0, 60.0
"""Seconds until a task at hand is heard of, where there are no bars, and between one time and the next."""

_BAR: Final = 12


@contextmanager
def watching(plan: Plan, *, search_only: bool = False) -> Iterator[Watcher]:
    """A watcher for a run, on standard error: bars on a terminal, and in a notebook that can show them; else lines."""
    out, clock = console(stderr=True), Clock(plan, search_only=search_only)
    in_notebook = out.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
    if not (out.is_terminal or in_notebook):
        yield Lines(console(stderr=True, plain=True), clock)
        return
    with bars(out) as progress:
        yield Live(progress, clock)


def bars(out: Console) -> Progress:
    """What is done, a bar, a percentage and the time left. A name that does not fit is broken into lines, never cut:
    its end may be all that tells it from another.
    """
    words = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold", no_wrap=False))
    left = TextColumn("{task.fields[left]}", markup=False)
    return Progress(words, BarColumn(_BAR), TaskProgressColumn(), left, console=out)


@final
class Lines:
    """One line per event, and one a minute from a task that takes long: no carriage returns, so that a log stays a
    log.
    """

    def __init__(self, out: Console, clock: Clock, *, now: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._out = out
        self._now = now
        self._next = now()

    def _line(self, text: str) -> None:
        self._out.print(safe(f"[{self.clock.share:4.0%}, {_left(self.clock)}] {text}"), soft_wrap=True)
        self._next = self._now() + EVERY

    def started(self, task: Task) -> None:
        """Trainings are announced, because they are long."""
        self.clock.begin(task)
        if task.stage == "train":
            self._line(task.about)
        self._next = self._now() + FIRST

    def progressed(self, task: Task, tokens: int) -> None:
        """Counted, and told from time to time."""
        self.clock.advance(task, tokens)
        if self._now() >= self._next:
            self._line(f"{task.about}: {self.clock.share_of(task):.0%}")

    def finished(self, task: Task, seconds: float) -> None:
        """One line for what needed a model."""
        self.clock.end(task)
        if self.clock.cost(task):
            self._line(f"{task.about}: done in {duration(seconds)}")

    def reused(self, task: Task) -> None:
        """What the store holds is not worth a line."""

    def failed(self, task: Task, message: str) -> None:
        """Said at once, and again at the end."""
        self.clock.end(task, failed=True)
        self._line(f"{task.about}: FAILED: {message}")

    def skipped(self, task: Task) -> None:
        """Counted, not shown: the failure before it was."""
        self.clock.skip(task)


@final
class Live:
    """Two rows: the study, and the task at hand."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self.clock = clock
        self._progress = progress
        self._whole = progress.add_task("study", total=1.0, left="")
        self._row: TaskID | None = None
        self._show()

    def started(self, task: Task) -> None:
        """A row for what needs a model."""
        self.clock.begin(task)
        if self.clock.cost(task):
            self._row = self._progress.add_task(label(task, self.clock.plan), total=1.0, left="")

    def progressed(self, task: Task, tokens: int) -> None:
        """Both bars move."""
        self.clock.advance(task, tokens)
        if self._row is not None:
            self._progress.update(self._row, completed=self.clock.share_of(task))
        self._show()

    def finished(self, task: Task, seconds: float) -> None:
        """The row of the task goes."""
        self.clock.end(task)
        self._drop()
        self._show()

    def reused(self, task: Task) -> None:
        """What the store holds is not worth a row."""

    def failed(self, task: Task, message: str) -> None:
        """Said above the bars, and again at the end."""
        self.clock.end(task, failed=True)
        self._drop()
        self._progress.console.print(safe(f"failed: {task.about}: {message}"))

    def skipped(self, task: Task) -> None:
        """The bar moves: the failure before it was shown."""
        self.clock.skip(task)
        self._show()

    def _drop(self) -> None:
        if self._row is not None:
            self._progress.remove_task(self._row)
            self._row = None

    def _show(self) -> None:
        self._progress.update(self._whole, completed=self.clock.share, left=_left(self.clock))


def label(task: Task, plan: Plan) -> str:
    """What a task is about, without the base and the corpus where the study has but one."""
    about = task.about
    for names in (list(plan.identities.bases), list(plan.identities.corpora)):
        if len(names) == 1:
            about = about.replace(f"{names[0]}, ", "", 1)
    return safe(about)


def _left(clock: Clock) -> str:
    """`12 min left`, and `~12 min left` as long as nothing has been measured."""
    return f"{'' if clock.is_known else '~'}{duration(clock.seconds_left)} left"
