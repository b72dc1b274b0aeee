"""Versions of texts in which a masked language model replaced words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

import pyarrow as pa

from vestige.errors import ModelError
from vestige.models.loading import load_masked, load_tokenizer
from vestige.models.sources import resolve
from vestige.records import Example, Role
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, ModelStage, Sizes, Spec
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.model import refuse_changed


@final
class NeighboursSpec(Spec):
    """Version `version` of the texts of a role, by a masked language model, named by its identity."""

    masked_lm: Mapping[str, str]
    version: int
    role: Role


@final
class NeighboursStage(ModelStage[NeighboursSpec]):
    """One version of the texts of a role, with words replaced by a masked language model."""

    name = "neighbours"
    version = 2
    spec = NeighboursSpec

    @classmethod
    def run(cls, spec: NeighboursSpec, task: Task, bench: Bench) -> None:
        from vestige.stats.neighbours import neighbours

        source = resolve(task.where["masked_lm"])
        refuse_changed(source, spec.masked_lm)
        examples = examples_of(bench.store, task.inputs["corpus"], spec.role)
        found = neighbours(
            [example.completion for example in examples],
            version=spec.version,
            model=load_masked(source),
            tokenizer=load_tokenizer(source),
            progress=bench.progress,
        )
        if all(new == example.completion for new, example in zip(found, examples, strict=True)):
            raise ModelError(
                f"masked_lm = {source.name!r} replaced no word in any of the {len(found)} texts of the role "
                f"`{spec.role}`: it has no token for any of their words. Name a masked language model of their "
                "language, or leave it out: words are then swapped."
            )
        columns = {"id": [example.id for example in examples], "completion": found}
        write_parquet(bench.folder / "neighbours.parquet", pa.table(columns))

    @classmethod
    def cost(cls, spec: NeighboursSpec, sizes: Sizes) -> float:
        """Counted as if the masked model were as large as the base."""
        return sizes.tokens[spec.role]

    @classmethod
    def model(cls, spec: NeighboursSpec) -> Mapping[str, Any]:
        return spec.masked_lm


def replaced(examples: list[Example], store: Store, address: str) -> list[Example]:
    """The examples with the completions that a finished task gave them."""
    table = read_parquet(store.open(address) / "neighbours.parquet")
    completions = dict(zip(table["id"].to_pylist(), table["completion"].to_pylist(), strict=True))
    return [replace(example, completion=completions[example.id]) for example in examples]
