"""The fine-tuning methods, one file each: found by a walk of this package, so that a new one is a new file and no
other edit. Other distributions add theirs through the entry point group `vestige.methods`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard, get_origin

from pydantic import BaseModel

from vestige.discovery import Kind, Registry, derived_from, field_name, find_all
from vestige.errors import ConfigError, near_misses, printable
from vestige.tuning.methods.base import Method

GROUP: Final = "vestige.methods"
"""The entry point group of methods that live elsewhere: `my_method = "my_package.my_module:MyMethod"`."""

MOST_METHODS: Final = 100
"""The most methods that one table with lists may stand for."""

Keys = tuple[str, ...]
"""The keys that lead to a parameter: `("r",)`, or `("lora", "r")` in a part of a hybrid."""


@functools.cache
def discover() -> Registry[type[Method]]:
    """Name → method, sorted by name: those of this package, and those that installed distributions add.

    Raises TypeError where two methods of this package bear one name, and ConfigError, naming the distribution, where an
    added one cannot be loaded, is no method, or bears a name that is taken.
    """
    kind: Kind[type[Method]] = Kind(
        word="method",
        package=__name__,
        is_one=derived_from(Method),
        wanted="a class derived from vestige.Method with a `prepare` of its own",
        name_of=field_name,
        group=GROUP,
    )
    return find_all(kind)


def make_method(table: Mapping[str, Any]) -> Method:
    """A `[[method]]` table of a study file without lists to go through, or `Method.spec()` → the method.

    Raises:
        ConfigError: the name is unknown (near misses shown). Wrong parameters raise pydantic's ValidationError.
    """
    return _class_of(table).model_validate(table)


def make_methods(table: Mapping[str, Any]) -> tuple[Method, ...]:
    """A `[[method]]` table of a study file → its methods: one for each value of a parameter that is a list, and of
    several lists one for each combination, the last list going round fastest. `learning_rate` stays a grid to search.

    Raises:
        ConfigError: the name is unknown (near misses shown), a list is empty, or there are more than `MOST_METHODS`
            combinations. Wrong parameters raise pydantic's ValidationError.
    """
    method = _class_of(table)
    axes = dict(_axes(table, method))
    if empty := [".".join(keys) for keys, values in axes.items() if not values]:
        raise ConfigError(f"{printable(empty[0])} is an empty list: give it a value.")
    count = math.prod(map(len, axes.values()))
    if count > MOST_METHODS:
        raise ConfigError(
            f"the lists of this method come to {count:,} combinations; {MOST_METHODS} are the most. Shorten them, or "
            "split the study."
        )
    combinations = itertools.product(*axes.values())
    return tuple(method.model_validate(_chosen(table, dict(zip(axes, one, strict=True)))) for one in combinations)


def _class_of(table: Mapping[str, Any]) -> type[Method]:
    name = table.get("name", "")
    if not isinstance(name, str):
        raise ConfigError(f"`name` is the name of one method, in quotes; got {type(name).__name__}.")
    if not name:
        raise ConfigError(f'Unknown method: its `name` is missing, as in name = "lora".{near_misses("", discover())}')
    if name not in discover():
        raise ConfigError(f"Unknown method '{printable(name)}'.{near_misses(name, discover())}")
    return discover()[name]


def _axes(table: Mapping[str, Any], method: type[BaseModel], *above: str) -> Iterator[tuple[Keys, list[Any]]]:
    """The lists among the parameters of a method and of its parts, by the keys that lead to them."""
    for key, value in table.items():
        field = method.model_fields.get(key)
        if field is None or get_origin(field.annotation) is tuple:
            continue
        if isinstance(value, list | tuple):
            yield (*above, key), list(value)
        elif isinstance(value, Mapping) and _is_part(field.annotation):
            yield from _axes(value, field.annotation, *above, key)


def _is_part(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _chosen(table: Mapping[str, Any], choice: Mapping[Keys, Any], *above: str) -> dict[str, Any]:
    """The table with the values of one combination in the place of its lists."""
    whole = dict(table)
    for key, value in table.items():
        if (*above, key) in choice:
            whole[key] = choice[*above, key]
        elif isinstance(value, Mapping):
            whole[key] = _chosen(value, choice, *above, key)
    return whole
