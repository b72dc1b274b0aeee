"""The inputs of an attack's task as its needs read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from vestige.data.splits import members_of
from vestige.records import Bools, Fold
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.registry import stage_named


@final
@dataclass(frozen=True)
class Found:
    """What the tasks behind the inputs of a task left in a store (`attacks.needs.outside.Stored`)."""

    task: Task
    store: Store

    @property
    def names(self) -> Sequence[str]:
        """The names of the inputs, sorted."""
        return sorted(self.task.inputs)

    @property
    def told(self) -> Mapping[str, Any]:
        """The spec of the task."""
        return self.task.spec

    def read(self, name: str) -> Any:
        """What one of them left, read by its own stage."""
        address = self.task.inputs[name]
        return stage_named(address.partition("/")[0]).load(self.store, address)

    def members(self, *, seed: int, fold: Fold) -> Bools:
        """Which texts of the pool a cell was trained on, shape (texts,)."""
        return members_of(examples_of(self.store, self.task.inputs["corpus"], "pool"), seed=seed, fold=fold)
