"""A model over several accelerators: laid out on shapes without memory, and run with parts that are fetched when they
are needed, since no test machine has two of them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import dispatch_model
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from vestige.errors import ModelError
from vestige.models.devices import device_map, lay_out, put_in_place
from vestige.stats.collect import collect
from vestige.stats.gradients import gradient_norms
from vestige.testing.methods import tiny_encoded, tiny_job
from vestige.testing.models import tiny_model
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods import make_method
from vestige.tuning.train import train

GB = 10**9


@pytest.fixture(scope="module")
def llama_7b() -> PreTrainedModel:
    """LLaMA2-7B in shape: 13 GB in bf16, none of it there."""
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            LlamaConfig(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32), dtype=torch.bfloat16
        )
    return model


def test_blocks_are_dealt_out_evenly_and_whole(llama_7b: PreTrainedModel) -> None:
    found = device_map(llama_7b, {0: 80 * GB, 1: 80 * GB}, name="llama")
    places = [found[f"model.layers.{layer}"] for layer in range(32)]
    assert places == sorted(places)
    assert places.count(0) in range(13, 20)


def test_what_does_not_fit_is_refused(llama_7b: PreTrainedModel) -> None:
    with pytest.raises(ModelError, match=r"llama has 13\.5 GB of weights, and the 2 accelerators have room for 10 GB"):
        device_map(llama_7b, {0: 5 * GB, 1: 5 * GB}, name="llama")


PARTS = ("model.embed_tokens", "model.layers.0", "model.layers.1", "model.norm", "model.rotary_emb", "lm_head")
HERE: Any = torch.device("cpu")  # accelerate and peft take "cpu" for a place where weights wait


def test_passes_find_in_parts_what_they_find_in_one(tmp_path: Path) -> None:
    """The second block on the disk until it is its turn: nothing reads a weight but through its layer."""
    whole, apart = tiny_model("llama"), tiny_model("llama")
    places = {part: "disk" if part == "model.layers.1" else HERE for part in PARTS}
    dispatch_model(apart, places, main_device="cpu", offload_dir=str(tmp_path), force_hooks=True)
    assert apart.get_submodule("model.layers.1.mlp.gate_proj").weight.device.type == "meta"
    texts = tiny_encoded(6)
    one, other = (collect(model, texts, pad_id=0).tokens["logp"] for model in (whole, apart))
    assert np.array_equal(one, other)
    one, other = (gradient_norms(model, texts, pad_id=0).second for model in (whole, apart))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["full", "head", "prefix", "lora+prompt"])
def test_a_training_ends_as_it_does_in_one_place(name: str, tmp_path: Path) -> None:
    """Every part on one processor, with the hooks that move what goes through."""
    method, apart = make_method({"name": name}), tiny_model("llama")
    lay_out(apart, dict.fromkeys(PARTS, HERE))
    ends = []
    for place, base in (("one", tiny_model("llama")), ("other", apart)):
        with method.prepare(base, seed=0) as model:
            train(model, tiny_job(tmp_path / place, learning_rate=1e-2, checkpoints=(1,)), progress=lambda _: None)
            ends.append({key: value.clone() for key, value in trained_parameters(model).items()})
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())


@pytest.mark.skipif(torch.cuda.is_available(), reason="it looks for the refusal of a machine without accelerator")
@pytest.mark.parametrize(("memory", "goes"), [(4 * 10**5, True), (10**9, False)])
def test_a_model_goes_to_both_where_one_has_no_room_to_train_it(
    memory: int, goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accelerators by their word alone: that the model is on its way to the first one shows in torch's refusal."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=memory))
    model = tiny_model("llama")
    assert 20 * sum(value.numel() for value in model.parameters()) in range(4 * 10**5, 8 * 10**8)
    with pytest.raises(RuntimeError, match="accelerator device when none") if goes else contextlib.nullcontext():
        put_in_place(model, name="tiny")
