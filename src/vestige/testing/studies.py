"""A whole study in seconds: a tiny model, a generated corpus, and a watcher that remembers what was done."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from vestige.store.keys import Task
from vestige.store.layout import LOGS, RUN, Store
from vestige.study.executors.base import Failure
from vestige.study.inputs import read_inputs
from vestige.study.plan import Plan
from vestige.study.run import run
from vestige.study.spec import make_study
from vestige.study.toml import as_toml
from vestige.testing.models import tiny_texts

__all__ = [
    "Outcome",
    "Recorder",
    "as_toml",
    "content",
    "plan_of",
    "run_study",
    "tiny_study",
    "write_tiny_corpus",
]

_TABLE: Mapping[str, Any] = {
    "study": {"name": "tiny", "seeds": [0], "folds": 2},
    "corpus": [
        {
            "name": "notes",
            "fields": {"completion": "note", "prompt": "question", "id": "number"},
            "max_length": 40,
            "pool": 16,
            "validation": 8,
        }
    ],
    "method": [
        {"name": "lora", "r": 2, "learning_rate": [1e-3, 1e-2]},
        {"name": "prompt", "tokens": 4, "learning_rate": 0.1},
    ],
    "training": {"epochs": 2, "batch_size": 4, "checkpoints": [1, 2]},
    "attacks": {"use": ["loss", "zlib", "ref", "min_k"], "primary": "ref"},
    "report": {"fpr": [0.25], "samples": 100},
}


def write_tiny_corpus(path: Path, *, texts: int = 30, seed: int = 0) -> Path:
    """A jsonl file of `texts` records with the fields `number`, `question` and `note`; returns the path."""
    rows = [
        {"number": number, "question": "Who did what?" if number % 2 else "", "note": text}
        for number, text in enumerate(tiny_texts(texts, seed=seed))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tiny_study(*, model: Path, corpus: Path) -> dict[str, Any]:
    """The tables of a study of seconds, to be changed at will: LoRA at two learning rates against a prompt at one.

    One seed, two folds of 8 of the 16 texts of the pool, two checkpoints, all in fp32. `model` is a folder as
    `save_tiny_model` writes it, `corpus` a file as `write_tiny_corpus` does.
    """
    table: dict[str, Any] = copy.deepcopy(dict(_TABLE))
    table["base"] = [{"model": str(model), "dtype": "float32"}]
    table["corpus"][0]["path"] = str(corpus)
    return table


@dataclass
class Recorder:
    """A watcher that remembers: the tasks begun, done, found done, lost (with the message) and passed over for
    one that was lost, and tokens by stage.
    """

    begun: list[Task] = field(default_factory=list)
    done: list[Task] = field(default_factory=list)
    found: list[Task] = field(default_factory=list)
    lost: list[tuple[Task, str]] = field(default_factory=list)
    passed_over: list[Task] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    def started(self, task: Task) -> None:
        self.begun.append(task)

    def progressed(self, task: Task, tokens: int) -> None:
        self.tokens[task.stage] = self.tokens.get(task.stage, 0) + tokens

    def finished(self, task: Task, seconds: float) -> None:
        self.done.append(task)

    def reused(self, task: Task) -> None:
        self.found.append(task)

    def failed(self, task: Task, message: str) -> None:
        self.lost.append((task, message))

    def skipped(self, task: Task) -> None:
        self.passed_over.append(task)


@final
@dataclass(frozen=True)
class Outcome:
    """A study that has been run, and what failed on the way."""

    plan: Plan
    failures: Sequence[Failure]

    @property
    def store(self) -> Store:
        """Where everything is."""
        return self.plan.store


def plan_of(table: Mapping[str, Any], store: Path) -> Plan:
    """Check the tables of a study and plan it; nothing is written. Errors as in `make_study` and `read_inputs`."""
    return Plan(read_inputs(make_study(table)), Store(store))


def run_study(table: Mapping[str, Any], store: Path, *, watcher: Recorder | None = None) -> Outcome:
    """Check the tables of a study and do what the store lacks of it; errors as in `make_study` and `read_inputs`."""
    plan = plan_of(table, store)
    return Outcome(plan, run(plan, watcher=watcher or Recorder()))


def content(store: Path) -> dict[str, bytes]:
    """Every file of a store by its path, but the records for people: those of a stage, and what `logs/` has on runs."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file() and path.name != RUN and path.parent != store / LOGS
    }
