"""A corpus: where its texts come from, how many it gives to each role, and what identifies it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from vestige.data.fields import FieldMap, mapped_examples
from vestige.data.paths import located
from vestige.data.recipes import Recipe, find_recipe
from vestige.data.rows import Row
from vestige.data.sources import existing_file, file_rows, hub_rows, name_of
from vestige.data.validity import refuse_unusable
from vestige.errors import ConfigError, DataError, printable
from vestige.records import ROLES, Example, Role
from vestige.store.io import sha256_of
from vestige.store.keyed import Keyed

MOST_TEXTS: Final = 1_000_000
"""Texts of one role."""

MOST_GENERATED: Final = 50_000
"""Texts of a generated corpus: two thousand are made in a second."""


def _one_or_many(paths: object) -> object:
    """Said here, since of two kinds that are allowed pydantic says what is wrong with each."""
    many = paths if isinstance(paths, list | tuple) else [paths]
    if paths is not None and not all(isinstance(one, str) for one in many):
        raise ValueError("should be a path in quotes, or a list of them")
    return paths


class CorpusSpec(Keyed):
    """The texts of a study: a source, and how many of them each role gets. The source is a recipe (with its data set on
    the hub, another `hub` id, or local files under `path`), or files or a hub set whose `fields` are named.
    """

    always_keyed: ClassVar[frozenset[str]] = frozenset(
        {"name", "recipe", "hub", "hub_config", "hub_split", "hub_revision", "fields", "separator", "max_length"}
        | {"pool", "validation", "calibration", "context", "shadow", "per_group", "duplicates", "seed", "size"}
    )

    name: str = Field(default="", max_length=200)
    """What the corpus is called in tables and `--cell`. Left out: the recipe's name, the stem of the first file, or the
    last part of the hub id.
    """

    recipe: str | None = None
    """How a known data set becomes texts (`vestige list corpora`)."""

    path: Annotated[str | tuple[str, ...] | None, BeforeValidator(_one_or_many)] = None
    """A file or a list of files, relative to the study file."""

    design: Literal["random", "official-splits"] = "random"
    """Who is a member. `random`: half of the pool, dealt out by the seed. `official-splits`: the pool's members come
    from `path`, a data set's training file, and its non-members from `non_members`, its test file, as published studies
    do it; it takes `folds = 1`, and what sets the two files apart is taken for memory (check V035).
    """

    non_members: Annotated[str | tuple[str, ...] | None, BeforeValidator(_one_or_many)] = None
    """With `design = "official-splits"`, the file or files of the non-members, and of all texts that are never trained
    on: validation, calibration and context. Shadows have theirs from `path`.
    """

    hub: str | None = None
    """The id of a data set on the Hugging Face hub."""

    hub_config: str | None = None
    """The configuration of the hub set."""

    hub_split: str = "train"
    """The split of the hub set."""

    hub_revision: str | None = None
    """The commit, tag or branch of the hub set."""

    fields: FieldMap | None = None
    """Which field of a record is what, where there is no recipe."""

    separator: str = "\n"
    """What ends the prompts of a source without a recipe."""

    max_length: int = Field(default=128, ge=2, le=2**20)
    """Tokens after which a text is cut, its prompt included."""

    pool: int = Field(ge=4, le=MOST_TEXTS)
    """Texts under attack: one half is trained on, the other is held out."""

    pool_of: int | None = Field(default=None, ge=4, le=MOST_TEXTS)
    """The pool is the first part of one of so many texts, and the other roles are what they are beside that one. It is
    set for each size where `pool` is a list (`pool = [64, 256, 1024]`): a corpus for each, nested, on the same
    validation texts, along which leakage is followed.
    """

    validation: int = Field(ge=1, le=MOST_TEXTS)
    """Texts by whose loss learning rates and checkpoints are chosen, never trained on."""

    calibration: int = Field(default=0, ge=0, le=MOST_TEXTS)
    """Texts that no cell is trained on, which p-values and some attacks compare with."""

    context: int = Field(default=0, ge=0, le=MOST_TEXTS)
    """Texts that `recall` and its like put before others."""

    shadow: int = Field(default=0, ge=0, le=MOST_TEXTS)
    """Texts for shadow models, which trained attacks learn from."""

    most_characters: int | None = Field(default=None, ge=1, le=2**31)
    """Texts longer than that, prompt and completion together, are left out whole; left out, none is. Short texts make a
    study fast without cutting any.
    """

    per_group: int | None = Field(default=None, ge=1)
    """At most so many texts of one group."""

    duplicates: Literal["refuse", "drop"] = "refuse"
    """What happens to texts that occur twice."""

    near_duplicates: Literal["keep", "drop"] = "keep"
    """`drop`: of texts of different groups that are nearly the same (they share four fifths of their runs of three
    words), the first stays, so that no near copy of a member is a non-member or a validation text. They are counted and
    named by their ids. `vestige new` writes `drop`.
    """

    seed: int = Field(default=0, ge=0, lt=2**63)
    """Decides which texts come into which role, and the content of a generated corpus."""

    size: int | None = Field(default=None, ge=1, le=MOST_GENERATED)
    """Texts that a generated corpus makes. Left out: as many as the roles need."""

    @model_validator(mode="before")
    @classmethod
    def _name(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("name"):
            return {**values, "name": default_name(values)}
        return values

    @field_validator("recipe")
    @classmethod
    def _known(cls, recipe: str | None) -> str | None:
        try:
            return recipe and find_recipe(recipe).name
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @field_validator("path", "non_members")
    @classmethod
    def _from_the_study(cls, path: str | tuple[str, ...] | None, info: ValidationInfo) -> str | tuple[str, ...] | None:
        """Validated with a `folder` as context, paths become those that are meant there."""
        if not path or info.context is None:
            return path
        many = (path,) if isinstance(path, str) else path
        try:
            return tuple(one and str(located(one, **info.context)) for one in many)
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
    def sizes_filled(self) -> dict[Role, int]:
        """Those that the roles are filled to, before the pool is cut to its first part."""
        return {**self.sizes, "pool": self.pool_of or self.pool}

    @property
    def total(self) -> int:
        """Texts of all roles together."""
        return sum(self.sizes_filled.values())

    @property
    def paths(self) -> tuple[str, ...]:
        """The local files, in order, those of non-members last; empty where the source is a hub or generated."""
        return (*_many(self.path), *self.paths_of_non_members)

    @property
    def paths_of_non_members(self) -> tuple[str, ...]:
        """The files that `non_members` names; empty where members are dealt out at random."""
        return _many(self.non_members)

    @property
    def found_recipe(self) -> Recipe | None:
        """The recipe, if one is named."""
        return find_recipe(self.recipe) if self.recipe else None


def _many(paths: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else paths or ()


def default_name(values: dict[str, Any]) -> str:
    """The recipe's name, the stem of the first file, or the last part of the hub id."""
    path = values.get("path")
    first = path[0] if isinstance(path, list | tuple) and path else path
    if values.get("recipe"):
        return str(values["recipe"])
    return name_of(str(first)) if first else str(values.get("hub") or "").rpartition("/")[2]


