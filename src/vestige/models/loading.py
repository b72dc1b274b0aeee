"""A base model in memory: frozen, in evaluation mode, loaded once per process and lent to one user after another."""

from __future__ import annotations

import functools
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from vestige.errors import ConfigError, ModelError, printable
from vestige.models.devices import put_in_place
from vestige.models.files import CONFIG
from vestige.models.headers import refuse_other_model, refuse_other_types, stored_tensors
from vestige.models.places import place_of
from vestige.models.reading import Loaded, errors_of, read, read_model
from vestige.models.soundness import refuse_broken_weights, refuse_not_causal
from vestige.models.sources import ModelSource

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["float32", "bfloat16"]


class BaseSpec(BaseModel):
    """A model that is fine-tuned: which one, and in which precision its frozen weights are held."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    """A known name (`vestige list models`), the path of a model folder or `.gguf` file, or a hub id
    `organisation/name`, with `@revision` where a commit, tag or branch is meant. Or `scratch:1m`, from
    `scratch:100k` to `scratch:2000m`: a model of about so many parameters, pretrained as `[pretrain]` says.
    """

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 where the processor computes it fast, else float32."""

    @field_validator("model")
    @classmethod
    def _can_be_found(cls, model: str, info: ValidationInfo) -> str:
        if info.context is not None:
            try:
                place_of(model, **info.context)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return model


def resolve_dtype(wanted: str) -> Dtype:
    """`auto` → bfloat16 where the processor computes it fast, else float32."""
    if wanted != "auto":
        return "bfloat16" if wanted == "bfloat16" else "float32"
    return "bfloat16" if _has_fast_bf16() else "float32"


def _has_fast_bf16() -> bool:
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def load_config(source: ModelSource) -> PreTrainedConfig:
    """The model's configuration; ModelError where it cannot be read."""
    return _config(source.path, name=source.name)


def _config(folder: Path, *, name: str) -> PreTrainedConfig:
    from transformers import AutoConfig

    config: PreTrainedConfig = read(AutoConfig, folder, name=name)
    return config


def load_tokenizer(source: ModelSource) -> PreTrainedTokenizerBase:
    """The model's tokenizer; ModelError where there is none, or it cannot be read."""
    from transformers import AutoTokenizer

    if not any(file for pattern in _TOKENIZER_FILES for file in source.path.glob(pattern)):
        raise _no_tokenizer(source)
    tokenizer: PreTrainedTokenizerBase = read(AutoTokenizer, source.path, name=source.name)
    if len(tokenizer) <= len(tokenizer.get_added_vocab()):
        raise _no_tokenizer(source)
    return tokenizer


_TOKENIZER_FILES = ("*tokenizer*", "vocab*", "*.model", "*.tiktoken", "tekken.json")


def _no_tokenizer(source: ModelSource) -> ModelError:
    """Where transformers would make one up that knows no letter."""
    return ModelError(
        f"The model {source.name!r} has no tokenizer, without which no text can be read: there is no tokenizer.json "
        "beside its weights, nor the vocabulary of one. Save it there: tokenizer.save_pretrained(FOLDER)."
    )


def context_length(config: PreTrainedConfig) -> int | None:
    """Positions the model was made for, None where its configuration does not say."""
    text_config = config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_seq_len"):
        value = getattr(text_config, name, None)
        if isinstance(value, int):
            return value
    return None


def vocabulary(config: PreTrainedConfig) -> int | None:
    """Rows of the model's embedding, one for each token id from 0, None where its configuration does not say."""
    value = getattr(config.get_text_config(), "vocab_size", None)
    return value if isinstance(value, int) else None


def load_base(source: ModelSource, *, dtype: Dtype) -> PreTrainedModel:
    """The frozen base model, from memory where it was the last one asked for and its files are what they were.

    It is lent, and the next who asks gets the same object: a method attaches its parameters only within
    `with method.prepare(base, …)`, and a test holds every method to leaving the base as it was.

    Raises:
        ModelError: it cannot be loaded, weights are missing or do not fit, or it is no causal language model.
    """
    return _loaded(source.path, source.name, dtype, tuple(sorted(source.identity.items()))).model


def foreign_to_base(source: ModelSource, *, dtype: Dtype) -> tuple[str, ...]:
    """Parts of the base's files that are left aside, such as a vision tower or another head; the base is loaded once
    in a process to know them.

    Raises:
        ModelError: as `load_base`; or its tokenizer is another model's.
    """
    return _foreign(source.path, source.name, dtype, tuple(sorted(source.identity.items())))


