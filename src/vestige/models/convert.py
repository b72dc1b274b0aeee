"""GGUF → a folder of safetensors, JSON and tokenizer that transformers loads in a second instead of twenty."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vestige.errors import ModelError
from vestige.models.reading import read, read_model

CONVERSION = "1"
"""Part of a converted model's identity; raise it when the same GGUF file comes out as other weights or tokens."""

_PART = "-of-"
"""In the name of a file that holds a part of a model: `name-00001-of-00003.gguf`."""

_SENTENCE = "The river rises in the hills, 412 m above the sea, and flows north."


def convert(gguf: Path, *, into: Path) -> None:
    """Write the model and tokenizer of a GGUF file into the folder `into`: weights de-quantized to fp32.

    The copy is loaded again and held against the original on one sentence before it is accepted: same tokens, same
    logits to the last bit.

    Raises:
        ModelError: transformers cannot read the file, or the copy differs from it.
        OSError: the disk is full or not writable.
    """
    import transformers  # noqa: F401 - first, since its logger keeps the stderr that it finds

    with _no_bars_in_logs(), _alone(gguf) as file:
        model, tokenizer = _load_gguf(file, original=gguf)
        _save(model, tokenizer, into=into)
        _hold_against(into, model=model, tokenizer=tokenizer, gguf=gguf)


@contextlib.contextmanager
def _alone(gguf: Path) -> Iterator[Path]:
    """The file in a folder of its own: a config.json or an adapter that lies beside it is none of its business."""
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / gguf.with_suffix(".gguf").name
        alone.symlink_to(gguf.resolve())
        yield alone


def _load_gguf(gguf: Path, *, original: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        loaded = read_model(AutoModelForCausalLM, gguf.parent, name=gguf.name, gguf_file=gguf.name, dtype=torch.float32)
        tokenizer = read(AutoTokenizer, gguf.parent, name=gguf.name, gguf_file=gguf.name)
    except ModelError as error:
        parts = (
            " One of several parts must first be joined with the others into one file." if _PART in gguf.name else ""
        )
        raise ModelError(
            f"transformers cannot read {original} as a GGUF causal language model. {error}{parts} Otherwise name a "
            "folder with config.json and safetensors."
        ) from error
    return loaded.model, tokenizer


def _save(model: Any, tokenizer: Any, *, into: Path) -> None:
    from safetensors import SafetensorError

    # The weights are plain fp32 now; save_pretrained refuses a model that says it is quantized.
    model.config.__dict__.pop("quantization_config", None)
    model.hf_quantizer = None
    # GGUF metadata gives the model a title here, which is not a path or an id.
    model.config.__dict__.pop("_model_name_or_path", None)
    model.config._name_or_path = ""
    try:
        model.save_pretrained(into)
    except SafetensorError as error:  # a full disk, in safetensors' words
        raise OSError(str(error)) from error
    tokenizer.save_pretrained(into)


def _hold_against(folder: Path, *, model: Any, tokenizer: Any, gguf: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    copy = read_model(AutoModelForCausalLM, folder, name=gguf.name, dtype=torch.float32).model
    copy_tokenizer = read(AutoTokenizer, folder, name=gguf.name)
    batch = tokenizer(_SENTENCE, return_tensors="pt")
    same_tokens = torch.equal(batch["input_ids"], copy_tokenizer(_SENTENCE, return_tensors="pt")["input_ids"])
    with torch.inference_mode():
        same_logits = torch.equal(model(**batch).logits, copy(**batch).logits)
    if not (same_tokens and same_logits):
        what = "logits" if same_tokens else "tokens"
        raise ModelError(
            f"The safetensors copy of {gguf} gives other {what} than the file itself, so it is not kept. "
            "The conversion fails with the installed transformers: install the versions of constraints.txt."
        )


@contextlib.contextmanager
def _no_bars_in_logs() -> Iterator[None]:
    """Not every progress bar of transformers can be switched off; a log file is spared their carriage returns."""
    if sys.stderr.isatty():
        yield
        return
    with contextlib.redirect_stderr(io.StringIO()):
        yield
