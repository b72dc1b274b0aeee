"""Settings that a folder brings along and that have no say in a number: of the tokenizer, of the model, of padding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from vestige.data.encode import decode, encode
from vestige.models.loading import load_base, load_tokenizer
from vestige.models.sources import resolve
from vestige.records import Example
from vestige.stats.collect import collect
from vestige.stats.generate import Limits, generate
from vestige.testing.methods import tiny_encoded
from vestige.testing.models import save_tiny_masked_model, save_tiny_model, tiny_texts


def changed(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


CUTTING = {"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0}
PADDING = {
    "strategy": {"Fixed": 90},
    "direction": "Left",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "<pad>",
}
TOKENIZER = [
    ("tokenizer.json", {"truncation": CUTTING}),
    ("tokenizer.json", {"padding": PADDING}),
    ("tokenizer.json", {"truncation": CUTTING, "padding": PADDING}),
    ("tokenizer_config.json", {"padding_side": "left", "truncation_side": "left"}),
    ("tokenizer_config.json", {"model_max_length": 4}),
]


@pytest.mark.parametrize(("name", "changes"), TOKENIZER)
def test_a_tokenizer_that_cuts_and_pads_by_itself_does_neither(name: str, changes: Any, tmp_path: Path) -> None:
    examples = [Example(str(place), "Who? ", text) for place, text in enumerate(tiny_texts(6))]
    plain = encode(examples, load_tokenizer(resolve(str(save_tiny_model(tmp_path / "plain")))), max_length=64)
    folder = changed(save_tiny_model(tmp_path / "changed"), name, **changes)
    found = encode(examples, load_tokenizer(resolve(str(folder))), max_length=64)
    assert [one.ids.tolist() for one in found] == [one.ids.tolist() for one in plain]


def test_answers_are_written_as_the_model_wrote_them(tmp_path: Path) -> None:
    """A tokenizer of words can be told to close up blanks before full stops when it decodes."""
    folder = changed(save_tiny_masked_model(tmp_path), "tokenizer_config.json", clean_up_tokenization_spaces=True)
    tokenizer = load_tokenizer(resolve(str(folder)))
    ids = np.asarray(tokenizer("boat . Ada", add_special_tokens=False)["input_ids"])
    assert decode([ids], tokenizer) == ["boat . Ada"]


CONFIG = [
    {"use_cache": False},
    {"output_attentions": True, "output_hidden_states": True},
    {"attention_dropout": 0.5},
    {"repetition_penalty": 3.0, "suppress_tokens": [5, 6, 7], "no_repeat_ngram_size": 1},
]


@pytest.mark.parametrize("changes", CONFIG, ids=str)
def test_settings_of_the_model_have_no_say(changes: Any, tmp_path: Path) -> None:
    def results(folder: Path) -> tuple[Any, list[list[int]]]:
        model = load_base(resolve(str(folder)), dtype="float32")
        asked = [text.ids[:5] for text in tiny_encoded(6)]
        found = generate(model, asked, limits=Limits(stop=(), max_new_tokens=6))
        return collect(model, tiny_encoded(6), pad_id=0).tokens["logp"], [one.tolist() for one in found]

    logp, answers = results(save_tiny_model(tmp_path / "plain"))
    other_logp, other_answers = results(changed(save_tiny_model(tmp_path / "changed"), "config.json", **changes))
    np.testing.assert_allclose(other_logp, logp, atol=1e-5)
    assert other_answers == answers


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 128}
ODD: dict[str, dict[str, Any]] = {
    "gpt_neo": {
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 8,
        "max_position_embeddings": 128,
    },
    "mistral": {**SMALL, "num_key_value_heads": 2, "intermediate_size": 64, "sliding_window": 8},
    "gemma2": {**SMALL, "num_key_value_heads": 2, "intermediate_size": 64, "sliding_window": 8, "head_dim": 16},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "lfm2": {**SMALL, "intermediate_size": 64, "num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]},
    "mpt": {"d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 128},
}


@pytest.mark.parametrize("architecture", ODD)
def test_padding_at_the_end_moves_no_score_whatever_the_model_makes_of_places(architecture: str) -> None:
    config = AutoConfig.for_model(architecture, vocab_size=400, initializer_range=0.2, **ODD[architecture])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).requires_grad_(False).eval()
    texts = tiny_encoded(8)
    together, alone = (collect(model, texts, pad_id=3, tokens_per_batch=size) for size in (10_000, 1))
    np.testing.assert_allclose(together.tokens["logp"], alone.tokens["logp"], atol=2e-5)
