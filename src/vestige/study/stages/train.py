"""One cell trained: checkpoints on the way, and what happened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from pydantic import field_serializer, field_validator

from vestige.data.encode import Encoded, encode
from vestige.data.splits import members_of
from vestige.errors import DataError
from vestige.records import Example, Fold, Role
from vestige.store.io import read_json, replacing, write_json
from vestige.store.keys import Task
from vestige.store.layout import DONE, UNFINISHED, Store
from vestige.study.stages.base import Bench, Kind, ModelStage, Number, Sizes
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.model import BaseModelSpec, model_of, pad_id
from vestige.tuning.methods import discover, make_method
from vestige.tuning.methods.base import Method
from vestige.tuning.schedule import Training

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from vestige.tuning.train import Job

_ORDER, _START = 11, 12
"""First words of the seed sequences of the order of the texts and of the start of what is trained."""

RECORD: Final = "training.json"
"""The file of what a training came to."""


@final
class TrainSpec(BaseModelSpec):
    """A method at a learning rate on the members of a fold, or with `role = "shadow"` of a shadow.

    `method` is its table (`Method.spec`), which may say anything that a method is told.
    """

    method: Mapping[str, Any]
    learning_rate: Number
    seed: int
    fold: Fold
    training: Training
    role: Role = "pool"

    @field_validator("training")
    @classmethod
    def _however_it_was_found(cls, training: Training) -> Training:
        return training.model_copy(update={"search": "validation"})

    @field_serializer("training")
    def _without_search(self, training: Training) -> dict[str, Any]:
        return training.keyed(without={"search"})

    @property
    def made(self) -> Method:
        """The method, at its learning rate."""
        return make_method({**self.method, "learning_rate": self.learning_rate})

    @property
    def entropy(self) -> tuple[int, int]:
        """What all randomness of a cell is drawn from."""
        return self.seed, "AB".index(self.fold)


@final
@dataclass(frozen=True)
class Trained:
    """What a training came to: texts, trainable parameters, the loss of every step, and the step of each checkpoint, by
    its epoch as text (`f"{epoch:g}"`); `0` is the model before the first step, of a method that does not start as the
    base.
    """

    texts: int
    trainable: int
    losses: list[float]
    steps: Mapping[str, int]

    def step_of(self, epoch: float) -> int:
        """The optimizer step at which the checkpoint of an epoch was kept."""
        return self.steps[f"{epoch:g}"]


@final
class TrainStage(ModelStage[TrainSpec]):
    """Fine-tune one cell, or a shadow."""

    name = "train"
    version = 3
    spec = TrainSpec

    @classmethod
    def run(cls, spec: TrainSpec, task: Task, bench: Bench) -> None:
        from vestige.tuning.checkpoint import WEIGHTS, count_trained, save_weights
        from vestige.tuning.train import CHECKPOINTS, isolated_rng, train

        base, tokenizer = model_of(spec.base, task, bench.store)
        texts = _training_texts(spec, task, bench.store, tokenizer)
        job = _job(spec, texts, bench, pad=pad_id(tokenizer, base))
        steps = spec.training.steps(texts=len(texts))
        with isolated_rng(job.seed), spec.made.prepare(base, seed=job.seed) as model:
            if not spec.made.starts_as_base:
                steps = {0.0: 0, **steps}
                save_weights(model, job.folder / CHECKPOINTS / "0")
            losses = train(model, job, progress=bench.progress, say=bench.say)
            trainable = count_trained(model)
        for step in sorted(set(steps.values())):
            _link(job.folder, bench.folder, name=f"{CHECKPOINTS}/{step}/{WEIGHTS}")
        named = {f"{epoch:g}": step for epoch, step in steps.items()}
        write_json(bench.folder / RECORD, asdict(Trained(len(texts), trainable, losses, named)))

    @classmethod
    def cost(cls, spec: TrainSpec, sizes: Sizes) -> float:
        return cls.token_cost(spec) * spec.training.epochs * sizes.tokens[spec.role] / 2

    @classmethod
    def token_cost(cls, spec: TrainSpec) -> float:
        return discover()[spec.method["name"]].training_cost

    @classmethod
    def model(cls, spec: TrainSpec) -> Mapping[str, Any]:
        return spec.base.keyed()

    @classmethod
    def kind(cls, spec: TrainSpec) -> Kind:
        return Kind(cls.name, super().kind(spec).base, spec.method["name"])


def _job(spec: TrainSpec, texts: list[Encoded], bench: Bench, *, pad: int) -> Job:
    from vestige.tuning.train import Job

    training, method = spec.training, spec.made
    return Job(
        training=training,
        learning_rate=spec.learning_rate,
        warmup_steps=round(method.warmup * training.step_of(1, texts=len(texts))),
        seed=int(np.random.SeedSequence((_START, *spec.entropy)).generate_state(1)[0]),
        texts=texts,
        batches=training.batches([len(text.ids) for text in texts], entropy=(_ORDER, *spec.entropy)),
        steps=sorted(set(training.steps(texts=len(texts)).values())),
        folder=bench.folder / UNFINISHED,
        pad_id=pad,
        rate_factor=method.rate_factor,
    )


def _link(source: Path, destination: Path, *, name: str) -> None:
    """The same bytes under a second name where the disk can; the first name goes when `unfinished/` does."""
    with replacing(destination / name) as temporary:
        try:
            os.link(source / name, temporary)
        except OSError:
            shutil.copyfile(source / name, temporary)


def _training_texts(spec: TrainSpec, task: Task, store: Store, tokenizer: PreTrainedTokenizerBase) -> list[Encoded]:
    """The members of the cell, or of a shadow, that have a token to train, encoded."""
    texts = encode(_members(spec, store, task.inputs["corpus"]), tokenizer, max_length=spec.max_length)
    trained = [text for text in texts if text.first < len(text.ids)]
    if not trained:
        raise DataError(
            f"None of the {len(texts)} texts of this half of the role `{spec.role}` has a token to train within "
            f"max_length = {spec.max_length}. Raise it, or give longer completions or shorter prompts."
        )
    return trained


def _members(spec: TrainSpec, store: Store, corpus: str) -> list[Example]:
    whole = examples_of(store, corpus, spec.role)
    is_member = members_of(whole, seed=spec.seed, fold=spec.fold)
    return [example for example, chosen in zip(whole, is_member, strict=True) if chosen]


def cell_of(store: Store, address: str) -> TrainSpec:
    """What a finished training was told."""
    return TrainStage.read(read_json(store.open(address) / DONE)["spec"])


def trained_of(store: Store, address: str) -> Trained:
    """What a finished training came to, from its own folder or that of its record (`trained.py`)."""
    return Trained(**read_json(store.open(address) / RECORD))


def texts_of_cell(store: Store, address: str, *, corpus: str) -> list[Example]:
    """The texts that a finished cell, or shadow, was trained on; `corpus` is the address of its texts."""
    return _members(cell_of(store, address), store, corpus)
