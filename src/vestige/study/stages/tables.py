"""The scoring passes among the inputs of a task, as an attack reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from vestige.records import TokenStats, View
from vestige.stats.views import PLAIN
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.stats import stats_of

_MODELS: Mapping[str, Literal["base", "shadow", "target"]] = {"base": "base", "shadow": "shadow", "target": "target"}


def views_of(task: Task, store: Store) -> dict[View, TokenStats]:
    """The scoring passes of a task, whose inputs are named as `View.name` names them; models and forms in order."""
    named = {name: name.partition("/") for name in sorted(task.inputs)}
    return {
        View(_MODELS[model], text=text or PLAIN): stats_of(store, task.inputs[name])
        for name, (model, _, text) in named.items()
        if model in _MODELS
    }
