"""What a stage is told, and the key that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_KEY = re.compile("[0-9a-f]{20}")


def canonical_json(value: object) -> str:
    """One spelling of a JSON value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def key_of(record: Mapping[str, Any]) -> str:
    """Hash of the stage, version, spec and inputs of a record; what else it holds does not count."""
    content = {name: record.get(name) for name in ("stage", "version", "spec", "inputs")}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:20]


def is_key(name: str) -> bool:
    """True for what `key_of` gives: the name of the folder of a task."""
    return _KEY.fullmatch(name) is not None


@dataclass(frozen=True)
class Task:
    """One stage to run: its version, its JSON spec and the keys of its inputs, and nothing else.

    `version` is raised when the stage's code changes what it writes for the same spec: every key below it then changes.
    `inputs` maps a name to `"stage/key"`. No part of the key: `where`, how to find on this machine what lies outside
    the store (the name of the base model in the study, and its folder), and `about`, for people (progress lines,
    messages).
    """

    stage: str
    version: int
    spec: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict, compare=False)
    about: str = field(default="", compare=False)

    @cached_property
    def key(self) -> str:
        """Hash of canonical JSON of (stage, version, spec, inputs), 20 hexadecimal digits."""
        return key_of(self.record)

    @property
    def record(self) -> dict[str, Any]:
        """What the key is made of, and what a store writes down of the task."""
        return {"stage": self.stage, "version": self.version, "spec": self.spec, "inputs": self.inputs}

    @property
    def address(self) -> str:
        """`"stage/key"`: how another task names this one as its input."""
        return f"{self.stage}/{self.key}"