def _source_problem(spec: CorpusSpec) -> str:
    """What is wrong with the choice of source; empty where it is sound."""
    recipe = spec.found_recipe
    if (spec.design == "random") != (spec.non_members is None):
        return (
            '`design = "official-splits"` takes the members from `path` and the others from `non_members`, the '
            "training and the test file of a data set: give both, or neither."
        )
    if spec.non_members is not None and not (spec.path and all(spec.paths_of_non_members)):
        return "`non_members` is a file beside that of `path`: name both. A hub set has to be saved as files first."
    if spec.pool_of is not None and (spec.pool_of < spec.pool or spec.design != "random"):
        return (
            "`pool_of` is the size of a larger pool that this one is the first part of, of texts dealt out at random."
        )
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
    if spec.total > MOST_GENERATED:
        return f"a generated corpus has at most {MOST_GENERATED:,} texts, and this one's roles need {spec.total:,}."
    if spec.size is not None and spec.size < spec.total:
        return f"size = {spec.size} is less than the {spec.total} texts of the roles: raise it or leave it out."
    return ""


def load_examples(spec: CorpusSpec) -> list[Example]:
    """Every example of the corpus, in the order of its source.

    Raises DataError where the source cannot be read, is empty, holds an empty completion or repeats an id, and where
    all of its texts are longer than `most_characters`.
    """
    examples = _examples(spec, _rows(spec))
    if spec.paths_of_non_members:
        examples = [replace(one, official=True) for one in examples]
        examples += _non_members(spec)
    refuse_unusable(examples, name=spec.name)
    return _short_enough(examples, spec)


