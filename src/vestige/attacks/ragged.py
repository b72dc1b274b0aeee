"""Arithmetic on ragged columns: one value per scored token, texts of different lengths, no Python loop over the texts.

Everything is computed in float64 from the stored float32, text by text, so that a score does not move with the order
of the texts or with their company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vestige.records import Bools, Floats, Ints

_LARGEST_DENOMINATOR = 10**9
"""Exact for any share written with up to nine decimals, and small enough that numerator · tokens stays within int64."""


@final
@dataclass(frozen=True, eq=False)
class Ragged:
    """A token column and where each text begins: text i owns `values[offsets[i]:offsets[i + 1]]`.

    * `values`: shape (scored tokens,), float64.
    * `offsets`: int64, shape (texts + 1,), starting at 0.
    """

    values: Floats
    offsets: Ints

    @classmethod
    def of(cls, column: NDArray[np.generic], *, offsets: Ints) -> Ragged:
        """From a stored column of any number type."""
        return cls(values=column.astype(np.float64), offsets=offsets)

    @property
    def lengths(self) -> Ints:
        """Tokens of each text, shape (texts,)."""
        return np.diff(self.offsets)

    def __sub__(self, other: Ragged) -> Ragged:
        """Token by token; ValueError unless both have the same texts of the same lengths."""
        if not np.array_equal(self.offsets, other.offsets):
            raise ValueError("the texts of two ragged columns differ in length: no difference token by token")
        with np.errstate(invalid="ignore"):
            return Ragged(values=self.values - other.values, offsets=self.offsets)

    def finite(self) -> Bools:
        """Whether every token of a text is finite, shape (texts,); True where it has none."""
        broken = Ragged(values=(~np.isfinite(self.values)).astype(np.float64), offsets=self.offsets)
        finite: Bools = broken.sums() == 0
        return finite

    def equals(self, other: Ragged) -> Bools:
        """Whether a text has the same tokens, in the same number and order, in both columns, shape (texts,)."""
        alike = self.lengths == other.lengths
        differs = self.values[self.per_token(alike)] != other.values[other.per_token(alike)]
        counts = np.concatenate(([0], np.cumsum(np.where(alike, self.lengths, 0))))
        same: Bools = alike & (Ragged(values=differs.astype(np.float64), offsets=counts).sums() == 0)
        return same

    def where(self, selected: Bools) -> Ragged:
        """The tokens for which `selected`, shape (scored tokens,), is true; the texts stay, some of them empty."""
        kept = np.concatenate(([0], np.cumsum(selected)))[self.offsets]
        return Ragged(values=self.values[selected], offsets=kept)

    def per_token(self, per_text: NDArray[Any]) -> NDArray[Any]:
        """A value of each text, shape (texts,), repeated for its tokens, shape (scored tokens,)."""
        return np.repeat(per_text, self.lengths)

    def sums(self) -> Floats:
        """Sum over the tokens of each text, shape (texts,); 0 where a text has none."""
        totals = np.zeros(len(self.offsets) - 1)
        filled = self.lengths > 0
        # reduceat gives values[start] for an empty text and fails on one at the end: only filled texts go in.
        if filled.any():
            with np.errstate(invalid="ignore"):
                totals[filled] = np.add.reduceat(self.values, self.offsets[:-1][filled])
        return totals

    def means(self) -> Floats:
        """Mean over the tokens of each text, shape (texts,); NaN where a text has none."""
        return _divide(self.sums(), self.lengths)

    def lowest_means(self, *, share: float) -> Floats:
        """Mean over the max(1, ⌊share · n⌋) lowest of the n tokens of each text, shape (texts,); NaN where n = 0.

        A NaN counts as the lowest, so that it reaches the result instead of hiding behind the tokens that are selected.
        """
        counts = np.minimum(self.lengths, share_counts(self.lengths, share=share))
        return _divide(self._smallest(counts).sums(), counts)

    def quantiles(self, *, shares: Sequence[float]) -> Floats:
        """The quantiles of the tokens of each text, shape (texts, shares), interpolated linearly between neighbours as
        numpy.quantile does; NaN where a text has none.
        """
        filled = self.lengths > 0
        ascending, begins = self._ascending(), self.offsets[:-1][filled]
        found = np.full((len(filled), len(shares)), np.nan)
        for column, exact in enumerate(map(exact_share, shares)):
            below, rest = np.divmod((self.lengths[filled] - 1) * exact.numerator, exact.denominator)
            low, high = ascending[begins + below], ascending[begins + below + (rest > 0)]
            with np.errstate(invalid="ignore"):
                found[filled, column] = low + (high - low) * (rest / exact.denominator)
        return found

    def _smallest(self, counts: Ints) -> Ragged:
        """The `counts[i]` lowest tokens of each text i, in ascending order."""
        selected = self.places() < self.per_token(counts)
        return Ragged(values=self._ascending()[selected], offsets=np.concatenate(([0], np.cumsum(counts))))

    def places(self) -> Ints:
        """The place of each token in its text, from 0, shape (scored tokens,)."""
        places: Ints = np.arange(len(self.values)) - self.per_token(self.offsets[:-1])
        return places

    def _ascending(self) -> Floats:
        """The tokens of each text in ascending order, a NaN first."""
        text_of_token = self.per_token(np.arange(len(self.lengths)))
        order = np.lexsort((np.where(np.isnan(self.values), -np.inf, self.values), text_of_token))
        return self.values[order]


def share_counts(lengths: Ints, *, share: float) -> Ints:
    """max(1, ⌊share · n⌋) for each length n, with `share` taken as the decimal it is written as.

    Floating point would take a token away: 0.29 · 100 is 28.999…, and means 29.
    """
    exact = exact_share(share)
    counts: Ints = np.maximum(1, lengths * exact.numerator // exact.denominator)
    return counts


def exact_share(share: float) -> Fraction:
    """The decimal that `share` is written as, as a fraction."""
    return Fraction(repr(float(share))).limit_denominator(_LARGEST_DENOMINATOR)


def _divide(totals: Floats, counts: Ints) -> Floats:
    means: Floats = np.divide(totals, counts, out=np.full(len(totals), np.nan), where=counts > 0)
    return means
