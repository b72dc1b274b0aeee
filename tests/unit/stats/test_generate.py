"""Batched greedy answers against a plain loop over full logits, one text at a time; every method has the same check in
the conformance suite, after a training.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from vestige.errors import ScoringError
from vestige.models.head import output_head
from vestige.records import Ints
from vestige.stats.generate import Limits, generate
from vestige.testing.methods import attached, far_from
from vestige.testing.models import Architecture, tiny_model, tiny_texts, tiny_tokenizer
from vestige.tuning.methods import discover, make_method

NEW = 16
VIRTUAL = 7
SOME = tuple(range(0, 400, 9))
"""Tokens that end an answer, so many that the rows of a batch end at different steps."""

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
ALL = ("base", *discover())
CASES = [(kind, architecture) for architecture in ("llama", "gpt2") for kind in ALL]
CASES += [(kind, architecture) for architecture in ("qwen2", "gemma3") for kind in ("base", "prompt", "prefix", "head")]


@functools.cache
def prompts() -> tuple[Ints, ...]:
    """From 2 to 13 tokens, in no order of length."""
    tokenizer = tiny_tokenizer()
    texts = [text[: 3 + 3 * place] for place, text in enumerate(tiny_texts(12))]
    return tuple(np.asarray(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)


def model(kind: str, architecture: Architecture, **changes: Any) -> Any:
    """The base, or the base with a method whose noisy weights make it far from the base."""
    return far_from(tiny_model(architecture, **changes), kind, by=0.1)


def answers(asked: Any, *, stop: tuple[int, ...] = SOME, tokens_per_batch: int = 400) -> list[Any]:
    limits = Limits(stop=stop, max_new_tokens=NEW, tokens_per_batch=tokens_per_batch)
    return [answer.tolist() for answer in generate(asked, prompts(), limits=limits)]


@torch.inference_mode()
def naive(asked: Any, prompt: Ints, *, stop: tuple[int, ...] = SOME) -> list[int]:
    """No cache, no padding, the plain forward of whatever wraps the model."""
    ids = prompt.tolist()
    while len(ids) < len(prompt) + NEW:
        token = int(asked(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        if token in stop:
            break
        ids.append(token)
    answer: list[int] = ids[len(prompt) :]
    return answer


@pytest.mark.parametrize(("kind", "architecture"), CASES)
def test_batches_answer_as_a_plain_loop_does(kind: str, architecture: Architecture) -> None:
    asked = model(kind, architecture)
    expected = [naive(asked, prompt) for prompt in prompts()]
    assert len({tuple(answer) for answer in expected}) > 3, "the texts must be told apart"
    assert answers(asked) == expected
    assert answers(asked, tokens_per_batch=1) == expected, "one at a time"
    assert answers(asked, tokens_per_batch=10_000) == expected, "all at once"


BLIND_TO_NO_PLACE: dict[str, dict[str, Any]] = {
    # Two windows by other names, a state, distances that count places, and chunks.
    "gpt_neo": {
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 8,
        "max_position_embeddings": 128,
        "intermediate_size": 64,
    },
    "mistral": {**SMALL, "sliding_window": 8},
    "lfm2": {**SMALL, "layer_types": ["conv", "full_attention"]},
    "openai-gpt": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "rwkv": {"hidden_size": 32, "num_hidden_layers": 2, "attention_hidden_size": 32, "context_length": 128},
    "mpt": {"d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 128},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 2},
    "llama4_text": {
        **SMALL,
        "intermediate_size_mlp": 64,
        "num_local_experts": 2,
        "attention_chunk_size": 8,
        "head_dim": 16,
        "pad_token_id": 0,
    },
}


def odd(kind: str, architecture: str) -> Any:
    """As `model`, of an architecture that tells places apart by more than their positions."""
    config = AutoConfig.for_model(
        architecture, vocab_size=400, initializer_range=0.2, **BLIND_TO_NO_PLACE[architecture]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        base = AutoModelForCausalLM.from_config(config, dtype=torch.float32).requires_grad_(False).eval()
    return base if kind == "base" else attached(make_method({"name": kind, "tokens": VIRTUAL}), base).eval()


@pytest.mark.parametrize("architecture", ["gpt_neo", "mistral", "lfm2", "mpt", "bloom", "llama4_text"])
def test_no_kind_of_window_or_state_moves_an_answer_with_its_batch(architecture: str) -> None:
    asked = odd("base", architecture)
    assert answers(asked, stop=(), tokens_per_batch=10_000) == [naive(asked, one, stop=()) for one in prompts()]


@pytest.mark.parametrize("kind", ["prompt", "prefix"])
@pytest.mark.parametrize("architecture", ["gpt_neo", "mistral"])
def test_virtual_tokens_leave_a_window_of_any_name_when_they_must(kind: str, architecture: str) -> None:
    asked = odd(kind, architecture)
    assert answers(asked, stop=(), tokens_per_batch=10_000) == answers(asked, stop=(), tokens_per_batch=1)


@pytest.mark.parametrize("architecture", ["openai-gpt", "mamba", "rwkv"])
def test_what_hands_out_no_keys_and_values_is_fed_all_again(architecture: str) -> None:
    asked = odd("base", architecture)
    assert answers(asked, stop=()) == [naive(asked, one, stop=()) for one in prompts()]


@pytest.mark.parametrize("kind", ["base", "prompt", "prefix"])
@pytest.mark.parametrize("window", [8, 12])
def test_padding_pushes_no_virtual_token_out_of_a_sliding_window(kind: str, window: int) -> None:
    asked = model(kind, "gemma3", sliding_window=window, tie_word_embeddings=False, initializer_range=0.1)
    assert answers(asked, stop=(), tokens_per_batch=10_000) == [naive(asked, one, stop=()) for one in prompts()]


def test_an_answer_ends_before_its_stop_and_at_the_limit() -> None:
    asked = model("base", "llama")
    endless = answers(asked, stop=())
    assert {len(answer) for answer in endless} == {NEW}
    stop = endless[0][3]
    assert answers(asked, stop=(stop,))[0] == endless[0][: endless[0].index(stop)]
    assert answers(asked, stop=tuple(range(400))) == [[]] * len(prompts())


def test_settings_of_the_model_for_generation_have_no_say() -> None:
    asked = model("base", "llama")
    plain = answers(asked)
    asked.generation_config.update(do_sample=True, temperature=9.0, repetition_penalty=5.0, max_length=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert answers(asked) == plain


def test_progress_is_told_new_tokens() -> None:
    told: list[int] = []
    limits = Limits(stop=SOME, max_new_tokens=NEW, tokens_per_batch=100)
    found = generate(model("base", "llama"), prompts(), limits=limits, progress=told.append)
    assert sum(told) == sum(map(len, found))
    assert len(told) > 2


def test_nothing_is_asked_of_no_prompts() -> None:
    assert generate(model("base", "llama"), [], limits=Limits(stop=(), max_new_tokens=4)) == []


def test_a_diverged_model_is_an_error() -> None:
    asked = model("base", "llama", tie_word_embeddings=False)
    with torch.no_grad():
        output_head(asked).get_parameter("weight")[7] = float("nan")
    with pytest.raises(ScoringError, match="not finite"):
        answers(asked)
