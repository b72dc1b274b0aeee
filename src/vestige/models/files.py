"""Which files of a folder are the model: the one rule for what is fetched, what is hashed and what is loaded.

Weights are `model.safetensors`, else the parts that `model.safetensors.index.json` names; every other `*.safetensors`
beside them (a value head, an adapter, `consolidated.safetensors`) is nobody's. Nothing that must be unpickled is read,
and no code of the folder is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from vestige.errors import ModelError, printable

WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
CONFIG: Final = "config.json"
ADAPTER: Final = "adapter_config.json"

_DESCRIPTION: Final = (
    CONFIG,
    "config.*.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "bpe.codes",
    "dict.txt",
    "*.model",
    "*.spm",
    "tekken.json",
    "*.jinja",
)
FETCHED: Final = (*_DESCRIPTION, "*.safetensors", "*.safetensors.index.json", ADAPTER)
"""What is fetched of a hub model."""

_DISTRIBUTED = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")
"""Names that make transformers read the folder as one written by torch.distributed, whatever else is in it."""


def model_files(folder: Path) -> list[Path]:
    """The files that make the model what it is, sorted by name.

    Raises:
        ModelError: the folder holds an adapter; it has no config.json or no weights in safetensors; its index cannot
            be read, or names a file that is absent, outside the folder or not in safetensors.
    """
    _refuse_adapter(folder)
    if not (folder / CONFIG).is_file():
        raise ModelError(f"The folder {folder} has no config.json. A model folder is what save_pretrained writes.")
    described = {path for pattern in _DESCRIPTION for path in folder.glob(pattern) if path.is_file()}
    weights = weight_files(folder)
    index = [folder / INDEX] if weights != [folder / WEIGHTS] else []
    return sorted({*described, *weights, *index}, key=lambda path: path.name)


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights; errors as in `model_files`."""
    if any(_DISTRIBUTED.fullmatch(path.name) for path in folder.glob("shard-*")):
        raise ModelError(f"The folder {folder} is a checkpoint of torch.distributed. {_SAVE_AGAIN}")
    if read_json_object(folder / CONFIG).get("transformers_weights"):
        raise ModelError(f"{folder / CONFIG} says that other files hold the weights. {_SAVE_AGAIN}")
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        return [folder / name for name in _named_by(folder / INDEX)]
    others = sorted(path.name for path in folder.glob("*.safetensors"))
    beside = f" ({printable(', '.join(others))} is none of them)" if others else ""
    raise ModelError(
        f"The folder {folder} has no safetensors weights: neither {WEIGHTS} nor {INDEX}{beside}. Pickled weights are "
        f"not read. {_SAVE_AGAIN}"
    )


_SAVE_AGAIN: Final = "Load the model with transformers where you trust it and save it again with save_pretrained."


def _named_by(index: Path) -> list[str]:
    weight_map = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, Mapping) or not weight_map:
        raise ModelError(f"{index} names no weights: it needs a `weight_map` from each weight to its file.")
    names = {name for name in weight_map.values() if isinstance(name, str)}
    if len(names) < len(set(map(str, weight_map.values()))):
        raise ModelError(f"The `weight_map` of {index} must name a file for each weight.")
    for name in sorted(names):
        _refuse_foreign(name, index)
    return sorted(names)


def _refuse_foreign(name: str, index: Path) -> None:
    """A part lies in the folder itself, and is safetensors."""
    if not name.endswith(".safetensors"):
        raise ModelError(f"{index} names {printable(name)}, which is no safetensors file. {_SAVE_AGAIN}")
    if "/" in name or "\\" in name or "\0" in name:
        raise ModelError(f"{index} names {printable(name)}, which is not in its folder. {_SAVE_AGAIN}")
    if not (index.parent / name).is_file():
        raise ModelError(f"{index} names {printable(name)}, and there is no such file. Fetch the model again.")


def _refuse_adapter(folder: Path) -> None:
    if not (folder / ADAPTER).is_file():
        return
    base = read_json_object(folder / ADAPTER).get("base_model_name_or_path")
    named = f"model = {printable(str(base))!r}" if base else "the model that it was trained on"
    merged = (folder / CONFIG).is_file() and ((folder / WEIGHTS).is_file() or (folder / INDEX).is_file())
    way_out = f" If its weights are merged into the base, delete {ADAPTER} from the folder." if merged else ""
    raise ModelError(f"The folder {folder} holds a PEFT adapter, not a base model. Name {named}.{way_out}")


def refuse_foreign_code(folder: Path) -> None:
    """ModelError where the model or its tokenizer cannot be had without running code that is not transformers' own.

    A model that transformers knows itself is loaded as it knows it, whatever code lies beside it.
    """
    from transformers import CONFIG_MAPPING

    config = read_json_object(folder / CONFIG)
    if "auto_map" in config and config.get("model_type") not in CONFIG_MAPPING:
        raise _code(folder, CONFIG)
    if any("attn_implementation" in name and "/" in str(value) for name, value in walk(config)):
        raise _code(folder, f"{CONFIG} (attn_implementation)")
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.is_file() and _needs_code(read_json_object(tokenizer)):
        raise _code(folder, tokenizer.name)


def _needs_code(tokenizer: Mapping[str, Any]) -> bool:
    import transformers

    name = tokenizer.get("tokenizer_class")
    return "auto_map" in tokenizer and name is not None and not hasattr(transformers, str(name))


def _code(folder: Path, where: str) -> ModelError:
    return ModelError(
        f"The model {folder} brings code of its own, which {where} asks for, and vestige runs no model's code. Name a "
        "model that transformers knows itself."
    )


def walk(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every name and value of nested tables."""
    for name, value in table.items():
        yield name, value
        if isinstance(value, Mapping):
            yield from walk(value)


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object; ModelError where it does not."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as JSON. Fetch or save the model again.") from error
    if not isinstance(table, dict):
        raise ModelError(f"{path} must hold a JSON object. Fetch or save the model again.")
    return table
