"""A base whose linear layers stand rounded to 4 bits for a while (QLoRA: Dettmers et al. 2023, arXiv:2305.14314)."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vestige.errors import ConfigError
from vestige.tuning.methods.layers import linear_paths

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@contextlib.contextmanager
def in_four_bits(base: PreTrainedModel) -> Iterator[None]:
    """Each linear layer but the output layer as NF4 has it: blocks of 64 weights, their scales in 8 bits; section 3.

    Inside, the layers compute with the rounded weights in the base's own precision, as QLoRA's do once these are
    unpacked; outside, the base is exactly as it was. Differs from the authors' code, which keeps weights packed: here
    the base stays in memory for whoever is lent it next, and nothing is saved.

    Raises:
        ConfigError: bitsandbytes, which rounds them, is not installed.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(
            'quantize = "nf4" takes bitsandbytes, which is not installed: pip install "vestige[qlora]", or leave the '
            "setting out."
        )
    from torch import nn

    layers: list[Any] = [base.get_submodule(path) for path in linear_paths(base)]
    whole = [layer.weight for layer in layers]
    try:
        for layer in layers:
            layer.weight = nn.Parameter(_rounded(layer.weight.data), requires_grad=False)
        yield
    finally:
        for layer, weight in zip(layers, whole, strict=True):
            layer.weight = weight


def _rounded(weight: Tensor) -> Tensor:
    """The weights as they come back from NF4 with double quantization."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    packed, state = quantize_4bit(weight.contiguous(), quant_type="nf4", compress_statistics=True)
    back: Tensor = dequantize_4bit(packed, state)
    return back.to(weight.dtype)
