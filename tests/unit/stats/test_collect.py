"""The shared pass against the naive one, and against itself in other batches, orders and paddings."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from vestige.data.encode import Encoded, encode
from vestige.errors import ModelError, ScoringError
from vestige.models.head import base_of
from vestige.records import Example, TokenStats
from vestige.stats.collect import batches, collect, input_lengths
from vestige.stats.head import SLICE
from vestige.testing.methods import far_from
from vestige.testing.models import ARCHITECTURES, Architecture, tiny_model, tiny_texts, tiny_tokenizer

FLOATS = ("logp", "mean_logp", "var_logp")

every_kind = pytest.mark.parametrize("kind", ["base", "lora", "prompt", "prefix", "p_tuning", "lora+prompt"])


@functools.cache
def texts() -> list[Encoded]:
    """Prompts or none, from 1 token to beyond `max_length`, more scored tokens than one slice of the head."""
    whole = tiny_texts(24, seed=3)
    examples = [Example(f"x{i}", "Who?\n" if i % 3 == 0 else "", text * (1 + i % 2)) for i, text in enumerate(whole)]
    examples += [Example("short", "", "a"), Example("filled", whole[0] * 2, "a boat")]
    return encode(examples, tiny_tokenizer(), max_length=48)


@functools.cache
def model(kind: str, architecture: Architecture = "llama") -> Any:
    """The base, or the base with an adapter whose random weights make it far from the base."""
    return far_from(tiny_model(architecture), kind)


def score(scored_by: Any, some: Sequence[Encoded], *, tokens_per_batch: int = 512, pad_id: int = 0) -> TokenStats:
    return collect(scored_by, some, pad_id=pad_id, tokens_per_batch=tokens_per_batch)


@torch.inference_mode()
def naive(scored_by: Any, text: Encoded) -> dict[str, np.ndarray]:
    """One text, its full logits, float64; the answer begins after whatever the model puts in front of the text."""
    logits = scored_by(input_ids=torch.from_numpy(text.ids)[None]).logits[0].double()
    ahead = len(logits) - len(text.ids)
    chosen = logits[ahead + text.first - 1 : ahead + text.end - 1]
    targets = torch.from_numpy(text.ids[text.first : text.end])[:, None]
    logp = chosen.log_softmax(1)
    p = logp.exp()
    mean = (p * logp).sum(1)
    columns = {
        "token_id": targets[:, 0],
        "logp": logp.gather(1, targets)[:, 0],
        "mean_logp": mean,
        "var_logp": (p * (logp - mean[:, None]) ** 2).sum(1),
        "rank": (chosen > chosen.gather(1, targets)).sum(1),
    }
    return {name: column.numpy() for name, column in columns.items()}


def assert_close(name: str, column: np.ndarray, truth: np.ndarray) -> None:
    """Floats within 1e-5 and a millionth of their size (eight steps of float32, which processors round differently)."""
    assert (np.abs(column - truth) <= ((1e-5 + 1e-6 * np.abs(truth)) if name in FLOATS else 0)).all(), name


def assert_as_naive(scored_by: Any, table: TokenStats, some: Sequence[Encoded]) -> None:
    expected = [naive(scored_by, text) for text in some if text.n_scored]
    for name, column in table.tokens.items():
        assert_close(name, column, np.concatenate([one[name] for one in expected]))


def assert_same(one: TokenStats, other: TokenStats, *, order: Sequence[int]) -> None:
    """`other` holds the texts `order` of `one`."""
    assert other.ids.tolist() == one.ids[list(order)].tolist()
    places = np.concatenate([np.arange(one.offsets[i], one.offsets[i + 1]) for i in order])
    for name, column in other.tokens.items():
        assert_close(name, column, one.tokens[name][places])


@every_kind
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_equals_the_naive_computation(kind: str, architecture: Architecture) -> None:
    assert sum(text.n_scored for text in texts()) > 2 * SLICE
    scored_by = model(kind, architecture)
    assert_as_naive(scored_by, score(scored_by, texts()), texts())


@pytest.mark.parametrize("kind", ["lora", "prompt"])
def test_the_adapters_of_this_file_do_change_the_scores(kind: str) -> None:
    difference = score(model(kind), texts()).tokens["logp"] - score(model("base"), texts()).tokens["logp"]
    assert np.abs(difference).mean() > 0.05


@every_kind
@pytest.mark.parametrize("tokens_per_batch", [1, 64, 100_000])
def test_the_size_of_the_batches_does_not_matter(kind: str, tokens_per_batch: int) -> None:
    everything = range(len(texts()))
    assert_same(
        score(model(kind), texts()),
        score(model(kind), texts(), tokens_per_batch=tokens_per_batch),
        order=everything,
    )


@every_kind
def test_order_and_company_of_the_texts_do_not_matter(kind: str) -> None:
    order = np.random.default_rng(0).permutation(len(texts()))[:15].tolist()
    assert_same(score(model(kind), texts()), score(model(kind), [texts()[i] for i in order]), order=order)


@every_kind
def test_what_the_padding_is_made_of_does_not_matter(kind: str) -> None:
    assert_same(score(model(kind), texts()), score(model(kind), texts(), pad_id=77), order=range(len(texts())))


def test_virtual_tokens_are_never_scored() -> None:
    base, prompt = score(model("base"), texts()), score(model("prompt"), texts())
    assert np.array_equal(prompt.tokens["token_id"], base.tokens["token_id"])
    assert np.array_equal(prompt.offsets, base.offsets)


@every_kind
def test_the_model_is_left_as_it_was(kind: str) -> None:
    scored_by = model(kind)
    head = base_of(scored_by).get_output_embeddings()
    before = {name: value.clone() for name, value in scored_by.state_dict().items()}
    score(scored_by, texts())
    assert base_of(scored_by).get_output_embeddings() is head
    assert all(torch.equal(value, before[name]) for name, value in scored_by.state_dict().items())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_agrees_with_its_full_logits(architecture: Architecture) -> None:
    base = model("base", architecture)
    assert_as_naive(base, score(base, texts()[:6]), texts()[:6])


@pytest.mark.parametrize(("architecture", "cap"), [("gemma2", 2.0), ("gemma3", 3.0)])
def test_the_soft_cap_of_the_tiny_gemma_bites(architecture: Architecture, cap: float) -> None:
    capped = tiny_model(architecture)
    free = tiny_model(architecture, final_logit_softcapping=None)
    free.load_state_dict(capped.state_dict())
    ids = torch.from_numpy(texts()[0].ids)[None]
    assert free(input_ids=ids).logits.abs().max() > 2 * cap
    assert capped(input_ids=ids).logits.abs().max() <= cap
    difference = score(free, texts()[:6]).tokens["logp"] - score(capped, texts()[:6]).tokens["logp"]
    assert np.abs(difference).max() > 1


class Unknown(LlamaForCausalLM):
    """An architecture that does to its logits what nobody has heard of."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        output = super().forward(*args, **kwargs)
        output.logits = 1.5 * output.logits
        return output


