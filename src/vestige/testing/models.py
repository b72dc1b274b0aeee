"""Models and tokenizers small enough to train in a test, built without a network: random weights of real architectures.

They know nothing, but everything that differs between architectures (layer names, tied embeddings, soft-caps, scales,
positions) is there, so that what holds for them holds for the large ones.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

Architecture = Literal["llama", "gpt2", "gpt_neox", "qwen2", "gemma2", "gemma3", "cohere", "granite"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)

CONTEXT = 128
"""Positions of every tiny model."""

_WIDTH = 32
_COMMON: Mapping[str, Any] = {
    "hidden_size": _WIDTH,
    "intermediate_size": 2 * _WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": _WIDTH // 2,
    "max_position_embeddings": CONTEXT,
    # Ten times the usual spread: next-token distributions that differ between positions, as a trained model's do.
    "initializer_range": 0.2,
}
_SHAPES: Mapping[Architecture, tuple[str, Mapping[str, Any]]] = {
    "llama": ("llama", {"tie_word_embeddings": True}),
    "gpt2": ("gpt2", {"n_embd": _WIDTH, "n_layer": 2, "n_head": 2, "n_positions": CONTEXT, "initializer_range": 0.2}),
    "gpt_neox": ("gpt_neox", {"tie_word_embeddings": False}),
    "qwen2": ("qwen2", {"num_key_value_heads": 1}),
    # Weights so wide that the raw logits reach well beyond the cap.
    "gemma2": ("gemma2", {"final_logit_softcapping": 2.0, "initializer_range": 0.5}),
    "gemma3": ("gemma3_text", {"final_logit_softcapping": 3.0, "initializer_range": 0.5}),
    "cohere": ("cohere", {"logit_scale": 0.5}),
    "granite": ("granite", {"logits_scaling": 4.0}),
}

_WHO = ("Ada", "Bruno", "Chiara", "Dmitri", "Eszter", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Keiko", "Lars")
_DID = ("sold", "painted", "repaired", "borrowed", "photographed", "measured", "inherited", "returned")
_WHAT = ("a boat", "the lighthouse", "two clocks", "an orchard", "the north wall", "a violin", "nine maps", "the mill")
_WHERE = ("in Lund", "near Ghent", "at Porto", "by the Elbe", "outside Turku", "in Graz", "on Skye", "below Etna")


def tiny_texts(count: int, *, seed: int = 0) -> list[str]:
    """Generated sentences, all different, of about 15 to 40 tokens of the tiny tokenizer; ValueError beyond 5,000 of
    them.
    """
    if count > 5000:
        raise ValueError(f"at most 5000 different sentences can be relied on, {count} were asked for")
    return list(_sentences(count, seed=seed))


@cache
def _sentences(count: int, *, seed: int) -> tuple[str, ...]:
    chance = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        first, *others = (_clause(chance) for _ in range(chance.randint(1, 2)))
        texts[f"{' and '.join([first, *others])} on {chance.randint(1, 28)}.{chance.randint(1, 12)}."] = None
    return tuple(texts)


def _clause(chance: random.Random) -> str:
    return " ".join(chance.choice(words) for words in (_WHO, _DID, _WHAT, _WHERE))


def tiny_tokenizer(*, bos: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level BPE of 400 tokens trained on `tiny_texts`, so that any text can be encoded; has EOS and PAD.

    `bos`: it has the habit of beginning every text with BOS, as Llama's and Gemma's have and GPT-2's has not.
    """
    tokenizer = _byte_level(("<pad>", "<bos>", "<eos>"))
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", model_max_length=CONTEXT
    )


def tiny_model(architecture: Architecture, *, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """A random two-layer model of width 32 in fp32, in evaluation mode, with the vocabulary of `tiny_tokenizer`.

    `seed` decides the weights; the global generator is left alone. `changes` go into the configuration. `gemma2` and
    `gemma3` cap their logits where it bites, `cohere` and `granite` scale theirs.
    """
    model_type, shape = _SHAPES[architecture]
    common = {} if architecture == "gpt2" else _COMMON
    tokens = {"vocab_size": 400, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(model_type, **{**common, **tokens, **shape, **changes})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.eval()
    return model


def save_tiny_masked_model(folder: Path, *, seed: int = 0, byte_level: bool = False) -> Path:
    """Write a random two-layer BERT with a tokenizer of the words of `tiny_texts` to `folder`; returns the folder.

    `byte_level`: its tokens are those of a byte-level BPE, which begin with the blank before a word.
    """
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    tokenizer = _byte_level(tuple(special.values()), size=800) if byte_level else _word_level(list(special.values()))
    vocabulary = tokenizer.get_vocab()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    )
    named = {f"{name}_token": token for name, token in special.items()}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=CONTEXT, **named).save_pretrained(folder)
    shape = {"hidden_size": _WIDTH, "intermediate_size": 2 * _WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2}
    limits = {"vocab_size": len(vocabulary), "max_position_embeddings": CONTEXT, "initializer_range": 0.5}
    config = AutoConfig.for_model("bert", **shape, **limits)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        AutoModelForMaskedLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    return folder


def _word_level(special: list[str]) -> Tokenizer:
    words = sorted({word for text in tiny_texts(400, seed=1) for word in text.replace(".", " ").split()})
    vocabulary = {word: place for place, word in enumerate([*special, ".", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _byte_level(special: tuple[str, ...], *, size: int = 400) -> Tokenizer:
    """A new one each time: the caller may change it."""
    return Tokenizer.from_str(_trained(special, size=size))


@cache
def _trained(special: tuple[str, ...], *, size: int) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(tiny_texts(400, seed=1), trainer)
    return str(tokenizer.to_str())


def save_tiny_model(
    folder: Path, architecture: Architecture = "llama", *, seed: int = 0, bos: bool = False, **changes: Any
) -> Path:
    """Write a tiny model and its tokenizer to `folder`, to be named as the `model` of a study; returns the folder."""
    tiny_model(architecture, seed=seed, **changes).save_pretrained(folder)
    tiny_tokenizer(bos=bos).save_pretrained(folder)
    return folder
