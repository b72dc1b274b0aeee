"""Stages by name: every file of this folder that defines one is found, and nothing else is to be edited."""

from __future__ import annotations

from functools import cache
from typing import Any

from vestige.discovery import Kind, Registry, derived_from, find_all
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, ModelStage, Stage

AnyStage = type[Stage[Any]]


@cache
def stages() -> Registry[AnyStage]:
    """All stages, name → class, sorted by name. TypeError where two bear one name."""
    kind: Kind[AnyStage] = Kind(
        word="stage",
        package="vestige.study.stages",
        is_one=derived_from(Stage),
        wanted="a class derived from Stage with a `run` of its own",
        name_of=lambda stage: getattr(stage, "name", None),
    )
    return find_all(kind)


def stage_named(name: str) -> AnyStage:
    """The stage of that name; KeyError where there is none."""
    return stages()[name]


def model_stages() -> list[type[ModelStage[Any]]]:
    """The stages that run a model."""
    return [stage for stage in stages().values() if issubclass(stage, ModelStage)]


def model_stage_named(name: str) -> type[ModelStage[Any]]:
    """The one of them with that name; KeyError where there is none."""
    stage = stage_named(name)
    if not issubclass(stage, ModelStage):
        raise KeyError(name)
    return stage


def run_stage(task: Task, bench: Bench) -> None:
    """Run one task; its files are in `bench.folder` afterwards."""
    stage = stage_named(task.stage)
    stage.run(stage.read(task.spec), task, bench)
