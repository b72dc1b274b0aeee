"""A base model in memory: frozen, in evaluation mode, loaded once per process and lent to one user after another."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from vestige.errors import ConfigError, ModelError
from vestige.models.places import place_of
from vestige.models.sources import ModelSource

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["float32", "bfloat16"]


class BaseSpec(BaseModel):
    """A model that is fine-tuned: which one, and in which precision its frozen weights are held."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    """A known name (`vestige list models`), the path of a model folder or `.gguf` file, or a hub id
    `organisation/name`, with `@revision` where a commit, tag or branch is meant.
    """

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 where the processor computes it fast, else float32."""

    @field_validator("model")
    @classmethod
    def _can_be_found(cls, model: str, info: ValidationInfo) -> str:
        if info.context is not None:
            try:
                place_of(model, folder=info.context["folder"])
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


def device() -> torch.device:
    """The accelerator where there is one, else the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_config(source: ModelSource) -> PreTrainedConfig:
    """The model's configuration; ModelError where it cannot be read."""
    from transformers import AutoConfig

    config: PreTrainedConfig = _loading(source, AutoConfig)
    return config


def load_tokenizer(source: ModelSource) -> PreTrainedTokenizerBase:
    """The model's tokenizer; ModelError where there is none, or it cannot be read."""
    from transformers import AutoTokenizer

    if not any(file for pattern in _TOKENIZER_FILES for file in source.path.glob(pattern)):
        raise _no_tokenizer(source)
    tokenizer: PreTrainedTokenizerBase = _loading(source, AutoTokenizer)
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

    Who attaches something to it takes it off again (`Method.release`); a test holds every method to it.
    """
    return _load_base(source.path, source.name, dtype, tuple(sorted(source.identity.items())))


@functools.lru_cache(maxsize=1)
def _load_base(path: Path, name: str, dtype: Dtype, _: tuple[tuple[str, str], ...]) -> PreTrainedModel:
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            path, dtype=getattr(torch, dtype), local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"Cannot load the model {name!r}: {_first_line(error)}") from error
    model.requires_grad_(False).eval().to(device())
    return model


def load_masked(source: ModelSource) -> PreTrainedModel:
    """A masked language model, frozen, in fp32 and in evaluation mode; ModelError where it is none."""
    from transformers import AutoModelForMaskedLM

    model: PreTrainedModel = _loading(source, AutoModelForMaskedLM)
    model.requires_grad_(False).eval().to(device())
    return model


def _loading(source: ModelSource, factory: Any) -> Any:
    try:
        return factory.from_pretrained(source.path, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"Cannot load the model {source.name!r}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
