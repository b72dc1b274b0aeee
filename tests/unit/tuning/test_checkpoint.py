"""Weights and training state on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vestige.errors import StoreError
from vestige.testing.methods import attached
from vestige.testing.models import tiny_model
from vestige.tuning.checkpoint import (
    WEIGHTS,
    load_optimizer,
    load_rng,
    load_weights,
    save_optimizer,
    save_rng,
    save_tensors,
    save_weights,
    trained_parameters,
)
from vestige.tuning.methods.lora import Lora


def test_weights_come_back_exactly_and_alone(tmp_path: Path) -> None:
    one, other = (attached(Lora(), tiny_model("llama"), seed=seed) for seed in (0, 1))
    save_weights(one, tmp_path)
    load_weights(other, tmp_path)
    expected = trained_parameters(one)
    assert all(torch.equal(value, expected[name]) for name, value in trained_parameters(other).items())
    assert {path.name for path in tmp_path.iterdir()} == {WEIGHTS}


def test_weights_of_another_method_are_refused(tmp_path: Path) -> None:
    save_weights(attached(Lora(targets="attention"), tiny_model("llama"), seed=0), tmp_path)
    with pytest.raises(StoreError, match=r"weights\.safetensors does not fit .* differ in .*mlp"):
        load_weights(attached(Lora(), tiny_model("llama"), seed=0), tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_weights(attached(Lora(r=2), tiny_model("llama"), seed=0), tmp_path)
    with pytest.raises(StoreError, match="shapes"):
        load_weights(attached(Lora(r=4), tiny_model("llama"), seed=0), tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    model = attached(Lora(), tiny_model("llama"), seed=0)
    save_weights(model, tmp_path)
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:100])
    with pytest.raises(StoreError, match=r"weights\.safetensors"):
        load_weights(model, tmp_path)


def test_optimizer_state_comes_back_exactly(tmp_path: Path) -> None:
    weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(12)]
    optimizer = torch.optim.AdamW(weights, lr=0.1)
    for value in weights:
        value.grad = torch.rand(3)
    optimizer.step()
    save_optimizer(optimizer.state_dict(), tmp_path)
    again = torch.optim.AdamW(weights, lr=0.5)
    again.load_state_dict(load_optimizer(tmp_path))
    assert again.param_groups[0]["lr"] == 0.1
    for value in weights:
        for name, entry in optimizer.state[value].items():
            assert torch.equal(again.state[value][name], entry)


def test_generator_state_comes_back_exactly(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        save_rng(tmp_path)
        expected = torch.rand(5)
        torch.manual_seed(1)
        load_rng(tmp_path)
        assert torch.equal(torch.rand(5), expected)


def test_same_tensors_same_bytes_whatever_their_order(tmp_path: Path) -> None:
    tensors = {"a": torch.ones(2), "b": torch.zeros(3, 4).T}
    save_tensors(tmp_path / "one", tensors)
    save_tensors(tmp_path / "two", dict(reversed(tensors.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