def test_an_unknown_change_of_the_logits_is_refused() -> None:
    strange: Any = Unknown(cast(LlamaConfig, tiny_model("llama").config))
    strange.eval()
    head = strange.get_output_embeddings()
    with pytest.raises(ScoringError, match="Unknown changes its logits in a way that vestige does not know"):
        score(strange, texts())
    assert strange.get_output_embeddings() is head


def test_a_model_without_a_head_is_refused() -> None:
    headless: PreTrainedModel = AutoModel.from_config(tiny_model("llama").config)
    with pytest.raises(ModelError, match="no output head"):
        score(headless, texts())


def test_a_broken_text_is_named_by_its_id() -> None:
    broken = tiny_model("llama")
    text = texts()[1]
    elsewhere = set(np.concatenate([one.ids for one in texts() if one is not text]).tolist())
    rare = next(token for token in range(3, 400) if token not in elsewhere)
    embeddings = broken.get_input_embeddings()
    assert isinstance(embeddings, nn.Embedding)
    # Untie the head, so that the rare token is poison where it is read and nowhere else.
    broken.set_output_embeddings(nn.Linear(32, 400, bias=False))
    with torch.no_grad():
        embeddings.weight[rare] = float("nan")
    changed = text.ids.copy()
    changed[10] = rare
    poisoned = Encoded("culprit", changed, text.first, text.end, text.was_cut, text.n_bytes, text.zlib_bytes)
    with pytest.raises(ScoringError, match=r"1 texts have a log-probability that is not finite.*culprit"):
        score(broken, [*texts()[2:5], poisoned])


def test_weights_that_are_not_finite_are_called_that() -> None:
    broken = tiny_model("llama")
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(ScoringError, match="not finite"):
        score(broken, texts())


def test_progress_counts_every_token_once() -> None:
    told: list[int] = []
    collect(model("base"), texts(), pad_id=0, tokens_per_batch=100, progress=told.append)
    assert sum(told) == sum(len(text.ids) for text in texts() if text.n_scored)
    assert len(told) > 3


def test_batches_hold_every_scorable_text_once_and_stay_within_bounds() -> None:
    scorable = [index for index, text in enumerate(texts()) if text.n_scored]
    cut = list(batches(input_lengths(texts()), scorable, tokens_per_batch=100))
    assert sorted(index for batch in cut for index in batch) == scorable
    longest = [max(texts()[index].end - 1 for index in batch) for batch in cut]
    assert longest == sorted(longest, reverse=True)
    assert all(len(batch) == 1 or len(batch) * length <= 100 for batch, length in zip(cut, longest, strict=True))


def test_the_same_call_gives_the_same_bytes() -> None:
    one, other = score(model("lora"), texts()), score(model("lora"), texts())
    assert all(one.tokens[name].tobytes() == other.tokens[name].tobytes() for name in one.tokens)


def test_a_pass_makes_no_tensor_of_batch_times_length_times_vocabulary() -> None:
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel())
            return result

    some = [text for text in texts() if len(text.ids) > 30]
    with Watch():  # type: ignore[no-untyped-call]
        score(model("base"), some, tokens_per_batch=100_000)
    assert 0 < largest < sum(len(text.ids) for text in some) * 400 / 4
