"""Text → token ids, no more of them than are needed, and the characters that they cover: with any tokenizer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PER_TOKEN, _AT_LEAST = 16, 1024
"""Characters that a text is cut to before it is tokenized: so many for each token that is needed, and so many more."""

_WORTH_CUTTING = 4
"""A text of fewer beginnings than this is tokenized as a whole: two beginnings of it would take as long."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text: of all of it, or of a beginning, `text`, that has as many as are needed."""

    text: str = field(repr=False)
    ids: list[int] = field(repr=False)


def first_tokens(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, needed: int) -> list[Tokens]:
    """The tokens of each text, all of them, or of a long one exactly the first `needed + 1`; no special ones are added.

    They are those that the whole text begins with, though no tokenizer says how far one can look ahead: of a long text
    a beginning is tokenized, then one twice as long, until two agree in every token that is needed.
    """
    size = _PER_TOKEN * needed + _AT_LEAST
    is_long = [len(text) > _WORTH_CUTTING * size for text in texts]
    short = [text for text, long in zip(texts, is_long, strict=True) if not long]
    whole = iter(_ids(short, tokenizer))
    return [
        _of_a_beginning(text, tokenizer, size=size, needed=needed) if long else Tokens(text, next(whole))
        for text, long in zip(texts, is_long, strict=True)
    ]


def _of_a_beginning(text: str, tokenizer: PreTrainedTokenizerBase, *, size: int, needed: int) -> Tokens:
    found = _ids([text[:size]], tokenizer)[0][: needed + 1]
    while size < len(text):
        size *= 2
        before, (ids,) = found, _ids([text[:size]], tokenizer)
        found = ids[: needed + 1]
        if found == before and len(found) > needed:
            return Tokens(text[:size], found)
    return Tokens(text, ids)


def covered(tokens: Tokens, tokenizer: PreTrainedTokenizerBase, *, kept: int) -> int:
    """How many characters of the text its first `kept` tokens cover, the last one counted whole where they break it."""
    if kept == 0 or kept == len(tokens.ids):
        return len(tokens.text) if kept else 0
    if tokenizer.is_fast:
        encoded = tokenizer(tokens.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return int(encoded["offset_mapping"][kept - 1][1])
    return 1 + bisect_left(range(1, len(tokens.text)), True, key=lambda end: _begins(tokens, end, tokenizer, kept=kept))


def _begins(tokens: Tokens, end: int, tokenizer: PreTrainedTokenizerBase, *, kept: int) -> bool:
    """Whether so many characters are enough for these tokens: all that a tokenizer without offsets can be asked."""
    return _ids([tokens.text[:end]], tokenizer)[0][:kept] == tokens.ids[:kept]


def _ids(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return ids
