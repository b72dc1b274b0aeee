"""How often each token occurs in a population: tokenized as for a scoring pass, no model run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np
import pyarrow as pa

from vestige.data.encode import encode
from vestige.models.loading import load_tokenizer
from vestige.records import Role, TokenCounts
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.model import source_of


@final
class KeyedTokenizer(Spec):
    """What a key needs to know of a base of which the tokenizer alone is used: no precision."""

    model: Mapping[str, str]


@final
class CountsSpec(Spec):
    """The scored tokens of the texts of some roles."""

    base: KeyedTokenizer
    max_length: int
    roles: tuple[Role, ...]


@final
class CountsStage(Stage[CountsSpec]):
    """Token counts of the scored tokens of some roles."""

    name = "counts"
    version = 2
    spec = CountsSpec

    @classmethod
    def run(cls, spec: CountsSpec, task: Task, bench: Bench) -> None:
        tokenizer = load_tokenizer(source_of(spec.base.model, task, bench.store))
        vocabulary = 1 + max(tokenizer.get_vocab().values())
        counts = np.zeros(vocabulary, dtype=np.int64)
        for role in spec.roles:
            examples = examples_of(bench.store, task.inputs["corpus"], role)
            for text in encode(examples, tokenizer, max_length=spec.max_length):
                counts += np.bincount(text.ids[text.first : text.end], minlength=vocabulary)
        write_parquet(bench.folder / "counts.parquet", pa.table({"count": counts}))

    @classmethod
    def load(cls, store: Store, address: str) -> TokenCounts:
        return counts_of(store, address)


def counts_of(store: Store, address: str) -> TokenCounts:
    """The token counts of a population."""
    return TokenCounts(read_parquet(store.open(address) / "counts.parquet")["count"].to_numpy())
