"""One suite over every fine-tuning method there is: a new file in `vestige.tuning.methods` is under test at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from vestige.data.encode import Encoded
from vestige.errors import ConfigError, ModelError
from vestige.testing.methods import attached, check_method, tiny_encoded, tiny_job
from vestige.testing.models import ARCHITECTURES, Architecture, tiny_model
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods import discover, make_method
from vestige.tuning.methods.base import Method
from vestige.tuning.methods.full import Full
from vestige.tuning.methods.hybrid import LoraPrompt
from vestige.tuning.methods.layers import target_paths
from vestige.tuning.methods.lora import Lora
from vestige.tuning.methods.prefix import Prefix
from vestige.tuning.methods.prompt import Prompt
from vestige.tuning.train import train

METHODS = sorted(discover())
every_method = pytest.mark.parametrize("name", METHODS)
START_ON_THE_SEED = {"lora", "prefix", "prompt", "p_tuning", "lora+head", "lora+prompt", "prompt+head"}
# Rates at which tiny models learn in ten epochs, where those of real ones are too low.
TINY_RATES = {"full": 1e-2, "head": 1e-2, "prompt": 0.5}
VARIANTS = [
    *(
        make_method({"name": name, **({"learning_rate": TINY_RATES[name]} if name in TINY_RATES else {})})
        for name in METHODS
    ),
    Lora(targets="attention", r=2, dropout=0.3, rslora=True),
    Lora(targets="projection", alpha=32, dora=True),
    Prompt(tokens=3, text="Ada sold a boat in Lund", learning_rate=(0.5,)),
    Prompt(init="random", learning_rate=(0.5,)),
    Prefix(projection=True),
    LoraPrompt(lora=Lora(r=2), prompt=Prompt(tokens=5), ratio=30),
]


# What `peft` is by default is `lora` again; tests/unit/tuning/test_peft.py has its types on the others.
PLACES = [
    pytest.param(method, architecture, id=f"{method.label}-{architecture}")
    for method in VARIANTS
    for architecture in (("llama",) if method.name == "peft" else ("llama", "gpt2", "qwen2", "gemma3"))
]


@pytest.mark.parametrize(("method", "architecture"), PLACES)
def test_keeps_the_promises_of_a_method(method: Method, architecture: Architecture) -> None:
    check_method(method, architecture=architecture)


def test_full_memorizes_a_toy_set(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, learning_rate=3e-3, texts=8, checkpoints=(60,))
    with Full().prepare(tiny_model("llama"), seed=0) as model:
        losses = train(model, job, progress=lambda _: None)
    assert np.mean(losses[-2:]) < 0.1


@every_method
def test_is_final_frozen_documented_and_named_by_one_literal(name: str) -> None:
    method = discover()[name]
    assert getattr(method, "__final__", False)
    assert method.__doc__
    assert get_args(method.model_fields["name"].annotation) == (name,)
    with pytest.raises(ValueError, match="frozen"):
        make_method({"name": name}).warmup = 0.5  # type: ignore[misc]


@every_method
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_fits_every_architecture(name: str, architecture: Architecture) -> None:
    base = tiny_model(architecture)
    method = make_method({"name": name})
    with method.prepare(base, seed=0) as model:
        assert trained_parameters(model)


@every_method
@pytest.mark.parametrize("rate", [3e-4, [3e-4], [1e-4, 3e-4]])
def test_learning_rates_are_one_or_a_grid(name: str, rate: Any) -> None:
    grid = rate if isinstance(rate, list) else [rate]
    assert make_method({"name": name, "learning_rate": rate}).learning_rate == tuple(grid)


@every_method
@pytest.mark.parametrize("rate", [0, -1e-3, [], "fast"])
def test_impossible_learning_rates_are_refused(name: str, rate: object) -> None:
    with pytest.raises(ValueError, match="learning_rate"):
        make_method({"name": name, "learning_rate": rate})


def test_label_names_what_is_not_the_default() -> None:
    assert Lora().label == "lora"
    assert Lora(learning_rate=(1.0,)).label == "lora"
    assert Lora(r=4, targets="attention").label == "lora(r=4, targets=attention)"


def test_unknown_method_is_met_with_near_misses() -> None:
    with pytest.raises(ConfigError, match=r"Unknown method 'loro'\. Did you mean 'lora'"):
        make_method({"name": "loro"})


def _weights(base: PreTrainedModel, paths: list[str]) -> set[int]:
    return {base.get_submodule(path).get_parameter("weight").data_ptr() for path in paths}


@pytest.mark.parametrize(
    ("architecture", "attention", "projection"),
    [
        ("gpt2", {"attn.c_attn", "attn.c_proj"}, {"mlp.c_fc", "mlp.c_proj"}),
        (
            "llama",
            {f"self_attn.{one}_proj" for one in "qkvo"},
            {f"mlp.{one}_proj" for one in ("gate", "up", "down")},
        ),
        ("gpt_neox", {"attention.query_key_value", "attention.dense"}, {"mlp.dense_h_to_4h", "mlp.dense_4h_to_h"}),
    ],
)
def test_lora_placements_are_disjoint_and_leave_the_head_alone(
    architecture: Architecture, attention: set[str], projection: set[str]
) -> None:
    base = tiny_model(architecture)
    found = {placement: target_paths(base, placement) for placement in ("attention", "projection", "all")}
    ends = {placement: {".".join(path.split(".")[-2:]) for path in paths} for placement, paths in found.items()}
    assert ends == {"attention": attention, "projection": projection, "all": attention | projection}
    one, other = _weights(base, found["attention"]), _weights(base, found["projection"])
    assert not one & other
    assert _weights(base, found["all"]) == one | other


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("targets", ["attention", "projection", "all"])
def test_lora_sits_on_the_layers_it_names_and_no_others(targets: Any, architecture: Architecture) -> None:
    base = tiny_model(architecture)
    expected = set(target_paths(base, targets))
    model = attached(Lora(targets=targets), base)
    names = {name.removeprefix("base_model.model.").rpartition(".lora_")[0] for name in trained_parameters(model)}
    assert names == expected
    assert len(trained_parameters(model)) == 2 * len(expected)


def test_lora_names_the_layers_of_an_architecture_it_does_not_know() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = torch.nn.Linear(2, 2)

    with pytest.raises(ModelError, match=r"No attention layer found in Net.*block"):
        target_paths(Net(), "attention")  # type: ignore[arg-type]


def test_prompt_starts_on_embeddings_of_the_model() -> None:
    base = tiny_model("llama")
    embeddings = base.get_parameter("model.embed_tokens.weight").tolist()
    (start,) = trained_parameters(attached(Prompt(tokens=5), base, seed=4)).values()
    assert start.shape == (5, 32)
    assert all(row in embeddings for row in start.tolist())


@every_method
def test_seeds_give_different_starts_or_the_base_itself(name: str) -> None:
    starts = [attached(make_method({"name": name}), tiny_model("llama"), seed=seed) for seed in (0, 1)]
    one, other = (
        torch.cat([value.flatten() for value in trained_parameters(start).values()]).detach() for start in starts
    )
    if name in START_ON_THE_SEED or not torch.equal(one, other):
        assert not torch.equal(one, other)
    else:
        ids = torch.tensor([[5, 6, 7, 8]])
        assert torch.equal(starts[0](input_ids=ids).logits, tiny_model("llama")(input_ids=ids).logits)


def test_the_texts_of_this_suite_have_prompts_and_cuts() -> None:
    texts: list[Encoded] = tiny_encoded(16)
    assert {text.first > 1 for text in texts} == {True, False}
