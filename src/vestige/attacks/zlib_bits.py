"""The zlib attack on the whole text: what the target needs to write it down against what a compressor needs."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, Assumes, Attack, Tables, as_scores
from vestige.records import Column, Scores


@final
class ZlibBits(Attack):
    """Summed log-probability of the scored tokens over the bytes of the whole text, compressed by zlib.

    Score in nats per byte, ≤ 0; over 8 · ln 2 it is minus the bits that the target needs for one bit of zlib's, since
    both count the whole text. Unscorable: no scored token (`too_short`). Carlini et al. 2021, arXiv:2012.07805,
    section 5.2 (a ratio of perplexity and entropy, of which this is the reading with equal units). Differs from the
    code of Min-K%++ and MIMIR, which divides the *mean* loss (that is `zlib`): another order of the texts.
    """

    name: Literal["zlib_bits"] = "zlib_bits"
    needs: ClassVar[tuple[Column, ...]] = (TARGET_LOGP,)
    needs_text: ClassVar[tuple[str, ...]] = ("zlib_bytes",)
    assumes: ClassVar[Assumes] = Assumes(texts=True)

    def score(self, tables: Tables) -> Scores:
        """Summed log-probability per compressed byte, shape (texts,)."""
        logp = tables.tokens(TARGET_LOGP)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = logp.sums() / tables.per_text("zlib_bytes")
        return as_scores(tables, values, lengths=logp.lengths)
