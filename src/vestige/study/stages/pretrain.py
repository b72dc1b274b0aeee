"""A base pretrained from scratch: the model, and how well it came to predict texts that were held out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from vestige.errors import ModelError
from vestige.models.sources import ModelSource
from vestige.pretraining.sizes import rate_of, size_of
from vestige.pretraining.spec import Pretraining
from vestige.pretraining.start import found_at
from vestige.pretraining.texts import Blocks, blocks_of
from vestige.store.io import read_json, write_json
from vestige.store.keys import Task
from vestige.store.layout import UNFINISHED, Store
from vestige.study.stages.base import Bench, ModelStage, Sizes, Spec
from vestige.tuning.schedule import Training

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vestige.tuning.train import Job

MODEL: Final = "model"
"""The folder of the model, as `from_pretrained` reads it."""

_RECORD: Final = "pretrained.json"
_WARM_UP, _DECAY = 0.02, 0.2
_ORDER: Final = 13
"""First word of the seed sequence of the order of the blocks."""

_TRAINING_COST: Final = 3.0
"""Scored tokens that a trained one amounts to: its forward and backward pass."""

_PARAMETERS: Final = 135e6
"""Those of the model whose scored tokens costs are counted in by rule, where nothing has been timed."""


@final
class PretrainSpec(Spec):
    """A model known by `model` (`pretraining.start.identity_of`); `tokens` and `parameters` are what its cost is."""

    model: Mapping[str, str]
    tokens: int
    parameters: int


@final
@dataclass(frozen=True)
class Pretrained:
    """What a pretraining came to.

    * `parameters`: all of them, and `inner` those without the embeddings.
    * `tokens`, `steps`: what it was trained on. `losses`: that of each step, nats per token.
    * `held_out`: mean loss on the held-out texts, nats per token, of which there are `held_out_tokens`.
    """

    parameters: int
    inner: int
    tokens: int
    steps: int
    losses: list[float]
    held_out: float
    held_out_tokens: int


@final
class PretrainStage(ModelStage[PretrainSpec]):
    """Pretrain one base."""

    name = "pretrain"
    version = 1
    reads_other_texts = True
    spec = PretrainSpec

    @classmethod
    def run(cls, spec: PretrainSpec, task: Task, bench: Bench) -> None:
        from torch.nn import Embedding
        from transformers import AutoModelForCausalLM

        from vestige.models.devices import device
        from vestige.models.loading import load_tokenizer
        from vestige.tuning.train import train

        start = _start(spec, task)
        pretraining = Pretraining.model_validate_json(task.where["pretraining"])
        tokenizer = load_tokenizer(start)
        blocks, held_out = blocks_of(pretraining, tokenizer)
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(start.path, local_files_only=True)
        model.to(device())  # type: ignore[arg-type]  # a device
        job = _job(pretraining, start.name, blocks, bench, pad=int(tokenizer.pad_token_id))
        losses = train(model, job, progress=bench.progress, say=bench.say)
        loss, tokens = _judged(model.requires_grad_(False).eval(), held_out, pad=job.pad_id)
        model.save_pretrained(bench.folder / MODEL)
        tokenizer.save_pretrained(bench.folder / MODEL)
        embeddings = sum(one.weight.numel() for one in model.modules() if isinstance(one, Embedding))
        record = Pretrained(
            parameters=model.num_parameters(),
            inner=model.num_parameters() - embeddings,
            tokens=sum(map(len, job.batches)) * pretraining.context,
            steps=len(job.batches),
            losses=losses,
            held_out=loss,
            held_out_tokens=tokens,
        )
        write_json(bench.folder / _RECORD, asdict(record))

    @classmethod
    def cost(cls, spec: PretrainSpec, sizes: Sizes) -> float:
        return cls.token_cost(spec) * spec.tokens

    @classmethod
    def token_cost(cls, spec: PretrainSpec) -> float:
        return _TRAINING_COST * spec.parameters / _PARAMETERS

    @classmethod
    def model(cls, spec: PretrainSpec) -> Mapping[str, Any]:
        return {"model": dict(spec.model), "dtype": "float32"}


def _start(spec: PretrainSpec, task: Task) -> ModelSource:
    """The model before its first step; ModelError where it is another than the key names."""
    name, place = task.where["model"], Path(task.where["place"])
    found = found_at(place)
    if found != dict(spec.model):
        raise ModelError(
            f"What {name} is to be pretrained from, {place}, is {'another' if found else 'gone'} since the study "
            "began. Run it again."
        )
    return ModelSource(name, "scratch", place, spec.model)


def _job(pretraining: Pretraining, model: str, blocks: Blocks, bench: Bench, *, pad: int) -> Job:
    from vestige.tuning.train import Job

    steps = math.ceil(pretraining.tokens / (pretraining.batch_size * pretraining.context))
    order = _order(len(blocks), at_least=steps * pretraining.batch_size, seed=pretraining.seed)
    batches = [order[start : start + pretraining.batch_size] for start in range(0, len(order), pretraining.batch_size)]
    return Job(
        training=Training(weight_decay=pretraining.weight_decay),
        learning_rate=rate_of(size_of(model, pretraining), pretraining),
        warmup_steps=round(_WARM_UP * steps),
        decay_steps=round(_DECAY * steps),
        seed=pretraining.seed % 2**32,
        texts=blocks,
        batches=batches[:steps],
        steps=(),
        folder=bench.folder / UNFINISHED,
        pad_id=pad,
    )


def _order(blocks: int, *, at_least: int, seed: int) -> list[int]:
    """Every block once, in an order of its own, again and again: no batch is short because a round ends in it."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence((_ORDER, seed))))
    rounds = math.ceil(at_least / blocks)
    return [int(place) for _ in range(rounds) for place in generator.permutation(blocks)]


def _judged(model: PreTrainedModel, held_out: Blocks, *, pad: int) -> tuple[float, int]:
    from vestige.stats.collect import collect

    logp = collect(model, held_out, pad_id=pad).tokens["logp"]
    return float(-logp.mean()), len(logp)


def pretrained_of(store: Store, address: str) -> Pretrained:
    """What a finished pretraining came to."""
    return Pretrained(**read_json(store.open(address) / _RECORD))


def model_folder(store: Store, address: str) -> Path:
    """The folder of a finished pretraining's model."""
    return store.open(address) / MODEL
