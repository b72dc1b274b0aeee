"""The table `[pretrain]`: on which texts a family of models is pretrained from scratch, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, final

from pydantic import BeforeValidator, Field, PositiveFloat, ValidationInfo, field_validator, model_validator

from vestige.data.paths import located
from vestige.data.sources import existing_file
from vestige.errors import ConfigError
from vestige.models.cache import sha256
from vestige.store.keyed import Keyed

Shape = Literal["llama", "gpt2"]


def _one_or_many(paths: object) -> object:
    return (paths,) if isinstance(paths, str) else paths


@final
class Pretraining(Keyed):
    """How the bases `scratch:1m` and their like are pretrained: on files or a hub set, in one way for all sizes, with
    one tokenizer. What is pretrained depends on this table alone, never on the texts of the study, which are refused
    where they occur in it. With `duplicates = "drop"` a corpus loses those of its texts instead.
    """

    always_keyed: ClassVar[frozenset[str]] = frozenset(
        {"field", "tokens", "shape", "vocabulary", "context", "batch_size", "weight_decay", "seed"}
    )

    path: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    """A file of texts or a list of files, relative to the study file."""

    hub: str | None = None
    """The id of a data set on the Hugging Face hub, instead of files."""

    hub_config: str | None = None
    """The configuration of the hub set."""

    hub_split: str = "train"
    """The split of the hub set."""

    hub_revision: str | None = None
    """The commit, tag or branch of the hub set."""

    field: str = Field(default="text", min_length=1)
    """The field of a record that holds its text."""

    tokens: int = Field(default=5_000_000, ge=1_000, le=10**12)
    """Tokens that a model is trained on. A source that has fewer is gone through more than once."""

    shape: Shape = "llama"
    """The architecture of every size."""

    vocabulary: int = Field(default=4096, ge=300, le=2**17)
    """Pieces of the tokenizer, a byte-level BPE that is trained on these texts."""

    context: int = Field(default=512, ge=16, le=2**17)
    """Positions of the models, and tokens of each of the blocks that the texts are cut into."""

    batch_size: int = Field(default=16, ge=1, le=100_000)
    """Blocks of an optimizer step."""

    learning_rate: PositiveFloat | None = None
    """The highest of the training, reached after a fiftieth of it and kept until the last fifth, in which it falls to
    zero. Left out: .003 for a million parameters, times the fourth root of two less for each doubling.
    """

    weight_decay: float = Field(default=0.1, ge=0, le=1000)
    """AdamW's weight decay."""

    seed: int = Field(default=0, ge=0, lt=2**63)
    """Decides the weights that the training starts from, and the order of the blocks."""

    @field_validator("path")
    @classmethod
    def _from_the_study(cls, path: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.context is None:
            return path
        try:
            return tuple(str(located(one, **info.context)) for one in path)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.path) == bool(self.hub):
            raise ValueError("name the texts to pretrain on: a `path`, or a `hub` id, and not both.")
        if self.path and (self.hub_config or self.hub_revision or self.hub_split != "train"):
            raise ValueError("`hub_config`, `hub_split` and `hub_revision` belong to a hub set: remove them.")
        return self

    def said(self) -> dict[str, Any]:
        """What a study file says of it, wherever its files lie: the table, with the names of the files alone."""
        return {**self.keyed(without={"path"}), "files": [Path(path).name for path in self.path]}

    def identity(self) -> dict[str, Any]:
        """What a pretraining follows from, wherever its files lie: the table, and the sha256 of each file. DataError
        where one is missing.
        """
        files = [sha256(existing_file(path)) for path in self.path]
        return {**self.keyed(without={"path"}), "files": files}
