"""The base model of a task: how a key names it, and loading it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, final

from vestige.errors import ModelError
from vestige.models.loading import Dtype, load_base, load_tokenizer
from vestige.models.sources import ModelSource, resolve
from vestige.store.keys import Task
from vestige.study.stages.base import Spec

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@final
class KeyedBase(Spec):
    """What a key needs to know of a base: what its files are known by, and the precision in which it is loaded."""

    model: Mapping[str, str]
    dtype: Dtype


class BaseModelSpec(Spec, ABC):
    """What a stage that runs a base, or a checkpoint of it, is told: the base, and where texts are cut."""

    base: KeyedBase
    max_length: int


def model_of(base: KeyedBase, task: Task) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The base of a task and its tokenizer; ModelError where its files are not those that the key names."""
    source = source_of(base.model, task)
    return load_base(source, dtype=base.dtype), load_tokenizer(source)


def source_of(identity: Mapping[str, str], task: Task) -> ModelSource:
    """Where the base of a task lies on this machine; ModelError where its files are not those of `identity`."""
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
