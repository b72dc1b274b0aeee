"""Trained weights and the state to go on from: safetensors and JSON, nothing that must be unpickled.

Only what requires gradients is kept, by its name in the prepared model, so that one format serves every method. (What
`save_pretrained` writes for prompt methods cannot be trained further; see docs/decisions.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige.errors import StoreError
from vestige.store.io import read_json, replacing, write_json

if TYPE_CHECKING:
    import torch
    from torch import nn

WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer"
RNG = "rng.safetensors"


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that require gradients, by name, sorted."""
    return {name: value for name, value in sorted(model.named_parameters()) if value.requires_grad}


def count_trained(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(value.numel() for value in trained_parameters(model).values())


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write the trained parameters to `folder/weights.safetensors`."""
    save_tensors(folder / WEIGHTS, {name: value.detach() for name, value in trained_parameters(model).items()})


def load_weights(model: nn.Module, folder: Path) -> None:
    """Put stored parameters into a prepared model.

    Raises:
        StoreError: their names or shapes are not those of the model's trained parameters.
    """
    import torch

    stored = load_tensors(folder / WEIGHTS)
    own = trained_parameters(model)
    if {name: value.shape for name, value in stored.items()} != {name: value.shape for name, value in own.items()}:
        different = sorted(set(stored) ^ set(own))[:5] or "shapes"
        raise StoreError(f"{folder / WEIGHTS} does not fit the prepared model; they differ in {different}.")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(stored[name])


def save_optimizer(state: Mapping[str, Any], folder: Path) -> None:
    """Write `Optimizer.state_dict()`: its tensors as safetensors, its groups as JSON."""
    tensors = {f"{index}.{name}": value for index, entry in state["state"].items() for name, value in entry.items()}
    save_tensors(folder / f"{OPTIMIZER}.safetensors", tensors)
    write_json(folder / f"{OPTIMIZER}.json", state["param_groups"])


def load_optimizer(folder: Path) -> dict[str, Any]:
    """What `save_optimizer` wrote, for `Optimizer.load_state_dict`."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in load_tensors(folder / f"{OPTIMIZER}.safetensors").items():
        index, entry = name.split(".", 1)
        state.setdefault(int(index), {})[entry] = value
    return {"state": state, "param_groups": read_json(folder / f"{OPTIMIZER}.json")}


def rng_states() -> dict[str, torch.Tensor]:
    """The state of torch's generators, the only ones that training draws from (dropout)."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    return states | {f"cuda:{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}


def set_rng(states: Mapping[str, torch.Tensor]) -> None:
    """Put torch's generators back to what `rng_states` gave."""
    import torch

    for name, state in states.items():
        torch.set_rng_state(state) if name == "cpu" else torch.cuda.set_rng_state(state, name)


def save_rng(folder: Path) -> None:
    """Write `rng_states()`."""
    save_tensors(folder / RNG, rng_states())


def load_rng(folder: Path) -> None:
    """Restore what `save_rng` wrote."""
    set_rng(load_tensors(folder / RNG))


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a safetensors file, whole or not at all."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        try:
            save_file({name: value.cpu().contiguous() for name, value in sorted(tensors.items())}, temporary)
        except SafetensorError as error:  # a full disk, in words of its own
            raise OSError(str(error).strip()) from error


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file onto the processor; StoreError names it if it is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"Cannot read {path}: {error}.") from error
