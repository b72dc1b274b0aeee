"""A base whose linear layers stand rounded to 4 bits for a while (QLoRA: Dettmers et al. 2023, arXiv:2305.14314)."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vestige.errors import ConfigError, ModelError
from vestige.tuning.methods.layers import fan_in_fan_out, only_linear_paths

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def refuse_missing_bitsandbytes() -> None:
    """Raise ConfigError where the library that rounds is not installed."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(
            'quantize = "nf4" is computed by bitsandbytes, which is not installed. '
            'Run: pip install "bitsandbytes>=0.49", or leave quantize out.'
        )


@contextlib.contextmanager
def in_four_bits(base: PreTrainedModel) -> Iterator[None]:
    """Each linear layer but the output layer as NF4 has it: blocks of 64 weights, their scales in 8 bits; section 3.

    Inside, the layers compute with the rounded weights in the base's own precision, as QLoRA's do once these are
    unpacked; outside, the base is exactly as it was. Differs from the authors' code, which keeps weights packed: here
    the base stays in memory for whoever is lent it next, and nothing is saved.

    Raises:
        ModelError: a part of the base, such as stacked experts, would stay whole.
    """
    from torch import nn

    try:
        paths = only_linear_paths(base)
    except ModelError as error:
        raise ModelError(f'quantize = "nf4" would leave a part whole. {error}') from error
    turned = [fan_in_fan_out(base, [path]) for path in paths]
    layers: list[Any] = [base.get_submodule(path) for path in paths]
    whole = [layer.weight for layer in layers]
    try:
        for layer, is_turned in zip(layers, turned, strict=True):
            layer.weight = nn.Parameter(_rounded(layer.weight.data, is_turned=is_turned), requires_grad=False)
        yield
    finally:
        for layer, weight in zip(layers, whole, strict=True):
            layer.weight = weight


def _rounded(weight: Tensor, *, is_turned: bool) -> Tensor:
    """The weights as they come back from NF4 with double quantization. Blocks run along what goes into a layer, which
    GPT-2 keeps in its rows, `turned`.
    """
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    laid = weight.T if is_turned else weight
    packed, state = quantize_4bit(laid.contiguous(), quant_type="nf4", compress_statistics=True)
    back: Tensor = dequantize_4bit(packed, state).to(weight.dtype)
    return back.T.contiguous() if is_turned else back
