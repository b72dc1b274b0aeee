"""Neighbours of texts by a masked language model: whole words, the likeliest others, the same every time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM

from vestige.errors import ModelError
from vestige.models.loading import load_masked, load_tokenizer
from vestige.models.sources import resolve
from vestige.stats.neighbours import neighbours
from vestige.testing.models import CONTEXT, save_tiny_masked_model, tiny_texts

TEXTS = [*tiny_texts(12, seed=1), "  Ada  sold a boat\tin Lund.", "12.3.", "Zoë vanished"]


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    source = resolve(str(save_tiny_masked_model(tmp_path_factory.mktemp("bert"))))
    return load_masked(source), load_tokenizer(source)


@pytest.fixture(scope="module")
def masked_bytes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Of a vocabulary of bytes, whose tokens count the blank before a word as theirs."""
    source = resolve(str(save_tiny_masked_model(tmp_path_factory.mktemp("roberta"), byte_level=True)))
    return load_masked(source), load_tokenizer(source)


def made(masked: tuple[Any, Any], texts: list[str], *, version: int = 0) -> list[str]:
    return neighbours(texts, version=version, model=masked[0], tokenizer=masked[1])


def test_a_fifth_of_the_words_is_another_and_all_else_stays(masked: tuple[Any, Any]) -> None:
    for text, new in zip(TEXTS[:13], made(masked, TEXTS)[:13], strict=True):
        old_words, new_words = text.split(), new.split()
        changed = [pair for pair in zip(old_words, new_words, strict=True) if pair[0] != pair[1]]
        words = [word for word in old_words if word.rstrip(".").isalpha()]
        assert len(changed) == max(1, len(words) // 5)
        assert all(one.rstrip(".").isalpha() for pair in changed for one in pair)
    assert made(masked, TEXTS)[12].startswith("  ")
    assert "\t" in made(masked, TEXTS)[12]


def test_each_word_is_the_likeliest_in_its_place(masked: tuple[Any, Any]) -> None:
    model, tokenizer = masked
    text = "Ada sold a boat in Lund"
    new = made(masked, [text])[0]
    place = next(i for i, (a, b) in enumerate(zip(text.split(), new.split(), strict=True)) if a != b)
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    original, ids[0, 1 + place] = int(ids[0, 1 + place]), tokenizer.mask_token_id
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0, 1 + place]
    ranked = [token for token in logits.argsort(descending=True).tolist() if token != original]
    words = [tokenizer.decode([token]) for token in ranked if tokenizer.decode([token]).isalpha()]
    assert new.split()[place] == words[0]


def test_versions_differ_and_company_does_not_matter(masked: tuple[Any, Any]) -> None:
    whole = made(masked, TEXTS)
    assert made(masked, TEXTS[::-1]) == whole[::-1]
    assert [made(masked, [text])[0] for text in TEXTS] == whole
    assert made(masked, TEXTS, version=1) != whole


SETTINGS: list[dict[str, Any]] = [
    {"padding_side": "left"},
    {"truncation_side": "left"},
    {"padding_side": "left", "truncation_side": "left", "clean_up_tokenization_spaces": True},
    {"pad_token": "[SEP]"},
    {"pad_token": None},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_settings_of_the_tokenizer_have_no_say(masked: tuple[Any, Any], settings: dict[str, Any]) -> None:
    """Neither which side it pads and cuts on, nor with what; some texts are longer than the context."""
    model, tokenizer = masked
    texts = [*TEXTS, " and ".join(tiny_texts(30, seed=2))]
    whole = made(masked, texts)
    other = copy.deepcopy(tokenizer)
    for name, value in settings.items():
        setattr(other, name, value)
    assert made((model, other), texts) == whole
    length = len(tokenizer(texts[-1])["input_ids"])
    assert length > CONTEXT, "the premise of this test"
    assert whole[-1] != texts[-1]
    assert whole[-1].split()[-50:] == texts[-1].split()[-50:]


def test_a_roberta_that_tells_padding_by_its_id_is_padded_with_it(masked: tuple[Any, Any]) -> None:
    tokenizer = masked[1]
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = AutoConfig.for_model(
        "roberta", vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, max_position_embeddings=130, **shape
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForMaskedLM.from_config(config, dtype=torch.float32).eval()
    unpadded = copy.deepcopy(tokenizer)
    unpadded.pad_token = None
    unpadded.padding_side = "left"
    whole = made((model, unpadded), TEXTS)
    assert [made((model, tokenizer), [text])[0] for text in TEXTS] == whole


def test_tokens_that_count_the_blank_before_them_are_words_all_the_same(masked_bytes: tuple[Any, Any]) -> None:
    """Every text has another word that begins with a blank in the vocabulary, and its own blanks stay."""
    _, tokenizer = masked_bytes
    offsets = tokenizer("Ada sold a boat", return_offsets_mapping=True)["offset_mapping"]
    assert any(start < stop and "Ada sold a boat"[start] == " " for start, stop in offsets), "the premise of this test"
    for text, new in zip(TEXTS[:12], made(masked_bytes, TEXTS)[:12], strict=True):
        changed = [pair for pair in zip(text.split(" "), new.split(" "), strict=True) if pair[0] != pair[1]]
        assert 1 <= len(changed) <= max(1, len(text.split()) // 5)
        assert all(len(tokenizer.tokenize(f" {one.rstrip('.')}")) == 1 for _, one in changed)
    assert made(masked_bytes, TEXTS[::-1]) == made(masked_bytes, TEXTS)[::-1]


def test_a_text_without_a_known_word_stays(masked: tuple[Any, Any]) -> None:
    assert made(masked, ["12.3."]) == ["12.3."]
    assert made(masked, []) == []


def test_a_causal_model_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(ModelError, match="Cannot load the model"):
        load_masked(resolve(str(tiny_llama)))
