"""Runs tasks in this process, one after the other. A failed task takes down what needs it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, final

from vestige.errors import StoreError, VestigeError
from vestige.store.io import refuse_link, write_text
from vestige.store.keys import Task
from vestige.store.layout import LOGS, Store
from vestige.study.environment import environment
from vestige.study.executors.base import Failure, Watcher
from vestige.study.failures import Redactor, kind, trace
from vestige.study.stages.base import Bench
from vestige.study.stages.registry import run_stage, stage_named
from vestige.study.terminal import safe


@final
@dataclass
class Inline:
    """The executor of this process. `say` is told what no task is about; what it says itself of errors that nobody
    foresaw goes through `redactor`.
    """

    store: Store
    watcher: Watcher
    say: Callable[[str], None] = lambda _: None
    redactor: Redactor = field(default_factory=Redactor)
    failures: list[Failure] = field(default_factory=list)
    _broken: set[str] = field(default_factory=set)
    _settled: set[str] = field(default_factory=set)

    def run(self, tasks: Iterable[Task]) -> None:
        """Do every task that is neither done nor in want of a failed one."""
        for task in tasks:
            if task.address in self._settled or task.address in self._broken:
                continue
            if self._broken.intersection(task.inputs.values()):
                self._broken.add(task.address)
                self.watcher.skipped(task)
            else:
                self._settle(task)

    def _settle(self, task: Task) -> None:
        try:
            if self.store.is_done(task.address):
                self.store.open(task.address)
                self.store.tidy(task.address)
                self.watcher.reused(task)
            else:
                self._work(task)
            self._settled.add(task.address)
        except VestigeError as error:
            self._fail(task, str(error))
        except Exception as error:  # noqa: BLE001  # a cell that fails in its own way must not take the others with it
            said = kind if stage_named(task.stage).reads_other_texts else self.redactor.message
            self._fail(task, said(error), log=trace(error, say=said))

    def _work(self, task: Task) -> None:
        self.watcher.started(task)
        began = time.monotonic()
        details: dict[str, Any] = {
            "environment": environment(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        counted: list[int] = []

        def progress(tokens: int) -> None:
            counted.append(tokens)
            self.watcher.progressed(task, tokens)

        with self.store.writing(task, details=details) as folder:
            run_stage(task, Bench(self.store, folder, progress, self.say))
            seconds = round(time.monotonic() - began, 2)
            details |= {"seconds": seconds, "tokens": sum(counted)}
        self.watcher.finished(task, seconds)

    def _fail(self, task: Task, message: str, *, log: str = "") -> None:
        self._broken.add(task.address)
        path = self._log(task, log or message)
        self.failures.append(Failure(task, message + (f" Log: {path}" if path else "")))
        self.watcher.failed(task, message)

    def _log(self, task: Task, text: str) -> str:
        path = self.store.root / LOGS / f"{task.stage}-{task.key}.log"
        try:
            refuse_link(path.parent)
            write_text(path, safe(f"{task.about}\n{text}\n"))
        except StoreError:
            return ""
        return str(path)
