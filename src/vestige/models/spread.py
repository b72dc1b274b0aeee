"""Where a model lies: on the processor, on the accelerator, or block by block over all accelerators of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from vestige.errors import ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_ROOM: Final = 8
"""What is made room for, in bytes of the weights: a copy in fp32, its gradients and AdamW's two moments are as much for
a model in bf16, which training all weights takes.
"""

Memory = Mapping[int | str, int]
"""Accelerator → bytes."""


def device() -> torch.device:
    """The accelerator where there is one, else the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def put_in_place(model: PreTrainedModel, *, name: str) -> None:
    """Move a model to the accelerator if there is one; over all of them where one would not have the room in which its
    weights can be trained. `CUDA_VISIBLE_DEVICES` says which there are.

    Raises:
        ModelError: all of them together cannot hold it.
    """
    import torch

    memory = {number: torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count())}
    if len(memory) < 2 or _ROOM * _bytes_of(model) <= min(memory.values()):
        model.to(device())  # type: ignore[arg-type]  # a device
    else:
        spread(model, device_map(model, memory, name=name))


def device_map(model: PreTrainedModel, memory: Memory, *, name: str) -> dict[str, int | str]:
    """Which part of a model goes to which accelerator, about as much to each, and no block to two of them.

    Raises:
        ModelError: they cannot hold it.
    """
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    unsplit = [*(model._no_split_modules or ())]
    balanced = get_balanced_memory(model, max_memory={**memory, "cpu": 0}, no_split_module_classes=unsplit)
    found: dict[str, int | str] = infer_auto_device_map(model, max_memory=balanced, no_split_module_classes=unsplit)
    if outside := {*found.values()} - {*memory}:
        raise ModelError(
            f"{name} has {_bytes_of(model) / 1e9:.3g} GB of weights, and the {len(memory)} accelerators have "
            f"{sum(memory.values()) / 1e9:.3g} GB free: a part of it would be left for {', '.join(map(str, outside))}."
        )
    return found


def spread(model: PreTrainedModel, places: Mapping[str, int | str], **how: Any) -> None:
    """Put the parts of a model where `places` says; what goes through it is moved along from one to the next."""
    from accelerate import dispatch_model

    dispatch_model(
        model, dict(places), skip_keys=getattr(model, "_skip_keys_device_placement", None), force_hooks=True, **how
    )


def _bytes_of(model: PreTrainedModel) -> int:
    return sum(value.numel() * value.element_size() for value in model.parameters())
