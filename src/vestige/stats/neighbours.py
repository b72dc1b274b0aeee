"""Neighbours of a text: the same text with some of its words replaced by what a masked language model holds likely."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from vestige.models.devices import device
from vestige.stats.collect import batches

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_WORDS_PER_CHANGE = 5
_TOKENS_PER_BATCH = 2048

_WORD_STARTS = ("Ġ", "▁")
"""How vocabularies of bytes and of SentencePiece mark a token that begins a word; others have no mark, or `##` where a
token goes on with one.
"""

_MARKED = 0.05
"""The share of tokens from which on the mark is a mark, and not the Maltese letter that it also is."""


@final
@dataclass(frozen=True)
class _Text:
    """A text as the masked model reads it, and the words of it that are to be changed: places of their tokens, and
    where they are in the text.
    """

    text: str = field(repr=False)
    ids: list[int] = field(repr=False)
    places: list[int]
    spans: list[slice]


@final
@dataclass(frozen=True)
class _Words:
    """The tokens that are whole words by themselves: `ids`, shape (words,), the word of each, no word twice, and the
    place of each word among them.
    """

    ids: Tensor
    words: tuple[str, ...]
    place_of: Mapping[str, int]


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
    words = _whole_words(tokenizer)
    read = [_read(text, version=version, tokenizer=tokenizer, context=_context(model, tokenizer)) for text in texts]
    changing = [place for place, text in enumerate(read) if text.places]
    for batch in batches([len(text.ids) for text in read], changing, tokens_per_batch=_TOKENS_PER_BATCH):
        chosen = [read[place] for place in batch]
        likeliest = _likeliest(chosen, model=model, words=words, tokenizer=tokenizer)
        for place, text, new in zip(batch, chosen, likeliest, strict=True):
            found[place] = _replaced(text, new)
        progress(sum(len(text.ids) for text in chosen))
    return found


def _whole_words(tokenizer: PreTrainedTokenizerBase) -> _Words:
    """Of two tokens that spell one word the first counts."""
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    is_marked = sum(name.startswith(_WORD_STARTS) for name in names) > _MARKED * len(names)
    special = set(tokenizer.all_special_ids)
    ids: dict[str, int] = {}
    for token, name in enumerate(names):
        if token in special or (is_marked and not name.startswith(_WORD_STARTS)):
            continue
        word = str(tokenizer.decode([token], clean_up_tokenization_spaces=False)).strip()
        if word.isalpha():
            ids.setdefault(word, token)
    place_of = {word: place for place, word in enumerate(ids)}
    return _Words(ids=torch.tensor(list(ids.values()), device=device()), words=tuple(ids), place_of=place_of)


def _context(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    # RoBERTa counts positions from behind its padding token, and has two more of them than tokens find room.
    positions = int(getattr(model.config, "max_position_embeddings", tokenizer.model_max_length)) - 2
    return min(positions, int(tokenizer.model_max_length))


def _read(text: str, *, version: int, tokenizer: PreTrainedTokenizerBase, context: int) -> _Text:
    encoded: Any = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
    kept = _kept(encoded["special_tokens_mask"], context=context)
    spans = [_trimmed(text, *encoded["offset_mapping"][place]) for place in kept]
    words = [place for place, span in enumerate(spans) if _is_word(text, span)]
    chance = random.Random(f"{version}:{text}")  # seeded by a digest of the string: the same everywhere
    chosen = sorted(chance.sample(words, min(len(words), max(1, len(words) // _WORDS_PER_CHANGE))))
    ids = [encoded["input_ids"][place] for place in kept]
    return _Text(text, ids, places=chosen, spans=[spans[place] for place in chosen])


def _kept(is_special: Sequence[int], *, context: int) -> list[int]:
    """The places of the tokens that the context holds: cut at the end of the text, before the special tokens that
    close it. A tokenizer cuts on the side that its settings name.
    """
    length = len(is_special)
    closing = next((back for back, special in enumerate(reversed(is_special)) if not special), length)
    if length <= context:
        return list(range(length))
    return [*range(context - closing), *range(length - closing, length)]


def _trimmed(text: str, start: int, stop: int) -> slice:
    """Where a token is in the text without the blanks before it, which some tokenizers count in and some do not."""
    return slice(stop - len(text[start:stop].lstrip()), stop)


def _is_word(text: str, span: slice) -> bool:
    before, after = text[max(0, span.start - 1) : span.start], text[span.stop : span.stop + 1]
    return text[span].isalpha() and not before.isalnum() and not after.isalnum()


@torch.inference_mode()
def _likeliest(
    batch: Sequence[_Text], *, model: PreTrainedModel, words: _Words, tokenizer: PreTrainedTokenizerBase
) -> list[list[str]]:
    """The likeliest whole word other than the original at each chosen place of each text."""
    inputs = _inputs(batch, pad_id=_pad_id(model, tokenizer))
    rows = torch.tensor([row for row, text in enumerate(batch) for _ in text.places])
    places = torch.tensor([place for text in batch for place in text.places])
    inputs["input_ids"][rows, places] = int(tokenizer.mask_token_id)
    logits = model(**inputs).logits[rows, places][:, words.ids].float()
    for row, original in enumerate(text.text[span] for text in batch for span in text.spans):
        if original in words.place_of:
            logits[row, words.place_of[original]] = float("-inf")
    best = iter(logits.argmax(1).tolist())
    return [[words.words[next(best)] for _ in text.places] for text in batch]


def _inputs(batch: Sequence[_Text], *, pad_id: int) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask`, each (texts, longest), padded at the end, whatever the tokenizer would do."""
    longest = max(len(text.ids) for text in batch)
    ids = torch.tensor([text.ids + [pad_id] * (longest - len(text.ids)) for text in batch])
    mask = torch.tensor([[1] * len(text.ids) + [0] * (longest - len(text.ids)) for text in batch])
    return {"input_ids": ids.to(device()), "attention_mask": mask.to(device())}


def _pad_id(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The id that fills up short texts. RoBERTa and its kin number positions by it, so it must be theirs; others look
    at the attention mask alone, and any id will do.
    """
    known = (one for one in (model.config.pad_token_id, tokenizer.pad_token_id) if one is not None)
    return int(next(known, 0))


def _replaced(text: _Text, new: Sequence[str]) -> str:
    changed = text.text
    for span, word in reversed(list(zip(text.spans, new, strict=True))):
        changed = changed[: span.start] + word + changed[span.stop :]
    return changed
