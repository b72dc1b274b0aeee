"""Where a model lies: on the processor, on the accelerator, or block by block over all accelerators of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from vestige.errors import ModelError
from vestige.models.shapes import TRAINED_BYTES

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_USABLE: Final = 0.8
"""Share of an accelerator's memory for weights and what training keeps of them; the rest is for activations."""

Memory = Mapping[int | str, int]
"""Accelerator → bytes."""


def device() -> torch.device:
    """The accelerator where there is one, else the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def put_in_place(model: PreTrainedModel, *, name: str) -> None:
    """Move a model to the accelerator if there is one; over all of them where one has no room in which all its weights
    can be trained beside it. `CUDA_VISIBLE_DEVICES` says which there are.

    It goes by what they have, not by what is free just now, so that a training that is taken up again finds the model
    where it was.

    Raises:
        ModelError: all of them together cannot hold it.
    """
    import torch

    numbers = range(torch.cuda.device_count())
    memory: dict[int | str, int] = {
        number: int(_USABLE * torch.cuda.get_device_properties(number).total_memory) for number in numbers
    }
    if len(memory) < 2 or _room(model) <= min(memory.values()):
        model.to(device())  # type: ignore[arg-type]  # a device
    else:
        lay_out(model, device_map(model, memory, name=name))


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
    if {*found.values()} - {*memory}:
        raise ModelError(
            f"{name} has {_bytes_of(model) / 1e9:.3g} GB of weights, and the {len(memory)} accelerators have room for "
            f"{sum(memory.values()) / 1e9:.3g} GB. Take a smaller model, or a machine with more memory."
        )
    return found


def lay_out(model: PreTrainedModel, places: Mapping[str, int | str]) -> None:
    """Put the parts of a model where `places` says; what goes through it is moved along from one to the next."""
    from accelerate import dispatch_model

    unmoved = getattr(model, "_skip_keys_device_placement", None)
    dispatch_model(model, dict(places), skip_keys=unmoved, force_hooks=True)


def _room(model: PreTrainedModel) -> int:
    """Bytes of a model, and of a training of all its weights beside it."""
    return _bytes_of(model) + TRAINED_BYTES * sum(value.numel() for value in model.parameters())


def _bytes_of(model: PreTrainedModel) -> int:
    return sum(value.numel() * value.element_size() for value in model.parameters())