def parameters_of(source: ModelSource, *, dtype: Dtype) -> int:
    """How many parameters the base has, one that is used twice counted once; the base is loaded once in a process to
    know it. ModelError as `load_base`.
    """
    return _parameters(source.path, source.name, dtype, tuple(sorted(source.identity.items())))


@functools.lru_cache(maxsize=64)
def _parameters(path: Path, name: str, dtype: Dtype, identity: tuple[tuple[str, str], ...]) -> int:
    return sum(value.numel() for value in _loaded(path, name, dtype, identity).model.parameters())


@functools.lru_cache(maxsize=64)
def _foreign(path: Path, name: str, dtype: Dtype, identity: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    from transformers import AutoTokenizer

    loaded = _loaded(path, name, dtype, identity)
    _refuse_foreign_tokenizer(read(AutoTokenizer, path, name=name), loaded.model, name=name)
    return loaded.foreign


def _refuse_foreign_tokenizer(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, *, name: str) -> None:
    """Refuse a tokenizer whose own vocabulary goes beyond the model's embeddings. Added tokens may lie beyond them, as
    one for padding does; texts that contain one are judged when they are encoded.
    """
    rows = len(model.get_input_embeddings().get_parameter("weight"))
    added = tokenizer.get_added_vocab()
    beyond = sum(place >= rows and token not in added for token, place in tokenizer.get_vocab().items())
    if beyond:
        raise ModelError(
            f"The tokenizer of {printable(name)} is not that of its weights: {beyond:,} of its tokens lie beyond the "
            f"{rows:,} that the model has. Put the model's own tokenizer beside its weights."
        )


def forget_base() -> None:
    """Let go of the base in memory: something was attached to it that could not be taken off, or another one comes."""
    import torch

    _load_base.cache_clear()
    if torch.cuda.is_available():
        gc.collect()  # hooks hold a model in circles
        torch.cuda.empty_cache()


def _loaded(*asked: Any) -> Loaded:
    """What `_load_base` gives; the last base is let go of before another one is read, so that there are never two."""
    if _LAST and _LAST[0] != asked:
        forget_base()
    _LAST[:] = [asked]
    return _load_base(*asked)


_LAST: Final[list[tuple[Any, ...]]] = []
"""What was asked for last."""


@functools.lru_cache(maxsize=1)
def _load_base(path: Path, name: str, dtype: Dtype, _: tuple[tuple[str, str], ...]) -> Loaded:
    from transformers import AutoModelForCausalLM

    _refuse_encoder_decoder(_config(path, name=name), name=name)
    loaded = _load(AutoModelForCausalLM, path, name=name, dtype=dtype)
    with errors_of(name):
        refuse_not_causal(loaded.model, name=printable(name))
    return loaded


def load_masked(source: ModelSource) -> PreTrainedModel:
    """A masked language model, frozen, in fp32 and in evaluation mode; ModelError where it is none, or not whole."""
    from transformers import AutoModelForMaskedLM

    return _load(AutoModelForMaskedLM, source.path, name=source.name, dtype="float32").model


def load_masked_once(source: ModelSource) -> None:
    """Let what is wrong with a masked model show; once in a process, since it is loaded for that."""
    _load_masked_once(source.path, source.name, tuple(sorted(source.identity.items())))


@functools.lru_cache(maxsize=64)
def _load_masked_once(path: Path, name: str, _: tuple[tuple[str, str], ...]) -> None:
    from transformers import AutoModelForMaskedLM

    _load(AutoModelForMaskedLM, path, name=name, dtype="float32")


def _load(factory: Any, folder: Path, *, name: str, dtype: Dtype) -> Loaded:
    """The model in a folder, held against the headers of its files before anything is allocated, and looked at
    afterwards.
    """
    import torch

    stored = stored_tensors(folder)
    with errors_of(name):
        refuse_other_model(_config(folder, name=name), stored, folder=folder, factory=factory)
    loaded = read_model(factory, folder, name=name, dtype=getattr(torch, dtype))
    parameters = [path for path, _ in loaded.model.named_parameters()]
    refuse_other_types(stored, parameters=parameters, folder=folder)
    with errors_of(name):
        put_in_place(loaded.model, name=printable(name))
        refuse_broken_weights(loaded.model, name=printable(name))
    return loaded


def _refuse_encoder_decoder(config: PreTrainedConfig, *, name: str) -> None:
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(
            f"{printable(name)} ({config.model_type}) is an encoder with a decoder, such as T5, not a causal language "
            f"model ({CONFIG}: is_encoder_decoder). Name a model that was made to go on from a text."
        )
