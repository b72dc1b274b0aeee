"""The texts of a pretraining: read, parted from the few that it is judged by, and cut into blocks of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, final, overload

import numpy as np

from vestige.data.encode import Encoded
from vestige.data.rows import Row
from vestige.data.sources import file_rows, hub_rows
from vestige.errors import DataError
from vestige.pretraining.spec import Pretraining
from vestige.records import Ints

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HELD_OUT_OF: Final = 50
"""The last of so many texts in a row is held out of the training, which is judged by it."""

_AT_ONCE: Final = 200


def texts_of(pretraining: Pretraining) -> Iterator[str]:
    """Every text of the source that is not empty, in its order. DataError where a record has none, or the source cannot
    be read.
    """
    for row in _rows(pretraining):
        if text := row.text(pretraining.field):
            yield text


def refuse_few(texts: Sequence[str]) -> None:
    """DataError where no text would be held out."""
    if len(texts) < HELD_OUT_OF:
        raise DataError(
            f"[pretrain]: {len(texts)} texts, and every {HELD_OUT_OF}th is held out to judge the training by. Name "
            "more, or cut long ones, such as books, into chapters or paragraphs."
        )


def _rows(pretraining: Pretraining) -> Iterator[Row]:
    if pretraining.path:
        return file_rows(pretraining.path)
    assert pretraining.hub is not None
    return hub_rows(
        pretraining.hub,
        config=pretraining.hub_config,
        split=pretraining.hub_split,
        revision=pretraining.hub_revision,
    )


@final
@dataclass(frozen=True)
class Blocks(Sequence[Encoded]):
    """Tokens of many texts one after the other, cut into blocks of `length`, each of them a text to a training. What is
    left at the end is left out. Built when they are asked for, since ten million tokens are many objects.
    """

    tokens: Ints
    length: int

    def __len__(self) -> int:
        return len(self.tokens) // self.length

    @overload
    def __getitem__(self, place: int) -> Encoded: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Encoded]: ...

    def __getitem__(self, place: int | slice) -> Encoded | Sequence[Encoded]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        start = place % len(self) * self.length
        ids = self.tokens[start : start + self.length].astype(np.int64)
        return Encoded(
            id=f"block-{place % len(self)}",
            ids=ids,
            first=1,
            end=len(ids),
            was_cut=False,
            n_bytes=0,
            zlib_bytes=0,
        )


def blocks_of(pretraining: Pretraining, tokenizer: PreTrainedTokenizerBase) -> tuple[Blocks, Blocks]:
    """The blocks to train on, no more than the training needs, and those that are held out; every text ends in EOS.

    Raises:
        DataError: as `texts_of`; or the source has too little for one block of each.
    """
    kept: list[Ints] = []
    apart: list[Ints] = []
    count = 0
    for place, ids in enumerate(_tokenized(texts_of(pretraining), tokenizer)):
        if place % HELD_OUT_OF == HELD_OUT_OF - 1:
            apart.append(ids)
        else:
            kept.append(ids)
            count += len(ids)
        enough = count >= pretraining.tokens + pretraining.context
        if enough and sum(map(len, apart)) >= pretraining.context:
            break
    trained, held_out = (Blocks(_joined(ids), pretraining.context) for ids in (kept, apart))
    if not len(trained) or not len(held_out):
        raise DataError(
            f"[pretrain]: the texts are too few for one block of {pretraining.context} tokens to train on and one to "
            f"hold out, for which every {HELD_OUT_OF}th text is taken. Name more of them, or a smaller `context`."
        )
    return trained, held_out


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


def _tokenized(texts: Iterable[str], tokenizer: PreTrainedTokenizerBase) -> Iterator[Ints]:
    end = tokenizer.eos_token_id
    rest = iter(texts)
    while some := list(islice(rest, _AT_ONCE)):
        for ids in tokenizer(some, add_special_tokens=False)["input_ids"]:
            yield np.asarray([*ids, end], dtype=np.uint32)
