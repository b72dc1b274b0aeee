"""Which linear layers of a model are attention and which are projection, by their full paths: short names are
ambiguous (GPT-2's `c_proj` is one of each).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from vestige.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Placement = Literal["attention", "projection", "all"]

ATTENTION = frozenset({"attn", "self_attn", "attention", "self_attention"})
PROJECTION = frozenset({"mlp", "feed_forward", "ffn"})
PLACEMENTS = {"attention": ATTENTION, "projection": PROJECTION, "all": ATTENTION | PROJECTION}


def target_paths(base: PreTrainedModel, targets: Placement) -> list[str]:
    """Full paths of the linear layers under an attention or projection block, in the model's order.

    Raises:
        ModelError: the architecture names its blocks otherwise; the message lists the layers it has.
    """
    linear = linear_paths(base)
    paths = [name for name in linear if PLACEMENTS[targets] & set(name.split("."))]
    if not paths:
        raise ModelError(
            f"No {targets} layer found in {type(base).__name__}: a layer counts when a part of its path is one of "
            f"{', '.join(sorted(PLACEMENTS[targets]))}. Its linear layers: {', '.join(kinds_of(linear))}."
        )
    return paths


def linear_paths(base: PreTrainedModel) -> list[str]:
    """Full paths of all linear layers, in the model's order."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return [name for name, module in base.named_modules() if isinstance(module, nn.Linear | Conv1D)]


def kinds_of(paths: list[str]) -> list[str]:
    """The paths without the numbers of the blocks, each once, sorted."""
    return sorted({".".join(part for part in name.split(".") if not part.isdigit()) for name in paths})


def fan_in_fan_out(base: PreTrainedModel, paths: list[str]) -> bool:
    """True where the layers keep their weights transposed, as GPT-2's do; peft must be told."""
    from transformers.pytorch_utils import Conv1D

    return isinstance(base.get_submodule(paths[0]), Conv1D)
