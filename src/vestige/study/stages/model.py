"""The base model of a task: how a key names it, and loading it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

from vestige.errors import ModelError
from vestige.models.loading import Dtype, load_base, load_tokenizer
from vestige.models.sources import ModelSource, resolve
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Spec
from vestige.study.stages.pretrain import model_folder

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


PRETRAINED: Final = "pretrained"
"""What a task calls the pretraining of its base among its inputs, where it has one."""


@final
class KeyedBase(Spec):
    """What a key needs to know of a base: what its files are known by, and the precision in which it is loaded."""

    model: Mapping[str, str]
    dtype: Dtype


class BaseModelSpec(Spec, ABC):
    """What a stage that runs a base, or a checkpoint of it, is told: the base, and where texts are cut."""

    base: KeyedBase
    max_length: int


def model_of(base: KeyedBase, task: Task, store: Store) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The base of a task and its tokenizer; ModelError where its files are not those that the key names."""
    source = source_of(base.model, task, store)
    return load_base(source, dtype=base.dtype), load_tokenizer(source)


def source_of(identity: Mapping[str, str], task: Task, store: Store) -> ModelSource:
    """Where the base of a task lies: on this machine, or in the store, where it was pretrained there. ModelError where
    its files are not those of `identity`.
    """
    if PRETRAINED in task.inputs:
        folder = model_folder(store, task.inputs[PRETRAINED])
        return ModelSource(task.where["model"], "scratch", folder, identity)
    source = replace(resolve(task.where["place"]), name=task.where["model"])
    refuse_changed(source, identity)
    return source


def refuse_changed(source: ModelSource, identity: Mapping[str, str]) -> None:
    """ModelError where a model is not what it was when the study began."""
    if dict(source.identity) != dict(identity):
        raise ModelError(f"The files of the model {source.name} changed after the study began. Run it again.")


def pad_id(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel | PeftModel) -> int:
    """Any token that the model has a row for will do: padding is masked, never trained and never scored."""
    from vestige.models.head import base_of

    rows = base_of(model).get_input_embeddings().get_parameter("weight").shape[0]
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None and token < rows:
            return int(token)
    return 0
