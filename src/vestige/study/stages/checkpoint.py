"""The model that a task is about: a checkpoint of a trained cell, or the base itself."""

from __future__ import annotations

import contextlib
from abc import ABC
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Number
from vestige.study.stages.model import BaseModelSpec, model_of
from vestige.study.stages.train import cell_of, trained_of

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class CheckpointSpec(BaseModelSpec, ABC):
    """What a stage that runs a checkpoint is told: which epoch of the cell among its inputs, or None for the base."""

    epoch: Number | None = None


@contextlib.contextmanager
def checkpoint(
    spec: CheckpointSpec, task: Task, store: Store
) -> Iterator[tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]]:
    """The model in evaluation mode, and its tokenizer."""
    from vestige.tuning.checkpoint import load_weights
    from vestige.tuning.train import CHECKPOINTS, isolated_rng

    base, tokenizer = model_of(spec.base, task, store)
    if "cell" not in task.inputs:
        yield base, tokenizer
        return
    assert spec.epoch is not None
    address = task.inputs["cell"]
    step = trained_of(store, address).step_of(spec.epoch)
    with isolated_rng(0), cell_of(store, address).made.prepare(base, seed=0) as model:
        load_weights(model, store.open(address) / CHECKPOINTS / str(step))
        yield model.eval(), tokenizer
