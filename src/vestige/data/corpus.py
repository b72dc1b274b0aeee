"""A corpus: where its texts come from, how many it gives to each role, and what identifies it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vestige.data.fields import FieldMap, mapped_examples
from vestige.data.recipes import Recipe, find_recipe
from vestige.data.rows import Row
from vestige.data.sources import existing_file, file_rows, hub_rows, name_of
from vestige.data.validity import refuse_unusable
from vestige.errors import ConfigError
from vestige.records import ROLES, Example, Role


class CorpusSpec(BaseModel):
    """One corpus of a study: a source, and the texts of each role.

    The source is a recipe (with its data set on the hub, or another `hub` id, or local files under `path`), or files
    or a hub set whose `fields` are named. `max_length` is in tokens; `pool`, `validation`, `calibration`, `context`
    and `shadow` count texts; `per_group` caps the texts of one group. `seed` decides the roles, and the content of a
    generated corpus, whose `size` is the sum of the roles unless given. `separator` ends the prompts of a source
    without a recipe. Raises pydantic's ValidationError, with the remedy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    recipe: str | None = None
    path: str | tuple[str, ...] | None = None
    hub: str | None = None
    hub_config: str | None = None
    hub_split: str = "train"
    hub_revision: str | None = None
    fields: FieldMap | None = None
    separator: str = "\n"
    max_length: int = Field(default=128, ge=2)
    pool: int = Field(ge=4)
    validation: int = Field(ge=1)
    calibration: int = Field(default=0, ge=0)
    context: int = Field(default=0, ge=0)
    shadow: int = Field(default=0, ge=0)
    per_group: int | None = Field(default=None, ge=1)
    duplicates: Literal["refuse", "drop"] = "refuse"
    seed: int = Field(default=0, ge=0)
    size: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _name(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("name"):
            return {**values, "name": _default_name(values)}
        return values

    @field_validator("recipe")
    @classmethod
    def _known(cls, recipe: str | None) -> str | None:
        try:
            return recipe and find_recipe(recipe).name
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        problem = _source_problem(self)
        if problem:
            raise ValueError(problem)
        return self

    @property
    def sizes(self) -> dict[Role, int]:
        """Texts of each role, in the order in which roles are filled."""
        return {role: int(getattr(self, role)) for role in ROLES}

    @property
    def total(self) -> int:
        """Texts of all roles together."""
        return sum(self.sizes.values())

    @property
    def paths(self) -> tuple[str, ...]:
        """The local files, in order; empty where the source is a hub or generated."""
        return (self.path,) if isinstance(self.path, str) else self.path or ()

    @property
    def found_recipe(self) -> Recipe | None:
        """The recipe, if one is named."""
        return find_recipe(self.recipe) if self.recipe else None


def _default_name(values: dict[str, Any]) -> str:
    """The recipe's name, the stem of the first file, or the last part of the hub id."""
    path = values.get("path")
    first = path[0] if isinstance(path, list | tuple) and path else path
    if values.get("recipe"):
        return str(values["recipe"])
    return name_of(str(first)) if first else str(values.get("hub") or "").rpartition("/")[2]


def _source_problem(spec: CorpusSpec) -> str:
    """What is wrong with the choice of source; empty where it is sound."""
    recipe = spec.found_recipe
    if spec.path is not None and not (spec.paths and all(spec.paths)):
        return "`path` is empty: name one file or a list of files."
    if recipe is not None and (spec.fields is not None or spec.separator != "\n"):
        return f"`fields` and `separator` are for sources without a recipe: remove them, or recipe = '{recipe.name}'."
    if recipe is not None and recipe.generate:
        return _generated_problem(spec)
    if spec.size is not None:
        return "`size` belongs to a generated corpus (recipe = 'case_notes'): remove it."
    if spec.path and spec.hub:
        return "`path` and `hub` are both given: keep the one to read from."
    if recipe is None and not (spec.path or spec.hub):
        return "no source: give a `recipe`, a `path` or a `hub` id."
    if spec.path and (spec.hub_config or spec.hub_revision or spec.hub_split != "train"):
        return "`hub_config`, `hub_split` and `hub_revision` belong to a hub set, and `path` is given: remove them."
    return ""


def _generated_problem(spec: CorpusSpec) -> str:
    given = [key for key in ("path", "hub", "hub_config", "hub_revision") if getattr(spec, key) is not None]
    if given:
        return f"recipe '{spec.recipe}' generates its texts and reads no source: remove {', '.join(given)}."
    if spec.size is not None and spec.size < spec.total:
        return f"size = {spec.size} is less than the {spec.total} texts of the roles: raise it or leave it out."
    return ""


def load_examples(spec: CorpusSpec) -> list[Example]:
    """Every example of the corpus, in the order of its source.

    Raises DataError where the source cannot be read, is empty, holds an empty completion or repeats an id.
    """
    recipe = spec.found_recipe
    rows = _rows(spec)
    if recipe is not None:
        examples = list(recipe.examples(rows))
    else:
        examples = list(mapped_examples(rows, fields=spec.fields or FieldMap(), separator=spec.separator))
    refuse_unusable(examples, name=spec.name)
    return examples


def _rows(spec: CorpusSpec) -> Iterator[Row]:
    recipe = spec.found_recipe
    if recipe is not None and recipe.generate:
        return recipe.generate(spec.size or spec.total, seed=spec.seed)
    if spec.paths:
        return file_rows(spec.paths, raw_lines=recipe is not None and recipe.raw_lines)
    hub = spec.hub or (recipe.hub if recipe else "")
    config = spec.hub_config or (recipe.hub_config if recipe and not spec.hub else None)
    return hub_rows(hub, config=config, split=spec.hub_split, revision=spec.hub_revision)


def identity(spec: CorpusSpec) -> dict[str, Any]:
    """What the texts and roles of a corpus follow from, as JSON: the input of a cache key.

    The spec without its name and paths, the version of its recipe, and the sha256 of each local file, so that the
    same files give the same identity wherever they lie; a hub set by id, config, split and revision; a generated
    corpus by its generator's versions. Raises DataError for a missing file.
    """
    recipe = spec.found_recipe
    facts: dict[str, Any] = spec.model_dump(mode="json", exclude={"name", "path"})
    facts["recipe_version"] = recipe.version if recipe else None
    facts["files"] = [_sha256(existing_file(path)) for path in spec.paths]
    facts["generator"] = recipe.generator() if recipe else {}
    return facts


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
