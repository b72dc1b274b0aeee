"""A model over several accelerators: laid out on shapes without memory, and run with parts that are fetched when they
are needed, since no test machine has two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.hooks import remove_hook_from_module
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from vestige.errors import ModelError
from vestige.models.spread import device_map, put_in_place, spread
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
    with pytest.raises(ModelError, match=r"llama has 13\.5 GB of weights, and the 2 accelerators have 10 GB free"):
        device_map(llama_7b, {0: 5 * GB, 1: 5 * GB}, name="llama")


@pytest.fixture
def apart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The tiny Llama in parts, with the hooks of accelerate that move what goes through it; its second block, where
    that is asked for, on the disk until it is its turn.
    """
    model: Any = tiny_model("llama")
    parts = ("model.embed_tokens", "model.layers.0", "model.layers.1", "model.norm", "model.rotary_emb", "lm_head")
    here: Any = torch.device("cpu")  # peft looks for a place that is not called "cpu"
    second = getattr(request, "param", here)
    places = {part: second if part == "model.layers.1" else here for part in parts}
    spread(model, places, main_device="cpu", **({"offload_dir": str(tmp_path)} if second == "disk" else {}))
    yield model
    remove_hook_from_module(model, recurse=True)


@pytest.mark.parametrize("apart", ["disk"], indirect=True)
def test_passes_find_what_they_find_in_one_place(apart: Any) -> None:
    assert apart.get_submodule("model.layers.1.mlp.gate_proj").weight.device.type == "meta"
    whole, texts = tiny_model("llama"), tiny_encoded(6)
    one, other = (collect(model, texts, pad_id=0).tokens["logp"] for model in (whole, apart))
    assert np.array_equal(one, other)
    norms = [gradient_norms(model, texts, pad_id=0).second for model in (whole, apart)]
    assert np.array_equal(*norms)


@pytest.mark.parametrize("name", ["full", "head", "prefix", "lora+prompt"])
def test_a_training_ends_as_it_does_in_one_place(apart: Any, name: str, tmp_path: Path) -> None:
    method = make_method({"name": name})
    ends = []
    for place, base in (("one", tiny_model("llama")), ("other", apart)):
        with method.prepare(base, seed=0) as model:
            train(model, tiny_job(tmp_path / place, learning_rate=1e-2, checkpoints=(1,)), progress=lambda _: None)
            ends.append({key: value.clone() for key, value in trained_parameters(model).items()})
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())


@pytest.mark.parametrize(("free", "is_spread"), [(10**6, True), (10**9, False)])
def test_a_model_is_spread_where_one_accelerator_has_no_room_to_train_it(
    free: int, is_spread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accelerators by their word alone: where its parts go is seen, and not done."""
    spread_over: list[set[object]] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, free))
    monkeypatch.setattr("vestige.models.spread.spread", lambda _, places: spread_over.append({*places.values()}))
    model = tiny_model("llama")
    assert 8 * sum(value.nbytes for value in model.parameters()) in range(10**5, 10**9)
    put_in_place(model, name="tiny")
    assert spread_over == ([{0, 1}] if is_spread else [])
