"""Neighbours of a text: the same text with some of its words replaced by what a masked language model holds likely."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vestige.models.loading import device

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_WORDS_PER_CHANGE = 5
_BATCH = 32

Span = tuple[int, int]


def neighbours(
    texts: Sequence[str],
    *,
    version: int,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    progress: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Each text with a fifth of its words, at least one, replaced by the likeliest other word in their place.

    All chosen words are masked at once. Which ones they are depends on `version` and the text alone; only words that
    are one token of the masked model are chosen, and only such words come in their place. A text without any stays as
    it is, and so does what lies beyond the masked model's context. `progress` is told the tokens of each batch.
    """
    found = list(texts)
    words = _whole_words(tokenizer).to(device())
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        batch = tokenizer(
            [texts[place] for place in places],
            return_tensors="pt",
            return_offsets_mapping=True,
            padding=True,
            truncation=True,
            max_length=_context(model, tokenizer),
        )
        spans = batch.pop("offset_mapping").tolist()
        chosen = [_chosen(texts[place], row, version=version) for place, row in zip(places, spans, strict=True)]
        likeliest = _likeliest(batch.to(device()), chosen, model=model, words=words, mask_id=tokenizer.mask_token_id)
        for place, tokens, ids, row in zip(places, chosen, likeliest, spans, strict=True):
            new = [_word(token, tokenizer) for token in ids]
            found[place] = _replaced(texts[place], [tuple(row[token]) for token in tokens], new)
        progress(int(batch["attention_mask"].sum()))
    return found


def _whole_words(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Which tokens of the vocabulary are words by themselves, shape (vocabulary,)."""
    texts = [_word(token, tokenizer) for token in range(len(tokenizer))]
    special = set(tokenizer.all_special_ids)
    return torch.tensor([text.isalpha() and token not in special for token, text in enumerate(texts)])


def _word(token: int, tokenizer: PreTrainedTokenizerBase) -> str:
    return str(tokenizer.decode([token])).strip()


def _context(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    # RoBERTa counts positions from behind its padding token, and has two more of them than tokens find room.
    positions = int(model.config.max_position_embeddings) - 2
    return min(positions, int(tokenizer.model_max_length))


def _chosen(text: str, spans: list[list[int]], *, version: int) -> list[int]:
    """Places of the tokens that are whole words of letters and are to be changed."""
    words = [place for place, (start, stop) in enumerate(spans) if _is_word(text, start, stop)]
    chance = random.Random(f"{version}:{text}")  # seeded by a digest of the string: the same everywhere
    return sorted(chance.sample(words, min(len(words), max(1, len(words) // _WORDS_PER_CHANGE))))


def _is_word(text: str, start: int, stop: int) -> bool:
    before, after = text[max(0, start - 1) : start], text[stop : stop + 1]
    return text[start:stop].isalpha() and not before.isalnum() and not after.isalnum()


@torch.inference_mode()
def _likeliest(
    batch: Any, chosen: list[list[int]], *, model: PreTrainedModel, words: Tensor, mask_id: int | None
) -> list[list[int]]:
    """The likeliest whole word other than the original at each chosen place of each text."""
    originals = batch["input_ids"]
    masked = originals.clone()
    for row, places in enumerate(chosen):
        masked[row, places] = mask_id
    logits = model(**{**batch, "input_ids": masked}).logits[..., : len(words)].float()
    logits = logits.masked_fill(~words, float("-inf")).scatter(2, originals[..., None], float("-inf"))
    best = logits.argmax(2)
    return [best[row, places].tolist() for row, places in enumerate(chosen)]


def _replaced(text: str, spans: Sequence[Span], new: Sequence[str]) -> str:
    for (start, stop), word in reversed(list(zip(spans, new, strict=True))):
        text = text[:start] + word + text[stop:]
    return text
