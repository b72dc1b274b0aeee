"""A base pretrained from scratch: the model, and how well it came to predict texts that were held out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from vestige.errors import ModelError
from vestige.models.sources import ModelSource
from vestige.pretraining.sizes import rate_of
from vestige.pretraining.spec import Pretraining
from vestige.pretraining.start import found_at, shape_of
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
_TRAINING_COST: Final = 3.0
"""Scored tokens that a trained one amounts to: its forward and backward pass."""


@final
class PretrainSpec(Spec):
    """A model known by `model` (`pretraining.start.identity_of`), and its tokens: all that a cost follows from."""

    model: Mapping[str, str]
    tokens: int


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
    spec = PretrainSpec

    @classmethod
    def run(cls, spec: PretrainSpec, task: Task, bench: Bench) -> None:
        from torch.nn import Embedding
        from transformers import AutoModelForCausalLM

        from vestige.models.loading import device, load_tokenizer
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
            tokens=len(job.batches) * pretraining.batch_size * pretraining.context,
            steps=len(job.batches),
            losses=losses,
            held_out=loss,
            held_out_tokens=tokens,
        )
        write_json(bench.folder / _RECORD, asdict(record))

    @classmethod
    def cost(cls, spec: PretrainSpec, sizes: Sizes) -> float:
        return _TRAINING_COST * spec.tokens

    @classmethod
    def token_cost(cls, spec: PretrainSpec) -> float:
        return _TRAINING_COST

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
    epochs = steps / math.ceil(len(blocks) / pretraining.batch_size)
    training = Training(
        epochs=epochs,
        checkpoints=(epochs,),
        batch_size=pretraining.batch_size,
        weight_decay=pretraining.weight_decay,
    )
    return Job(
        training=training,
        learning_rate=rate_of(shape_of(model, pretraining), pretraining),
        warmup_steps=math.ceil(_WARM_UP * steps),
        decay_steps=math.ceil(_DECAY * steps),
        seed=pretraining.seed % 2**32,
        texts=blocks,
        batches=training.batches([pretraining.context] * len(blocks), entropy=(pretraining.seed,)),
        steps=(),
        folder=bench.folder / UNFINISHED,
        pad_id=pad,
    )


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
