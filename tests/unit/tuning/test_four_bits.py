"""A base in four bits: what QLoRA computes with, and afterwards the base as it was."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import pytest
import torch

from vestige.errors import ConfigError
from vestige.testing.methods import check_method
from vestige.testing.models import Architecture, tiny_model
from vestige.tuning.methods.base import Method
from vestige.tuning.methods.four_bits import in_four_bits
from vestige.tuning.methods.hybrid import LoraHead, LoraPrompt
from vestige.tuning.methods.lora import Lora
from vestige.tuning.methods.prompt import Prompt

needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None,
    reason="bitsandbytes is not installed (extra qlora): peft imports it wherever it is, which takes seconds a process",
)


@needs_bitsandbytes
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_it_keeps_the_promises_of_a_method(architecture: Architecture) -> None:
    check_method(Lora(r=2, quantize="nf4"), architecture=architecture)
    check_method(LoraPrompt(lora=Lora(r=2, quantize="nf4"), prompt=Prompt(tokens=5)), architecture=architecture)


@needs_bitsandbytes
@pytest.mark.parametrize(
    ("architecture", "path"),
    [("llama", "model.layers.0.mlp.gate_proj"), ("gpt2", "transformer.h.0.mlp.c_fc")],
)
def test_layers_answer_as_those_of_bitsandbytes(architecture: Architecture, path: str) -> None:
    """Its own layer keeps packed what stands unpacked here; GPT-2's weights are turned for it, as transformers does."""
    nn4: Any = importlib.import_module("bitsandbytes.nn")
    base: Any = tiny_model(architecture)
    layer = base.get_submodule(path)
    weight = layer.weight.data.T if architecture == "gpt2" else layer.weight.data
    theirs = nn4.Linear4bit(weight.shape[1], weight.shape[0], bias=layer.bias is not None, quant_type="nf4")
    theirs.weight = nn4.Params4bit(weight.clone().contiguous(), requires_grad=False, quant_type="nf4")
    theirs.bias = layer.bias
    theirs = theirs.to("cpu").train()  # in evaluation it may pack for a faster kernel of bfloat16
    states = torch.randn(5, weight.shape[1])
    with in_four_bits(base):
        found = layer(states)
    assert torch.allclose(found, theirs(states), atol=1e-6)
    assert not torch.allclose(found, layer(states), atol=1e-3)


@needs_bitsandbytes
def test_embeddings_norms_and_the_output_layer_stay_whole() -> None:
    base: Any = tiny_model("llama")
    before = {name: value.clone() for name, value in base.named_parameters()}
    with in_four_bits(base):
        moved = {name for name, value in base.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if name.endswith("_proj.weight")}
    assert all(torch.equal(value, before[name]) for name, value in base.named_parameters())


@needs_bitsandbytes
def test_the_base_comes_back_from_an_error() -> None:
    base: Any = tiny_model("llama")
    own = base.get_submodule("model.layers.0.mlp.gate_proj").weight
    with pytest.raises(RuntimeError, match="on purpose"), in_four_bits(base):
        raise RuntimeError("on purpose")
    assert base.get_submodule("model.layers.0.mlp.gate_proj").weight is own


def test_a_method_without_it_is_keyed_as_before() -> None:
    assert "quantize" not in Lora().spec()
    assert Lora(quantize="nf4").spec()["quantize"] == "nf4"
    assert Lora(quantize="nf4").label == "lora(quantize=nf4)"


@pytest.mark.parametrize("method", [Lora(quantize="nf4"), LoraHead(lora=Lora(quantize="nf4"))])
def test_without_the_library_the_error_says_how_to_get_it(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install .bitsandbytes"):
        method.refuse_missing_library()
    Lora().refuse_missing_library()


def test_a_hybrid_begins_as_the_base_where_its_parts_do() -> None:
    assert LoraHead().starts_as_base
    assert not LoraHead(lora=Lora(quantize="nf4")).starts_as_base
