"""Recipes: one file maps one public data set to Examples. A new recipe is a new file here that defines `RECIPE`.

Other distributions add theirs through the entry point group `vestige.recipes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from vestige.data.rows import Row
from vestige.discovery import Kind, Registry, find_all
from vestige.errors import ConfigError, near_misses, printable
from vestige.records import Example

GROUP: Final = "vestige.recipes"
"""The entry point group of recipes that live elsewhere: `my_set = "my_package.my_module:RECIPE"`."""


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
def discover() -> Registry[Recipe]:
    """Every recipe by name, sorted: those of this package, and those that installed distributions add.

    Raises TypeError where two recipes of this package bear one name, and ConfigError, naming the distribution, where an
    added one cannot be loaded, is no recipe, or bears a name that is taken.
    """
    kind: Kind[Recipe] = Kind(
        word="recipe",
        package=__name__,
        is_one=lambda value: isinstance(value, Recipe),
        wanted="a vestige.data.recipes.Recipe",
        name_of=lambda recipe: recipe.name,
        group=GROUP,
    )
    return find_all(kind)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; ConfigError with the near misses where there is none."""
    if name not in discover():
        raise ConfigError(f"There is no recipe '{printable(name)}'.{near_misses(name, discover())}")
    return discover()[name]
