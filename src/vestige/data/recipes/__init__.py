"""Recipes: one file maps one public data set to Examples. A new recipe is a new file here that defines `RECIPE`."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Protocol

from vestige.data.rows import Row
from vestige.errors import ConfigError, near_misses, printable
from vestige.records import Example


class Generate(Protocol):
    """Makes the rows of a generated corpus; row i depends on the seed and i alone, so that a larger corpus begins
    with a smaller one."""

    def __call__(self, size: int, *, seed: int) -> Iterator[Row]:
        """Yield `size` rows."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the rows of one data set become Examples.

    `examples` reads both the hub's rows and those of a local file. `version` enters every cache key: raise it when
    `examples` changes what it yields. `raw_lines`: a local .txt is read line by line, blank lines included.
    `generate` and `generator` (facts for the cache key) belong to a recipe that needs no source.
    """

    name: str
    about: str
    licence: str
    examples: Callable[[Iterable[Row]], Iterator[Example]]
    version: int = 1
    hub: str = ""
    hub_config: str | None = None
    raw_lines: bool = False
    generate: Generate | None = None
    generator: Callable[[], dict[str, str]] = dict


@cache
def known_recipes() -> Mapping[str, Recipe]:
    """Every recipe by name, found by walking this package."""
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return MappingProxyType({module.RECIPE.name: module.RECIPE for module in modules})


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; ConfigError with the near misses where there is none."""
    recipes = known_recipes()
    if name not in recipes:
        raise ConfigError(f"There is no recipe '{printable(name)}'.{near_misses(name, recipes)}")
    return recipes[name]
