"""What a model's plain pass says of whole texts: their losses, from which utility and memorization follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from vestige.records import Floats, Ints, Texts, TokenStats


@final
@dataclass(frozen=True, eq=False)
class TextLosses:
    """The loss of each text under one model.

    * `ids`: shape (texts,).
    * `sums`: −log p summed over the scored tokens of a text, nats, shape (texts,); 0 where there is none.
    * `tokens`: how many these are, shape (texts,).
    """

    ids: Texts
    sums: Floats
    tokens: Ints

    @property
    def mean(self) -> float:
        """Nats per token over all texts, each counting as many times as it has tokens; NaN without a scored token."""
        tokens = int(np.sum(self.tokens))
        return float(np.sum(self.sums)) / tokens if tokens else np.nan


def text_losses(table: TokenStats) -> TextLosses:
    """The losses of texts from the table of their tokens, which has column `logp`."""
    sums = np.zeros(len(table.ids))
    filled = table.lengths > 0
    if filled.any():
        logp = table.tokens["logp"].astype(np.float64)
        sums[filled] = -np.add.reduceat(logp, table.offsets[:-1][filled])
    return TextLosses(table.ids, sums, table.lengths)
