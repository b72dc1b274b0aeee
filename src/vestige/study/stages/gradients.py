"""The norms of the gradients of texts at a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

import numpy as np
import pyarrow as pa

from vestige.data.encode import encode
from vestige.records import GradientNorms, Role
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, ModelStage, Sizes
from vestige.study.stages.checkpoint import CheckpointSpec, checkpoint
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.model import pad_id

GRADIENT_COST: Final = 3.0
"""What a token costs there and back, in scored tokens: the way back is twice the way there."""


@final
class GradientsSpec(CheckpointSpec):
    """A checkpoint, or the base, on the texts of a role as they are."""

    role: Role


@final
class GradientsStage(ModelStage[GradientsSpec]):
    """The gradient norms of the texts of one role."""

    name = "gradients"
    version = 2
    spec = GradientsSpec

    @classmethod
    def run(cls, spec: GradientsSpec, task: Task, bench: Bench) -> None:
        from vestige.stats.gradients import gradient_norms

        examples = examples_of(bench.store, task.inputs["corpus"], spec.role)
        with checkpoint(spec, task, bench.store) as (model, tokenizer):
            texts = encode(examples, tokenizer, max_length=spec.max_length)
            norms = gradient_norms(model, texts, pad_id=pad_id(tokenizer, model), progress=bench.progress)
        columns = {"id": norms.ids.tolist(), "first": norms.first, "second": norms.second}
        write_parquet(bench.folder / "gradients.parquet", pa.table(columns))

    @classmethod
    def load(cls, store: Store, address: str) -> GradientNorms:
        return gradients_of(store, address)

    @classmethod
    def cost(cls, spec: GradientsSpec, sizes: Sizes) -> float:
        return cls.token_cost(spec) * sizes.tokens[spec.role]

    @classmethod
    def token_cost(cls, spec: GradientsSpec) -> float:
        return GRADIENT_COST

    @classmethod
    def model(cls, spec: GradientsSpec) -> Mapping[str, Any]:
        return spec.base.keyed()


def gradients_of(store: Store, address: str) -> GradientNorms:
    """The norms of the gradients of a role's texts at one checkpoint."""
    table = read_parquet(store.open(address) / "gradients.parquet")
    ids = np.asarray(table["id"].to_pylist(), dtype=np.str_)
    return GradientNorms(ids=ids, first=table["first"].to_numpy(), second=table["second"].to_numpy())
