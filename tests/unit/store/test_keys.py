"""What a key depends on, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from vestige.store.keys import Task, canonical_json

SPEC: dict[str, Any] = {"epochs": 3.0, "method": {"name": "lora", "r": 8}, "rates": [0.1, 0.2]}
INPUTS = {"corpus": "corpus/aa", "cell": "train/bb"}
TASK = Task("stats", 2, SPEC, INPUTS)


def test_the_order_of_keys_does_not_matter_at_any_depth() -> None:
    reordered = {"rates": [0.1, 0.2], "method": {"r": 8, "name": "lora"}, "epochs": 3.0}
    assert Task("stats", 2, reordered, dict(reversed(INPUTS.items()))).key == TASK.key


@pytest.mark.parametrize(
    "other",
    [
        Task("train", 2, SPEC, INPUTS),
        Task("stats", 2, {**SPEC, "epochs": 4.0}, INPUTS),
        Task("stats", 2, {**SPEC, "method": {"name": "lora", "r": 4}}, INPUTS),
        Task("stats", 2, {**SPEC, "rates": [0.2, 0.1]}, INPUTS),
        Task("stats", 2, {**SPEC, "more": None}, INPUTS),
        Task("stats", 2, {"epochs": 3.0}, INPUTS),
        Task("stats", 2, SPEC, {**INPUTS, "cell": "train/cc"}),
        Task("stats", 2, SPEC, {"corpus": "corpus/aa"}),
        Task("stats", 2, SPEC, {"corpus": "train/bb", "cell": "corpus/aa"}),
    ],
)
def test_stage_every_field_of_the_spec_and_every_input_matter(other: Task) -> None:
    assert other.key != TASK.key


def test_the_version_of_the_stage_matters() -> None:
    assert Task("stats", 3, SPEC, INPUTS).key != TASK.key


def test_where_things_lie_and_what_people_are_told_do_not_matter() -> None:
    other = Task("stats", 2, SPEC, INPUTS, where={"model": "/home/me/model"}, about="score the base")
    assert other.key == TASK.key
    assert other == TASK


def test_keys_are_the_same_in_every_process_and_release() -> None:
    """A change here makes every store out there worthless: raise the versions of the stages instead."""
    assert canonical_json(SPEC) == '{"epochs":3.0,"method":{"name":"lora","r":8},"rates":[0.1,0.2]}'
    content = '{"inputs":{},"spec":{"a":1},"stage":"corpus","version":2}'
    assert canonical_json({"stage": "corpus", "version": 2, "spec": {"a": 1}, "inputs": {}}) == content
    assert len(Task("corpus", 2, {"a": 1}).key) == 20
    assert Task("corpus", 2, {"a": 1}).address == f"corpus/{Task('corpus', 2, {'a': 1}).key}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_is_not_json_has_no_key(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical_json({"a": value})
