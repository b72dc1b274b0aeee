"""The texts of a corpus, each in its role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict

from vestige.data.corpus import CorpusSpec, identity
from vestige.data.splits import manifest, split_of
from vestige.errors import DataError
from vestige.records import Example, Role, Split
from vestige.store.io import read_parquet, write_json, write_parquet
from vestige.store.keys import Task, canonical_json
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Spec, Stage


@final
class KeyedCorpus(Spec):
    """What the roles of a corpus follow from: what `data.corpus.identity` says of it, whatever a corpus is told.
    `same_after_cut`: the ids that a base of the study takes for earlier texts.
    """

    model_config = ConfigDict(extra="allow")

    files: tuple[str, ...]
    recipe_version: int | None
    generator: Mapping[str, Any]
    same_after_cut: tuple[str, ...] = ()


@final
class CorpusStage(Stage[KeyedCorpus]):
    """A corpus read, checked and cut into roles."""

    name = "corpus"
    version = 2
    spec = KeyedCorpus

    @classmethod
    def run(cls, spec: KeyedCorpus, task: Task, bench: Bench) -> None:
        corpus = CorpusSpec.model_validate_json(task.where["corpus"])
        if canonical_json(identity(corpus, left_out=spec.same_after_cut)) != canonical_json(task.spec):
            raise DataError(f"The files of the corpus '{corpus.name}' changed after the study began. Run it again.")
        split = split_of(corpus, left_out=spec.same_after_cut)
        write_parquet(bench.folder / "examples.parquet", _table(split))
        write_json(bench.folder / "manifest.json", manifest(split))


def corpus_task(corpus: CorpusSpec, known_by: Mapping[str, Any]) -> Task:
    """The task that stores a corpus; `known_by` is its identity."""
    spec = CorpusStage.read(known_by)
    return CorpusStage.task(spec, {}, where={"corpus": corpus.model_dump_json()}, about=f"{corpus.name}: texts")


def _table(split: Split) -> pa.Table:
    rows = [
        {**asdict(example), "references": list(example.references), "role": role}
        for role, examples in split.roles.items()
        for example in examples
    ]
    columns = {name: pa.array([row[name] for row in rows]) for name in ("id", "role", "group", "prompt", "completion")}
    if any(row["official"] is not None for row in rows):
        columns["official"] = pa.array([row["official"] for row in rows], pa.bool_())
    columns["references"] = pa.array([row["references"] for row in rows], pa.list_(pa.string()))
    return pa.table(columns)


def examples_of(store: Store, address: str, role: Role) -> list[Example]:
    """The examples of one role of a stored corpus, in their order."""
    table = read_parquet(store.open(address) / "examples.parquet")
    return [
        Example(
            row["id"], row["prompt"], row["completion"], tuple(row["references"]), row["group"], row.get("official")
        )
        for row in table.filter(pc.equal(table["role"], role)).to_pylist()
    ]
