"""What a checkpoint answers to prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, final

import numpy as np
import pyarrow as pa

from vestige.data.encode import decode, encode_prompts, stop_ids
from vestige.records import Generations, Role
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, ModelStage, Sizes
from vestige.study.stages.checkpoint import CheckpointSpec, checkpoint
from vestige.study.stages.corpus import examples_of

GENERATION_COST: Final = 2.0
"""What a generated token costs, in scored tokens: a step of a batch is bound by reading the weights, not by arithmetic
(measured, SmolLM2-135M on two cores, 24 texts at a time).
"""


@final
class GenerationsSpec(CheckpointSpec):
    """A checkpoint, or the base, on the prompts of the first `texts` texts of a role."""

    role: Role
    texts: int
    max_new_tokens: int


@final
class GenerationsStage(ModelStage[GenerationsSpec]):
    """The answers to the prompts of a role."""

    name = "generations"
    version = 2
    spec = GenerationsSpec
    ends_early: ClassVar[bool] = True

    @classmethod
    def run(cls, spec: GenerationsSpec, task: Task, bench: Bench) -> None:
        from vestige.stats.generate import Limits, generate

        examples = examples_of(bench.store, task.inputs["corpus"], spec.role)[: spec.texts]
        with checkpoint(spec, task, bench.store) as (model, tokenizer):
            prompts = encode_prompts(examples, tokenizer, max_length=spec.max_length)
            asked = [prompt for prompt in prompts if not prompt.reason]
            limits = Limits(stop=stop_ids(tokenizer), max_new_tokens=spec.max_new_tokens)
            ids = [prompt.ids for prompt in asked]
            found = generate(model, ids, limits=limits, progress=bench.progress)
        answers = dict(zip([prompt.id for prompt in asked], decode(found, tokenizer), strict=True))
        columns = {
            "id": [prompt.id for prompt in prompts],
            "text": pa.array([answers.get(prompt.id) for prompt in prompts], pa.string()),
            "reason": [prompt.reason for prompt in prompts],
        }
        write_parquet(bench.folder / "generations.parquet", pa.table(columns))

    @classmethod
    def cost(cls, spec: GenerationsSpec, sizes: Sizes) -> float:
        return sizes.prompt_tokens + cls.token_cost(spec) * sizes.prompts * spec.max_new_tokens

    @classmethod
    def token_cost(cls, spec: GenerationsSpec) -> float:
        return GENERATION_COST

    @classmethod
    def model(cls, spec: GenerationsSpec) -> Mapping[str, Any]:
        return spec.base.keyed()


def generations_of(store: Store, address: str) -> Generations:
    """What one checkpoint answered."""
    table = read_parquet(store.open(address) / "generations.parquet")
    return Generations(
        ids=np.asarray(table["id"].to_pylist(), dtype=np.str_),
        answers=tuple(text or "" for text in table["text"].to_pylist()),
        reasons=np.asarray(table["reason"].to_pylist(), dtype=np.str_),
    )
