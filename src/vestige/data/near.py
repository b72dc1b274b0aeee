"""Texts that are nearly the same: found by MinHash, told by the exact share of what they have in common.

Broder 1997, "On the resemblance and containment of documents". datasketch finds who is to be compared; that two texts
are near copies is decided on their shingles themselves, so that no hash makes a false pair.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, final

from vestige.records import Example

ALIKE: Final = 0.8
"""The Jaccard similarity of two texts' shingles from which on they are near copies."""

SHINGLE: Final = 3
"""Words in a row. Three, so that texts of a dozen words have some; a text that is shorter is one shingle."""

_BANDS, _ROWS = 25, 5
"""Two texts of similarity .8 share one band of 25 of five hashes with a probability above .9999."""

_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""A run of letters and digits; of scripts without blanks, each character."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; of scripts without blanks, its characters."""
    return _WORD.findall(text.lower())


def shingles(example: Example) -> frozenset[str]:
    """The runs of `SHINGLE` words of prompt and completion."""
    words = words_of(f"{example.prompt} {example.completion}")
    runs = range(max(1, len(words) - SHINGLE + 1))
    return frozenset(" ".join(words[at : at + SHINGLE]) for at in runs)


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity: shared shingles over all of both, between 0 and 1."""
    return len(one & other) / len(one | other)


def without_near_copies(examples: Sequence[Example]) -> list[Example]:
    """The examples without those that are nearly one of another group that stands before theirs, group by group."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    near = NearCopies()
    return [example for group in groups.values() for example in near.without(group, most=len(group))]


@final
class NearCopies:
    """The texts that have been kept so far, and which were left out for being near copies of one of another group.

    `left_out`: id → the id of the text that was there before.
    """

    def __init__(self) -> None:
        from datasketch import MinHash, MinHashLSH

        self.left_out: dict[str, str] = {}
        self._kept: dict[str, frozenset[str]] = {}
        self._empty = MinHash(num_perm=_BANDS * _ROWS, seed=1)
        self._index = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))

    def without(self, group: Sequence[Example], *, most: int) -> list[Example]:
        """The first `most` texts of a group that are no near copies of texts of other groups; they are kept from now
        on. Texts of one group are never parted, and may be as alike as they like.
        """
        fresh: list[tuple[Example, frozenset[str], object]] = []
        for example in group:
            if len(fresh) == most:
                break
            own = shingles(example)
            hashed = self._empty.copy()
            hashed.update_batch([shingle.encode() for shingle in sorted(own)])
            earlier = self._earlier(own, hashed)
            if earlier is None:
                fresh.append((example, own, hashed))
            else:
                self.left_out[example.id] = earlier
        for example, own, hashed in fresh:
            self._kept[example.id] = own
            self._index.insert(example.id, hashed)
        return [example for example, _, _ in fresh]

    def _earlier(self, own: frozenset[str], hashed: object) -> str | None:
        """The id of the first kept text that this one is a near copy of."""
        candidates = sorted(self._index.query(hashed))
        return next((one for one in candidates if alike(own, self._kept[one]) >= ALIKE), None)
