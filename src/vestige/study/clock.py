"""How much of a study is done, and how long the rest takes at the speed that it really has."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from vestige.store.keys import Task
from vestige.study.costs import Costs, kind_of, token_cost
from vestige.study.forecast import Work, costly, paces_in
from vestige.study.plan import Plan
from vestige.study.stages.base import Kind

ENOUGH: Final = 5.0
"""Seconds of work after which its speed is believed."""


@final
class Clock:
    """Told what is worked on, it knows the time that is left.

    Each kind of work goes at the speed that this run has shown of it; one that has not come up yet at the speed that
    the store has measured, or else assumed, times how much slower or faster this run is than it was believed to be.
    """

    def __init__(self, plan: Plan, *, search_only: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self._costs = Costs(plan.identities)
        self._now = now
        self._paces = paces_in(plan)
        self._own: dict[Kind, Work] = {}
        self._left: dict[Kind, float] = {}
        self._since = now()
        self._reported = 0.0
        self.total = self.done = 0.0
        for task, cost in costly(plan, plan.expected(search_only=search_only)):
            seconds = self._paces.seconds(kind_of(task), cost)
            self.total += seconds
            if plan.store.is_done(task.address):
                self.done += seconds
            else:
                self._left[kind_of(task)] = self._left.get(kind_of(task), 0.0) + cost

    def cost(self, task: Task) -> float:
        """What a task costs by rule, in scored tokens; 0 for what takes next to no time."""
        return self._costs.of(task)

    def begin(self, task: Task) -> None:
        """A task begins."""
        self._since = self._now()
        self._reported = 0.0

    def advance(self, task: Task, tokens: int) -> None:
        """So many tokens of the task have been dealt with since it was last said."""
        if self.cost(task):
            self._count(task, tokens * token_cost(task))

    def end(self, task: Task, *, failed: bool = False) -> None:
        """The task has ended: what it reported is made up to what was planned for it."""
        if cost := self.cost(task):
            missing = cost - self._reported
            if failed or task.stage == "train":  # what an earlier run had done of it took none of this run's time
                self._note(task, missing)
            else:
                self._count(task, missing)
        self._reported = 0.0

    def skip(self, task: Task) -> None:
        """The task is not worked on, since what it needs has failed."""
        if not self.plan.store.is_done(task.address):
            self._reported = 0.0
            self._note(task, self.cost(task))
            self._reported = 0.0

    def _count(self, task: Task, units: float) -> None:
        now = self._now()
        self._own.setdefault(kind_of(task), Work()).add(units, now - self._since)
        self._since = now
        self._note(task, units)

    def _note(self, task: Task, units: float) -> None:
        if not units:  # nothing to note, and a task that runs no model has no kind
            return
        self._reported += units
        self._left[kind_of(task)] = self._left.get(kind_of(task), 0.0) - units
        self.done += self._paces.seconds(kind_of(task), units)

    @property
    def share(self) -> float:
        """Part of the study that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    def share_of(self, task: Task) -> float:
        """Part of the task at hand that is done, 0 to 1."""
        return min(1.0, self._reported / (self.cost(task) or 1.0))

    @property
    def is_known(self) -> bool:
        """Whether the time left rests on something measured, here or in the store."""
        left = [kind for kind, units in self._left.items() if units > 0]
        return self._worked.seconds >= ENOUGH or all(self._paces.knows(kind) for kind in left)

    @property
    def seconds_left(self) -> float:
        """The time that the rest takes."""
        return sum(self._seconds(kind, units) for kind, units in self._left.items() if units > 0)

    def _seconds(self, kind: Kind, units: float) -> float:
        own = self._own.get(kind, Work())
        if own.seconds >= ENOUGH and own.tokens > 0:
            return units * own.seconds / own.tokens
        return self._paces.seconds(kind, units) * self._drift

    @property
    def _drift(self) -> float:
        """How many times as long as believed the work of this run has taken."""
        believed = sum(self._paces.seconds(kind, own.tokens) for kind, own in self._own.items())
        worked = self._worked
        return worked.seconds / believed if worked.seconds >= ENOUGH and believed > 0 else 1.0

    @property
    def _worked(self) -> Work:
        worked = Work()
        for own in self._own.values():
            worked.add(own.tokens, own.seconds)
        return worked
