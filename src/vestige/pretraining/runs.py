"""Which texts occur in a pretraining: told by the runs of words that they share with all of it.

Broder 1997, "On the resemblance and containment of documents": containment, since a short text may stand in the midst
of a long one, which resemblance (Jaccard, and MinHash that estimates it) does not find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self, final

import numpy as np
from numpy.typing import NDArray

from vestige.data.near import ALIKE, words_of

RUN: Final = 5
"""Words in a row. Runs of three are met in any large text by chance."""

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


@final
@dataclass(frozen=True)
class Runs:
    """The hashes of all runs of `RUN` words of a pretraining, sorted: eight bytes for each."""

    hashes: Hashes

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """The runs of these texts, and those from one to the next: a line of a file may be the middle of a sentence."""
        known: dict[str, int] = {}
        parts: list[Hashes] = []
        before: list[str] = []
        for text in texts:
            words = [*before, *words_of(text)]
            parts.append(_runs(words, known))
            before = words[1 - RUN :]
        return cls(np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint64))

    def share(self, text: str) -> float:
        """The share of a text's own runs that are among these; 0 where it has fewer words than a run."""
        own = np.unique(_runs(words_of(text), {}))
        if not len(own) or not len(self.hashes):
            return 0.0
        nearest = np.minimum(np.searchsorted(self.hashes, own), len(self.hashes) - 1)
        return float((self.hashes[nearest] == own).mean())

    def hold(self, text: str) -> bool:
        """Whether a text occurs, whole or nearly so."""
        return self.share(text) >= ALIKE


def _runs(words: Sequence[str], known: dict[str, int]) -> Hashes:
    """A hash of each run of these words; `known` keeps those of words."""
    for word in words:
        if word not in known:
            known[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
    hashed = np.fromiter((known[word] for word in words), dtype=np.uint64, count=len(words))
    if len(hashed) < RUN:
        return hashed[:0]
    runs = np.zeros(len(hashed) - RUN + 1, dtype=np.uint64)
    for place in range(RUN):  # arithmetic modulo 2 to the 64th
        runs = runs * _FACTOR + hashed[place : place + len(runs)]
    return runs
