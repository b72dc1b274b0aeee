"""A beginning that is run once for all texts, against the same tokens put before each text."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch

from vestige.data.encode import Encoded, encode, encode_behind
from vestige.errors import ConfigError
from vestige.models.head import base_of
from vestige.records import Example, TokenStats
from vestige.stats.collect import batches, collect, input_lengths
from vestige.stats.forward import Forward
from vestige.testing.methods import far_from
from vestige.testing.models import Architecture, tiny_model, tiny_texts, tiny_tokenizer

TOKENS = 40
CONTEXT = [Example(f"c{i}", "Who?\n" if i else "", text) for i, text in enumerate(tiny_texts(6, seed=9))]
EXAMPLES = [
    *(Example(f"x{i}", "Who?\n" if i % 3 == 0 else "", text) for i, text in enumerate(tiny_texts(12, seed=3))),
    Example("short", "", "a"),
    Example("asked", "Who sold the mill near Ghent? ", "Ada"),
]


@functools.cache
def model(kind: str, architecture: Architecture = "llama") -> Any:
    """The base, or the base with an adapter whose random weights make it far from the base."""
    return far_from(tiny_model(architecture), kind)


def encoded(*, bos: bool) -> list[Encoded]:
    return encode(EXAMPLES, tiny_tokenizer(bos=bos), max_length=30)


def score(scored_by: Any, *, bos: bool, **how: Any) -> TokenStats:
    behind = encode_behind(CONTEXT, encoded(bos=bos), tiny_tokenizer(bos=bos), tokens=TOKENS)
    return collect(scored_by, behind.texts, pad_id=0, beginning=behind.beginning, **how)


@torch.inference_mode()
def naive(scored_by: Any, text: Encoded, *, bos: bool) -> np.ndarray:
    """Log-probabilities of the scored tokens of one text with the beginning before it, from its full logits."""
    whole = "\n".join(one.prompt + one.completion for one in CONTEXT)
    before = tiny_tokenizer()(whole, add_special_tokens=False)["input_ids"][:TOKENS]
    assert len(before) == TOKENS
    ids = torch.tensor([*text.ids[:bos].tolist(), *before, *text.ids[bos:].tolist()])
    logits = scored_by(input_ids=ids[None]).logits[0].double()
    ahead = len(logits) - len(ids) + TOKENS
    chosen = logits[ahead + text.first - 1 : ahead + text.end - 1].log_softmax(1)
    found: np.ndarray = chosen.gather(1, torch.from_numpy(text.ids[text.first : text.end])[:, None])[:, 0].numpy()
    return found


@pytest.mark.parametrize("bos", [False, True], ids=["without_bos", "with_bos"])
@pytest.mark.parametrize("kind", ["base", "lora", "prompt", "prefix", "p_tuning"])
def test_equals_the_beginning_put_before_each_text(kind: str, bos: bool) -> None:
    table = score(model(kind), bos=bos)
    expected = np.concatenate([naive(model(kind), text, bos=bos) for text in encoded(bos=bos) if text.n_scored])
    assert np.abs(table.tokens["logp"] - expected).max() <= 1e-5
    plain = collect(model(kind), encoded(bos=bos), pad_id=0)
    assert np.abs(table.tokens["logp"] - plain.tokens["logp"]).mean() > 0.05


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "qwen2", "gemma2", "gemma3", "cohere", "granite"])
def test_equals_it_for_every_architecture(architecture: Architecture) -> None:
    table = score(model("base", architecture), bos=False)
    texts = [text for text in encoded(bos=False) if text.n_scored]
    expected = np.concatenate([naive(model("base", architecture), text, bos=False) for text in texts])
    assert np.abs(table.tokens["logp"] - expected).max() <= 1e-5


@pytest.mark.parametrize("bos", [False, True], ids=["without_bos", "with_bos"])
def test_the_scored_tokens_are_those_of_the_plain_view(bos: bool) -> None:
    plain, behind = collect(model("base"), encoded(bos=bos), pad_id=0), score(model("base"), bos=bos)
    assert np.array_equal(behind.offsets, plain.offsets)
    assert np.array_equal(behind.tokens["token_id"], plain.tokens["token_id"])
    assert behind.ids.tolist() == plain.ids.tolist()
    for name, column in plain.texts.items():
        assert np.array_equal(behind.texts[name], column)


@pytest.mark.parametrize("kind", ["lora", "prompt", "prefix"])
def test_batches_and_padding_do_not_matter_and_the_model_stays_as_it_was(kind: str) -> None:
    scored_by = model(kind)
    before = {name: value.clone() for name, value in scored_by.state_dict().items()}
    once, again = score(scored_by, bos=False), score(scored_by, bos=False)
    one_by_one = score(scored_by, bos=False, tokens_per_batch=1)
    assert np.array_equal(again.tokens["logp"], once.tokens["logp"])
    assert np.abs(one_by_one.tokens["logp"] - once.tokens["logp"]).max() <= 1e-5
    assert all(torch.equal(value, before[name]) for name, value in scored_by.state_dict().items())


@pytest.mark.parametrize(("kind", "virtual"), [("base", 0), ("prompt", 7), ("prefix", 7)])
def test_the_beginning_is_run_once_behind_the_virtual_tokens(kind: str, virtual: int) -> None:
    seen: list[int] = []
    scored_by = model(kind)
    watch = (
        base_of(scored_by)
        .get_input_embeddings()
        .register_forward_hook(lambda _, args, __: seen.append(args[0].numel()))
    )
    forward = Forward(scored_by, beginning=torch.arange(3, 3 + TOKENS))
    watch.remove()
    assert seen == [TOKENS]
    assert (forward.virtual, forward.ahead) == (virtual, virtual + TOKENS)


def test_a_batch_is_lent_a_bounded_number_of_beginnings() -> None:
    texts = encoded(bos=False)
    scorable = [index for index, text in enumerate(texts) if text.n_scored]
    cut = list(batches(input_lengths(texts), scorable, tokens_per_batch=10_000, most=4))
    assert sorted(index for batch in cut for index in batch) == scorable
    assert max(map(len, cut)) == 4


def test_the_beginning_is_exactly_as_long_as_asked_and_too_few_texts_are_refused() -> None:
    for bos in (False, True):
        behind = encode_behind(CONTEXT, encoded(bos=bos), tiny_tokenizer(bos=bos), tokens=TOKENS)
        last = {int(text.ids[0]) for text in behind.texts} if bos else set()
        assert len(behind.beginning) == TOKENS
        assert len(last) <= 1
        assert (behind.beginning[0] == tiny_tokenizer().bos_token_id) == bos
    with pytest.raises(ConfigError, match=r"1000 tokens .* the 6 texts that it is made of have \d+ together") as caught:
        encode_behind(CONTEXT, [], tiny_tokenizer(), tokens=1000)
    assert not any(example.completion in str(caught.value) for example in CONTEXT)
