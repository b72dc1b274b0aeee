"""What the weight files say of themselves, read before anything is allocated: names, shapes and types of the tensors.

A download that broke off, a git-lfs pointer, quantized weights and a configuration that speaks of another model are
found here, without reading a weight.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from vestige.errors import ModelError, named, printable
from vestige.models.files import CONFIG, read_json_object, walk, weight_files

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

FLOATS: Final = ("F64", "F32", "F16", "BF16")
"""Types of weights that are numbers as they stand; others need a scale."""

_LFS: Final = b"version https://git-lfs.github.com/spec/"
_DTYPES: Final = ("float64", "float32", "float16", "bfloat16", "auto")
_MANY: Final = 100_000
"""More layers, heads or experts than any model has; each takes time to lay out."""


@final
@dataclass(frozen=True)
class Stored:
    """A tensor in a file: its shape, and its type in the words of safetensors (`F32`, `I8`, …)."""

    shape: tuple[int, ...]
    dtype: str


def stored_tensors(folder: Path) -> dict[str, Stored]:
    """Name → shape and type of every tensor of the model's weight files.

    Raises:
        ModelError: as `weight_files`; or a file is a git-lfs pointer, or is damaged or cut off.
    """
    return {name: stored for path in weight_files(folder) for name, stored in _header(path).items()}


def _header(path: Path) -> dict[str, Stored]:
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as handle:
            is_pointer = handle.read(len(_LFS)) == _LFS
        if is_pointer:
            raise ModelError(
                f"{path} is a git-lfs pointer, not the weights. Run `git lfs pull` where it lies, or fetch it again."
            )
        with safe_open(path, framework="numpy") as tensors:
            slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118  # no mapping
            return {name: Stored(tuple(one.get_shape()), one.get_dtype()) for name, one in slices.items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged or not whole ({printable(str(error))}). Fetch it again.") from error


def refuse_odd_config(folder: Path) -> None:
    """ModelError where config.json says that the weights are quantized, or asks for a type that none are computed in,
    or for more parts than any model has.
    """
    path = folder / CONFIG
    config = read_json_object(path)
    if quantized := config.get("quantization_config"):
        method = quantized.get("quant_method") if isinstance(quantized, Mapping) else quantized
        raise ModelError(
            f"{path} says that the weights are quantized ({printable(str(method))}), and quantized weights are not "
            "supported. Name the model that was quantized, or load it with transformers, call `dequantize()` and save "
            "it again with save_pretrained."
        )
    for name in ("dtype", "torch_dtype"):
        dtype = config.get(name)
        if isinstance(dtype, Mapping) or dtype is None:
            continue
        if str(dtype).removeprefix("torch.") not in _DTYPES:
            raise ModelError(f"{path}: {name} = {printable(str(dtype))!r} is none of {', '.join(_DTYPES)}.")
    for name, value in walk(config):
        if name.startswith(("num_", "n_")) and isinstance(value, int) and value > _MANY and "position" not in name:
            raise ModelError(f"{path}: {name} = {printable(str(value), limit=30)} is more than any model has.")


def refuse_other_model(config: PreTrainedConfig, stored: Mapping[str, Stored], *, folder: Path, factory: Any) -> None:
    """ModelError where the configuration speaks of far more weights than are stored, so that nothing is allocated for
    it.
    """
    layers = getattr(config.get_text_config(), "num_hidden_layers", None)
    if isinstance(layers, int) and layers > len(stored):
        raise ModelError(
            f"{folder / CONFIG} describes {layers:,} layers, and the weights beside it are {len(stored):,} tensors in "
            "all. The two are not of one model."
        )
    held = sum(math.prod(one.shape) for one in stored.values())
    described = _parameters(config, factory=factory)
    if described > 2 * held + _MANY:
        raise ModelError(
            f"{folder / CONFIG} describes a model of {described:,} parameters, and the weights beside it are {held:,} "
            "numbers. The two are not of one model."
        )


def _parameters(config: PreTrainedConfig, *, factory: Any) -> int:
    """How many the configuration describes; 0 where it cannot be laid out without its weights."""
    import torch

    with contextlib.suppress(Exception), torch.device("meta"):
        return sum(value.numel() for value in factory.from_config(config, trust_remote_code=False).parameters())
    return 0


def refuse_other_types(stored: Mapping[str, Stored], *, parameters: Sequence[str], folder: Path) -> None:
    """ModelError where a weight is kept as something that is no plain float: read as numbers, it would be another one.

    `parameters`: names in the loaded model. Masks and places that old files keep as integers are no weights.
    """
    own = {name.partition(".")[2] for name in parameters} | set(parameters)
    odd = [
        name
        for name, one in stored.items()
        if one.dtype not in FLOATS and (name.endswith("weight") or name in own or name.partition(".")[2] in own)
    ]
    if odd:
        raise ModelError(
            f"{folder}: {len(odd)} weights are stored as {stored[odd[0]].dtype}, which are quantized or no numbers of "
            f"a model: {named(odd, most=3)}. Weights must be {', '.join(FLOATS)}: load the model with transformers, "
            "de-quantize it and save it again with save_pretrained."
        )
