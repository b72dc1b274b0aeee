"""What a base sees of a corpus: its texts as tokens, and which of them are one text to it.

Texts are told apart by their tokens after the cut, since that is what is trained and scored: two letters that differ
beyond `max_length` are one text to the model, and "yes" to two questions is two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from vestige.data.encode import Encoded, encode, trained_ids
from vestige.outcome.lengths import Lengths
from vestige.records import Example, Ints, Role
from vestige.study.material import Base, Corpus, Seen

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TEXTS_AT_ONCE = 1000
"""A tokenizer's answer takes a hundred bytes for each token, as long as it is held."""


def seen(base: Base, corpus: Corpus) -> Seen:
    """The texts of every role of a corpus as a base has them."""
    texts = {
        role: list(encoded(examples, base.tokenizer, max_length=corpus.spec.max_length))
        for role, examples in corpus.split.roles.items()
    }
    return Seen(base, corpus, texts)


def encoded(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Iterator[Encoded]:
    """The examples as `encode` has them, one after the other, however many they are."""
    for some in _slices(examples):
        yield from encode(some, tokenizer, max_length=max_length)


def _slices(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    return (examples[start : start + _TEXTS_AT_ONCE] for start in range(0, len(examples), _TEXTS_AT_ONCE))


def every_text(texts: Mapping[Role, Sequence[Encoded]]) -> list[Encoded]:
    """The texts of all roles, one role after the other."""
    return [text for of_role in texts.values() for text in of_role]


def lengths_of(texts: Sequence[Encoded]) -> Lengths:
    """How long encoded texts are."""
    return Lengths(
        texts=len(texts),
        tokens=sum(len(text.ids) for text in texts),
        scored=sum(text.n_scored for text in texts),
        cut=sum(text.was_cut for text in texts),
        unscorable=sum(text.n_scored == 0 for text in texts),
        own_bos=sum(text.own_bos for text in texts),
        own_eos=sum(text.own_eos for text in texts),
    )


def same_after_cut(
    examples: Sequence[Example], tokenizers: Sequence[PreTrainedTokenizerBase], *, max_length: int
) -> tuple[str, ...]:
    """The ids of the examples that any of the bases takes for an earlier one, in their order; the first of each stays.

    One that is left out for one base is not what a later one is held against, for any base.
    """
    readings = [contents(examples, tokenizer, max_length=max_length) for tokenizer in tokenizers]
    met: set[tuple[int, bytes]] = set()
    left_out: list[str] = []
    for example, *read in zip(examples, *readings, strict=True):
        own = {(base, content) for base, content in enumerate(read) if content}
        if met & own:
            left_out.append(example.id)
        else:
            met |= own
    return tuple(left_out)


def contents(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Iterator[bytes]:
    """A digest of what is trained of each example, by which two are one text; empty where nothing of it is trained."""
    for some in _slices(examples):
        yield from map(digest, trained_ids(some, tokenizer, max_length=max_length))


def digest(ids: Ints) -> bytes:
    """What token ids are known by; empty for none."""
    return blake2b(ids.tobytes(), digest_size=16).digest() if len(ids) else b""
