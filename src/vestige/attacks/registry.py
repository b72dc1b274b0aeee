"""Attacks by name: every file of this package that defines one is found, and nothing else is to be edited.

Other distributions add theirs through the entry point group `vestige.attacks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from vestige.attacks.base import Attack
from vestige.discovery import Kind, Registry, derived_from, field_name, find_all
from vestige.errors import ConfigError, near_misses, printable

GROUP = "vestige.attacks"
"""The entry point group of attacks that live elsewhere: `my_attack = "my_package.my_module:MyAttack"`."""


@cache
def discover() -> Registry[type[Attack]]:
    """All attacks, name → class, sorted by name: those of this package, and those that installed distributions add.

    Raises TypeError where two attacks of this package bear one name, and ConfigError, naming the distribution, where an
    added one cannot be loaded, is no attack, or bears a name that is taken.
    """
    kind: Kind[type[Attack]] = Kind(
        word="attack",
        package="vestige.attacks",
        is_one=derived_from(Attack),
        wanted="a class derived from vestige.Attack with a `score` of its own",
        name_of=field_name,
        group=GROUP,
    )
    return find_all(kind)


def make_attack(spec: str | Mapping[str, Any]) -> Attack:
    """An attack from its name (`"min_k"`, parameters at their defaults) or its table (`{"name": "min_k", "k": 0.1}`).

    Raises ConfigError, with the near misses, for an unknown name or parameter, and with the range for a value outside
    it.
    """
    table = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = table.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"an attack is a name, or a table with a 'name': got {spec!r}.{near_misses('', discover())}")
    if name not in discover():
        raise ConfigError(f"unknown attack '{printable(name)}'.{_hint(name)}")
    try:
        return discover()[name].model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"attack {name!r}: {_explain(error, known=discover()[name].model_fields)}") from error


def _hint(name: str) -> str:
    bare, bracket, _ = name.partition("(")
    if bracket and bare in discover():
        return f' Parameters are written as a table: {{ name = "{bare}", … }}.'
    return near_misses(name, discover())


def _explain(error: ValidationError, *, known: Mapping[str, Any]) -> str:
    return "; ".join(_explain_one(detail["type"], detail, known=known) for detail in error.errors(include_url=False))


def _explain_one(kind: str, detail: Mapping[str, Any], *, known: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if kind != "extra_forbidden":
        message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
        return f"{where} {message}, got {printable(repr(detail['input']))}"
    parameters = _parameters(detail["loc"][:-1], known=known)
    if not parameters:
        return f"unknown parameter {where!r}: it has none"
    return f"unknown parameter {where!r}.{near_misses(str(detail['loc'][-1]), parameters)}"


def _parameters(path: Sequence[Any], *, known: Mapping[str, Any]) -> list[str]:
    """The names that can be given: the parameters of an attack, or behind a path the keys of a table among them."""
    for part in path:
        options = get_args(known[part].annotation)
        known = next(one for one in options if isinstance(one, type) and issubclass(one, BaseModel)).model_fields
    return [key for key in known if key != "name"]
