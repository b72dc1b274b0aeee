"""Gradient norms of texts in batches, against one backward pass per text through the model as its library calls it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cross_entropy

from vestige.attacks import Tables, make_attack
from vestige.attacks.base import GRADIENTS
from vestige.data.encode import Encoded, encode
from vestige.records import Example, View
from vestige.stats.collect import collect
from vestige.stats.gradients import gradient_norms
from vestige.testing.methods import far_from
from vestige.testing.models import Architecture, tiny_model, tiny_texts, tiny_tokenizer

EXAMPLES = [Example(f"x{i}", "Who?\n" if i % 3 == 0 else "", text) for i, text in enumerate(tiny_texts(9, seed=3))]
TEXTS = encode([*EXAMPLES, Example("short", "", "a")], tiny_tokenizer(), max_length=30)


def prepared(kind: str, architecture: Architecture = "llama") -> Any:
    """The base, or the base with an adapter whose random weights make it far from the base."""
    return far_from(tiny_model(architecture), kind)


def naive(model: Any, text: Encoded) -> np.ndarray:
    """The gradient at the embeddings of one text, from its full logits: sum of sizes, and root of squares."""
    kept = []

    def keep(_: Any, __: Any, embedded: torch.Tensor) -> torch.Tensor:
        kept.append(embedded.detach().requires_grad_())
        return kept[-1]

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hook = base.get_input_embeddings().register_forward_hook(keep)
    try:
        logits = model(input_ids=torch.from_numpy(text.ids)[None]).logits[0]
    finally:
        hook.remove()
    ahead = len(logits) - len(text.ids)
    scored = logits[ahead + text.first - 1 : ahead + text.end - 1]
    loss = cross_entropy(scored, torch.from_numpy(text.ids[text.first : text.end]))
    gradient = torch.autograd.grad(loss, kept[-1])[0].double()
    return np.array([gradient.abs().sum(), gradient.square().sum().sqrt()])


@pytest.mark.parametrize("kind", ["base", "lora", "prompt", "prefix", "p_tuning"])
def test_equals_one_backward_pass_per_text(kind: str) -> None:
    model = prepared(kind)
    norms = gradient_norms(model, TEXTS, pad_id=0)
    for place, text in enumerate(TEXTS):
        if text.n_scored:
            expected = naive(model, text)
            assert np.allclose([norms.first[place], norms.second[place]], expected, rtol=1e-5), text.id


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "gemma2", "cohere", "granite"])
def test_knows_what_architectures_do_to_their_logits(architecture: Architecture) -> None:
    model = prepared("base", architecture)
    norms = gradient_norms(model, TEXTS[:3], pad_id=0)
    assert np.allclose(norms.second, [naive(model, text)[1] for text in TEXTS[:3]], rtol=1e-5)


@pytest.mark.parametrize("kind", ["lora", "prefix"])
def test_does_not_move_with_batch_padding_or_order(kind: str) -> None:
    model = prepared(kind)
    norms = gradient_norms(model, TEXTS, pad_id=0)
    alone = gradient_norms(model, TEXTS, pad_id=5, tokens_per_batch=1)
    turned = gradient_norms(model, TEXTS[::-1], pad_id=0)
    for other, second in ((alone.ids, alone.second), (turned.ids[::-1], turned.second[::-1])):
        assert np.array_equal(other, norms.ids)
        assert np.allclose(second, norms.second, rtol=1e-5, equal_nan=True)


def test_a_text_without_scored_tokens_has_no_norm_and_the_weights_are_left_as_they_were() -> None:
    model = prepared("lora")
    required = [value.requires_grad for value in model.parameters()]
    norms = gradient_norms(model, [replace(TEXTS[0], end=TEXTS[0].first), TEXTS[1]], pad_id=0)
    assert np.isnan(norms.second).tolist() == [True, False]
    assert [value.requires_grad for value in model.parameters()] == required
    assert all(value.grad is None for value in model.parameters())


def test_what_was_memorized_pulls_less() -> None:
    """A tiny model trained on half of the texts until it knows them."""
    texts = encode(
        [Example(f"x{i}", "", text) for i, text in enumerate(tiny_texts(40, seed=5))], tiny_tokenizer(), max_length=99
    )
    is_member = np.arange(40) % 2 == 0
    model = tiny_model("llama")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    members = [torch.from_numpy(text.ids)[None] for text in texts if is_member[int(text.id[1:])]]
    for _ in range(30):
        for ids in members:
            optimizer.zero_grad()
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()
    model.eval()
    target = collect(model, texts, pad_id=0)
    tables = Tables({View("target"): target}, {GRADIENTS: gradient_norms(model, texts, pad_id=0)})
    for p in (1, 2):
        scores = make_attack({"name": "grad_norm", "p": p}).score(tables)
        assert roc_auc_score(is_member, scores.values) > 0.95
