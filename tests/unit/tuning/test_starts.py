"""Where prompt methods begin, at the scale of the model's own embeddings, keys and values, and what hybrids hold."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vestige.models.head import output_head
from vestige.stats.forward import Forward
from vestige.testing.methods import attached
from vestige.testing.models import Architecture, tiny_model
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods import make_method
from vestige.tuning.methods.base import trainable
from vestige.tuning.methods.head import Head
from vestige.tuning.methods.hybrid import LoraHead, LoraPrompt, PromptHead
from vestige.tuning.methods.lora import Lora
from vestige.tuning.methods.prefix import Prefix
from vestige.tuning.methods.prompt import Prompt


@torch.no_grad()
def first_values(base: Any) -> torch.Tensor:
    """Values of layer 0 for every token of the vocabulary, (vocabulary, heads × width): they know no position."""
    ids = torch.arange(base.config.vocab_size)[:, None]
    values: torch.Tensor = base(input_ids=ids, use_cache=True).past_key_values.layers[0].values
    return values.flatten(1)


@torch.no_grad()
def apart(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Distances of every row to every row; those of rows that agree are not lost to rounding."""
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


@pytest.mark.parametrize("projection", [False, True])
@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3"])
def test_a_prefix_begins_at_what_the_model_computes_for_tokens(architecture: Architecture, projection: bool) -> None:
    base = tiny_model(architecture)
    vocabulary = first_values(base)
    past = Forward(attached(Prefix(tokens=6, projection=projection), base, seed=5)).past(1)
    assert past is not None
    first: Any = past.layers[0]
    start = first.values[0].transpose(0, 1).flatten(1)
    assert start.shape[0] == 6
    distances = apart(start, vocabulary)
    assert distances.amin(1).max() < 1e-3
    assert len(set(distances.argmin(1).tolist())) > 1


def test_a_random_prefix_is_that_of_peft() -> None:
    (start,) = trained_parameters(attached(Prefix(tokens=50, init="random"), tiny_model("llama"))).values()
    assert start.std().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma3"])
def test_a_prompt_begins_on_embeddings_as_the_model_sees_them(architecture: Architecture) -> None:
    base = tiny_model(architecture)
    with torch.no_grad():
        vocabulary = base.get_input_embeddings()(torch.arange(400))
    (start,) = trained_parameters(attached(Prompt(tokens=5), base, seed=4)).values()
    assert apart(start, vocabulary).amin(1).max() < 1e-4


def test_a_random_prompt_has_the_spread_of_the_embeddings() -> None:
    base = tiny_model("llama")
    (start,) = trained_parameters(attached(Prompt(tokens=200, init="random"), base)).values()
    usual = base.get_parameter("model.embed_tokens.weight").std().item()
    assert start.std().item() == pytest.approx(usual, rel=0.1)


def test_a_text_is_for_starting_at_it() -> None:
    assert Prompt(text="Ada").init == "text"
    for wrong in ({"init": "text"}, {"init": "random", "text": "Ada"}):
        with pytest.raises(ValueError, match="do not go together"):
            make_method({"name": "prompt", **wrong})


# Hybrids


def test_a_hybrid_attaches_trains_and_counts_both_parts() -> None:
    base = tiny_model("llama").requires_grad_(False)
    alone: dict[str, int] = {method.name: trainable(method, base) for method in (Lora(), Prompt(), Head())}
    for hybrid in (LoraPrompt(), LoraHead(), PromptHead()):
        assert trainable(hybrid, base) == sum(alone[part.name] for part in hybrid.parts)
        assert hybrid.virtual_tokens == (20 if "prompt" in hybrid.name else 0)


def test_a_part_is_configured_in_its_own_table() -> None:
    method = make_method({"name": "lora+prompt", "lora": {"r": 2}, "prompt": {"tokens": 3}})
    assert method.label == "lora(r=2)+prompt(tokens=3)"
    changed = method.model_copy(update={"ratio": 5.0, "warmup": 0.0})
    assert changed.label == "lora(r=2)+prompt(tokens=3)(ratio=5, warmup=0)"
    assert method.virtual_tokens == 3
    assert method.spec()["lora"]["r"] == 2
    assert "learning_rate" not in method.spec()["lora"]


@pytest.mark.parametrize("key", ["learning_rate", "warmup"])
def test_a_part_has_no_learning_rate_of_its_own(key: str) -> None:
    with pytest.raises(ValueError, match=f"a part has no {key}: they belong to the hybrid"):
        make_method({"name": "lora+head", "lora": {key: 0.1}})


def test_the_input_embeddings_stay_when_a_tied_head_is_trained() -> None:
    base = tiny_model("llama").requires_grad_(False)
    assert base.config.tie_word_embeddings
    for name in ("head", "lora+head", "prompt+head"):
        with make_method({"name": name}).prepare(base, seed=0):
            assert not base.config.tie_word_embeddings
            own, embedding = (
                layer.get_parameter("weight") for layer in (output_head(base), base.get_input_embeddings())
            )
            assert own.data_ptr() != embedding.data_ptr()
            assert own.requires_grad
            assert not embedding.requires_grad
        assert output_head(base).get_parameter("weight") is base.get_input_embeddings().get_parameter("weight")
