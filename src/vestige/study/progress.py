"""What a run shows: one live table with the time left on a terminal, one line per event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from vestige.store.keys import Task
from vestige.study.executors.inline import Watcher
from vestige.study.forecast import ASSUMED_PACE, expected, measured_pace
from vestige.study.plan import Plan


@final
class Clock:
    """How much of a study is done, in scored tokens, and how long the rest takes at the pace seen so far."""

    def __init__(self, plan: Plan, *, search_only: bool = False) -> None:
        tasks = expected(plan, search_only=search_only)
        done = [task for task in tasks if plan.store.is_done(task.address)]
        self.plan = plan
        self.total = sum(plan.cost(task) for task in tasks)
        self.done = sum(plan.cost(task) for task in done)
        self._before = measured_pace(plan, done) or ASSUMED_PACE
        self._worked = 0.0
        self._began = time.monotonic()

    def advance(self, units: float) -> None:
        """Count work done now."""
        self.done += units
        self._worked += units

    @property
    def share(self) -> float:
        """Part of the study that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def seconds_left(self) -> float:
        """The pace of an earlier run counts until this one has seen a twentieth of the whole."""
        elapsed = time.monotonic() - self._began
        pace = self._worked / elapsed if self._worked > self.total / 20 else self._before
        return max(0.0, self.total - self.done) / pace

    def units(self, task: Task, tokens: int) -> float:
        """Scored tokens that `tokens` of this task amount to."""
        return tokens * self.plan.token_cost(task)


@contextmanager
def watching(plan: Plan, *, search_only: bool = False) -> Iterator[Watcher]:
    """A watcher for a run: live on a terminal, lines elsewhere."""
    console = Console(stderr=True)
    clock = Clock(plan, search_only=search_only)
    if not console.is_terminal:
        yield Lines(console, clock)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=False) as progress:
        yield Live(progress, clock)


class _Counting:
    """Keeps the clock right, whatever is shown: what a task reported by its end is made up to what was planned for
    it.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._reported = 0.0

    def _count(self, task: Task, tokens: int) -> None:
        units = self.clock.units(task, tokens)
        self._reported += units
        self.clock.advance(units)

    def _close(self, task: Task) -> None:
        self.clock.advance(self.clock.plan.cost(task) - self._reported)
        self._reported = 0.0


@final
class Lines(_Counting):
    """One line per event: no carriage returns, so that a log stays a log."""

    def __init__(self, console: Console, clock: Clock) -> None:
        super().__init__(clock)
        self._console = console

    def _line(self, text: str) -> None:
        left = duration(self.clock.seconds_left)
        self._console.print(
            f"[{self.clock.share:4.0%}, {left} left] {text}", markup=False, highlight=False, soft_wrap=True
        )

    def started(self, task: Task) -> None:
        """Trainings are announced, because they are long."""
        if task.stage == "train":
            self._line(task.about)

    def progressed(self, task: Task, tokens: int) -> None:
        """Counted, not shown."""
        self._count(task, tokens)

    def finished(self, task: Task, seconds: float) -> None:
        """One line for what needed a model."""
        self._close(task)
        if self.clock.plan.cost(task):
            self._line(f"{task.about}: done in {duration(seconds)}")

    def reused(self, task: Task) -> None:
        """What the store holds is not worth a line."""

    def failed(self, task: Task, message: str) -> None:
        """Said at once, and again at the end."""
        self._close(task)
        self._line(f"{task.about}: FAILED: {message}")


@final
class Live(_Counting):
    """Two rows: the study, and the task at hand."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        super().__init__(clock)
        self._progress = progress
        self._whole = progress.add_task("study", total=clock.total or 1, completed=round(clock.done), left="")
        self._row: TaskID | None = None

    def started(self, task: Task) -> None:
        """A row for what needs a model."""
        if self.clock.plan.cost(task):
            about = task.about if len(task.about) <= 44 else "…" + task.about[-43:]
            self._row = self._progress.add_task(about, total=self.clock.plan.cost(task), left="")

    def progressed(self, task: Task, tokens: int) -> None:
        """Both bars move."""
        self._count(task, tokens)
        if self._row is not None:
            self._progress.update(self._row, completed=self._reported)
        self._show()

    def finished(self, task: Task, seconds: float) -> None:
        """The row of the task goes."""
        self._close(task)
        self._drop()
        self._show()

    def reused(self, task: Task) -> None:
        """What the store holds is not worth a row."""

    def failed(self, task: Task, message: str) -> None:
        """Said above the bars, and again at the end."""
        self._close(task)
        self._drop()
        self._progress.console.print(f"failed: {task.about}: {message}", markup=False, highlight=False)

    def _drop(self) -> None:
        if self._row is not None:
            self._progress.remove_task(self._row)
            self._row = None

    def _show(self) -> None:
        left = f"{duration(self.clock.seconds_left)} left"
        self._progress.update(self._whole, completed=self.clock.done, left=left)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
