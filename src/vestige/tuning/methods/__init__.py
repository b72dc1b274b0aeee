"""The fine-tuning methods, one file each: found by a walk of this package, so that a new one is a new file and no
other edit.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from vestige.errors import ConfigError, near_misses
from vestige.tuning.methods.base import Method


@functools.cache
def discover() -> Mapping[str, type[Method]]:
    """Name → method, for every file of this package that defines one."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {method.model_fields["name"].default: method for method in sorted(_final(Method), key=lambda m: m.__name__)}


def _final(kind: Any) -> Iterator[type[Method]]:
    """A class is abstract or final: those without a class below them can be used."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for one in below:
        yield from _final(one)


def make_method(table: Mapping[str, Any]) -> Method:
    """A `[[method]]` table of a study file, or `Method.spec()` → the method.

    Raises:
        ConfigError: the name is unknown (near misses shown). Wrong parameters raise pydantic's ValidationError.
    """
    name = str(table.get("name", ""))
    if name not in discover():
        raise ConfigError(f"Unknown method {name!r}." + near_misses(name, discover()))
    return discover()[name].model_validate(table)
