"""Finding what plugs in by name: a walk of the folder of a kind, and the entry points of other distributions.

A file in the folder is all it takes, and nothing else is to be edited. A class counts in the module that defines it, so
that importing one registers nothing.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import cleandoc, isabstract
from types import ModuleType
from typing import Any, Generic, TypeVar, cast, final

from vestige.errors import ConfigError

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """What is looked for, and where.

    * `word`: what one is called in messages: `attack`.
    * `package`: the package whose modules are walked, without what its own `__init__` holds.
    * `is_one`: whether a value is of the kind (`derived_from` where classes are looked for).
    * `wanted`: what `is_one` asks for, in words: `a class derived from vestige.Attack`.
    * `name_of`: its name; anything but a text where it has none.
    * `group`: the entry points through which other distributions add theirs; empty where they add none.
    """

    word: str
    package: str
    is_one: Callable[[object], bool]
    wanted: str
    name_of: Callable[[T], object]
    group: str = ""

    @property
    def a_word(self) -> str:
        """The word with its article."""
        return f"{'an' if self.word[0] in 'aeiou' else 'a'} {self.word}"


@final
@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """Something that was found, and the module where."""

    thing: T
    module: str


@final
class Registry(Mapping[str, T]):
    """What was found of one kind: name → thing, sorted by name."""

    def __init__(self, found: Mapping[str, Found[T]]) -> None:
        self._found = dict(sorted(found.items()))

    def __getitem__(self, name: str) -> T:
        return self._found[name].thing

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def origin(self, name: str) -> str:
        """The package that a thing comes from: `vestige`, or another's."""
        return self._found[name].module.partition(".")[0]

    def own(self) -> dict[str, T]:
        """Those that vestige itself brings, which its own pages and numbers are about."""
        return {name: thing for name, thing in self.items() if self.origin(name) == "vestige"}


def derived_from(base: type) -> Callable[[object], bool]:
    """Whether a value is a class derived from `base` with nothing abstract left."""
    return lambda value: isinstance(value, type) and issubclass(value, base) and not isabstract(value)


def about(thing: type) -> str:
    """What a class says of itself in the first sentence of its docstring, on one line."""
    first, *_ = cleandoc(thing.__doc__ or "").split("\n\n")
    return re.split(r"(?<=\.) ", " ".join(first.split()), maxsplit=1)[0]


def field_name(model: Any) -> object:
    """The default of the field `name` of a pydantic model: what a study file calls it."""
    return model.model_fields["name"].default


def find_all(kind: Kind[T]) -> Registry[T]:
    """Everything of a kind: that of its package, and that which installed distributions add.

    Raises TypeError where one of the package has no name or two bear the same, and ConfigError, naming the
    distribution, where an added one cannot be loaded, is not of the kind, or bears a name that is taken.
    """
    found = _built_in(kind)
    entries = entry_points(group=kind.group) if kind.group else ()
    for entry in sorted(entries, key=lambda entry: (entry.name, entry.value)):
        thing = _added(entry, kind)
        if entry.name in found:
            raise ConfigError(
                f"{_source(entry)} adds {kind.a_word} named {entry.name!r}, which {found[entry.name].module} has "
                "already. Uninstall it, or ask its author for another name."
            )
        found[entry.name] = Found(thing, entry.module)
    return Registry(found)


def _built_in(kind: Kind[T]) -> dict[str, Found[T]]:
    found: dict[str, Found[T]] = {}
    inside = pkgutil.walk_packages(import_module(kind.package).__path__, f"{kind.package}.")
    for module in map(import_module, sorted(one.name for one in inside)):
        for thing in _defined_in(module, kind):
            name = kind.name_of(thing)
            if not isinstance(name, str):
                raise TypeError(f"{module.__name__} defines {kind.a_word} without a name: {thing!r}")
            known = found.setdefault(name, Found(thing, module.__name__))
            if known.thing is not thing:
                raise TypeError(f"two {kind.word}s bear the name {name!r}: {known.module} and {module.__name__}")
    return found


def _defined_in(module: ModuleType, kind: Kind[T]) -> Iterator[T]:
    """What a module adds. Other values than classes do not know where they were defined: one that a second module
    imports is the same one again.
    """
    for value in vars(module).values():
        if kind.is_one(value) and not _is_elsewhere(value, module, kind):
            yield value


def _is_elsewhere(value: Any, module: ModuleType, kind: Kind[T]) -> bool:
    """Whether a class is imported, or is there for others to derive from: neither final nor named."""
    if not isinstance(value, type):
        return False
    is_base = not getattr(value, "__final__", False) and not isinstance(kind.name_of(cast(T, value)), str)
    return value.__module__ != module.__name__ or is_base


def _added(entry: EntryPoint, kind: Kind[T]) -> T:
    """What an entry point names, checked; ConfigError that names the distribution."""
    try:
        thing = entry.load()
    except Exception as error:  # whatever a stranger's module raises must be laid at its door
        raise ConfigError(
            f"{_source(entry)} adds {kind.a_word} {entry.name!r} ({entry.value}) that cannot be loaded: "
            f"{type(error).__name__}: {error}. Update or uninstall it."
        ) from error
    if not kind.is_one(thing):
        raise ConfigError(
            f"{_source(entry)} adds {entry.value} as the {kind.word} {entry.name!r}, which is not {kind.wanted}. "
            "Update or uninstall it."
        )
    named = kind.name_of(thing)
    if named != entry.name:
        raise ConfigError(
            f"{_source(entry)} adds the {kind.word} {named!r} under the name {entry.name!r}: its entry point must bear "
            f"the {kind.word}'s own `name`. Update or uninstall it."
        )
    return cast(T, thing)


def _source(entry: EntryPoint) -> str:
    return f"The distribution '{entry.dist.name}' {entry.dist.version}" if entry.dist else "An installed distribution"