def _examples(spec: CorpusSpec, rows: Iterator[Row]) -> list[Example]:
    if spec.found_recipe is not None:
        return list(spec.found_recipe.examples(rows))
    return list(mapped_examples(rows, fields=spec.fields or FieldMap(), separator=spec.separator))


def _non_members(spec: CorpusSpec) -> list[Example]:
    """The texts of the other file, with ids and groups of their own: both files may count their lines from 1."""
    found = _examples(spec, _file_rows(spec, spec.paths_of_non_members))
    return [replace(one, id=f"other-{one.id}", group=f"other-{one.group}", official=False) for one in found]


def _short_enough(examples: list[Example], spec: CorpusSpec) -> list[Example]:
    if spec.most_characters is None:
        return examples
    lengths = [len(example.prompt) + len(example.completion) for example in examples]
    if min(lengths) > spec.most_characters:
        raise DataError(
            f"Corpus '{printable(spec.name)}': none of its {len(examples)} texts has at most {spec.most_characters} "
            f"characters; the shortest has {min(lengths)}. Raise `most_characters`."
        )
    return [one for one, length in zip(examples, lengths, strict=True) if length <= spec.most_characters]


def _rows(spec: CorpusSpec) -> Iterator[Row]:
    recipe = spec.found_recipe
    if recipe is not None and recipe.generate:
        return recipe.generate(spec.size or spec.total, seed=spec.seed)
    if spec.paths:
        return _file_rows(spec, _many(spec.path))
    hub = spec.hub or (recipe.hub if recipe else "")
    config = spec.hub_config or (recipe.hub_config if recipe and not spec.hub else None)
    return hub_rows(hub, config=config, split=spec.hub_split, revision=spec.hub_revision)


def _file_rows(spec: CorpusSpec, paths: tuple[str, ...]) -> Iterator[Row]:
    return file_rows(paths, raw_lines=spec.found_recipe is not None and spec.found_recipe.raw_lines)


def said_of(spec: CorpusSpec) -> dict[str, Any]:
    """What a study file says of a corpus, wherever its files lie: the spec, with the names of the files alone."""
    return {**spec.keyed(without={"path", "non_members"}), "files": [Path(path).name for path in spec.paths]}


LEFT_OUT: Final = "same_after_cut"
"""Where the identity of a corpus has the ids that are left out for a base: those that it takes for earlier texts, and
those that it was pretrained on; if there are any.
"""


def identity(spec: CorpusSpec, *, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the texts and roles of a corpus follow from, as JSON: the input of a cache key. `left_out`: the ids that are
    left out for a base of the study.

    The spec without its name and paths, the version of its recipe, and the sha256 of each local file, so that the
    same files give the same identity wherever they lie; a hub set by id, config, split and revision; a generated
    corpus by its generator's versions. Raises DataError for a missing file.
    """
    files = [sha256_of(existing_file(path)) for path in spec.paths]
    generator = spec.found_recipe.generator() if spec.found_recipe else {}
    return identity_of(spec, files=files, generator=generator, left_out=left_out)


def identity_of(
    spec: CorpusSpec, *, files: Sequence[str], generator: Mapping[str, str], left_out: Sequence[str] = ()
) -> dict[str, Any]:
    """The same for files of these hashes and a generator of these versions, wherever they are."""
    facts: dict[str, Any] = spec.keyed(without={"name", "path", "non_members"})
    if spec.paths_of_non_members:
        facts["files_of_non_members"] = len(spec.paths_of_non_members)
    facts["recipe_version"] = spec.found_recipe.version if spec.found_recipe else None
    facts |= {"files": list(files), "generator": dict(generator)}
    return {**facts, LEFT_OUT: list(left_out)} if left_out else facts
