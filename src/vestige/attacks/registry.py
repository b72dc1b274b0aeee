"""Finding attacks by name: every file of this package that defines one is found, and nothing else is to be edited.

Other distributions add theirs through the entry point group `vestige.attacks`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from types import MappingProxyType, ModuleType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

import vestige.attacks
from vestige.attacks.base import Attack
from vestige.errors import ConfigError, near_misses, printable

GROUP = "vestige.attacks"
"""The entry point group of attacks that live elsewhere: `my_attack = "my_package.my_module:MyAttack"`."""


@cache
def discover() -> Mapping[str, type[Attack]]:
    """All attacks, name → class, sorted by name: those of this package, and those that installed distributions add.

    Raises TypeError where two attacks of this package bear one name, and ConfigError, naming the distribution, where an
    added one cannot be loaded, is no attack, or bears a name that is taken.
    """
    found = _built_in()
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        attack = _added(entry)
        if entry.name in found:
            raise ConfigError(
                f"{_source(entry)} adds an attack named {entry.name!r}, which {found[entry.name].__module__} has "
                "already. Uninstall it, or ask its author for another name."
            )
        found[entry.name] = attack
    return MappingProxyType(dict(sorted(found.items())))


def origin(attack: type[Attack]) -> str:
    """The package that defines an attack: `vestige`, or another's."""
    return attack.__module__.partition(".")[0]


def _added(entry: EntryPoint) -> type[Attack]:
    """The class that an entry point names, checked; ConfigError that names the distribution."""
    try:
        attack = entry.load()
    except Exception as error:  # whatever a stranger's module raises must be laid at its door
        raise ConfigError(
            f"{_source(entry)} adds an attack {entry.name!r} ({entry.value}) that cannot be loaded: "
            f"{type(error).__name__}: {error}. Update or uninstall it."
        ) from error
    if not (isinstance(attack, type) and issubclass(attack, Attack)) or isabstract(attack):
        raise ConfigError(
            f"{_source(entry)} adds {entry.value} as the attack {entry.name!r}, which is not a class derived from "
            "vestige.Attack with a `score` of its own. Update or uninstall it."
        )
    named = attack.model_fields["name"].default
    if named != entry.name:
        raise ConfigError(
            f"{_source(entry)} adds the attack {named!r} under the name {entry.name!r}: its entry point must bear the "
            "attack's own `name`. Update or uninstall it."
        )
    return attack


def _source(entry: EntryPoint) -> str:
    return f"The distribution '{entry.dist.name}' {entry.dist.version}" if entry.dist else "An installed distribution"


def _built_in() -> dict[str, type[Attack]]:
    found: dict[str, type[Attack]] = {}
    inside = pkgutil.walk_packages(vestige.attacks.__path__, "vestige.attacks.")
    for module in sorted(info.name for info in inside):
        for attack in _attacks_of(import_module(module)):
            name = attack.model_fields["name"].default
            if name in found:
                raise TypeError(f"two attacks bear the name {name!r}: {found[name].__module__} and {attack.__module__}")
            found[name] = attack
    return found


def _attacks_of(module: ModuleType) -> Iterator[type[Attack]]:
    for value in vars(module).values():
        is_attack = isinstance(value, type) and issubclass(value, Attack) and not isabstract(value)
        if is_attack and value.__module__ == module.__name__:
            yield value


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
