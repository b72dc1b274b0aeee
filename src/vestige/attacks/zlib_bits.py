"""The zlib attack on the whole text: what the target needs to write it down against what a compressor needs."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, ZLIB_BYTES, Attack, Needs, Tables, as_scores
from vestige.records import Scores


@final
class ZlibBits(Attack):
    """Summed log-probability of the scored tokens over the bytes of the whole text, compressed by zlib.

    Score in nats per byte, ≤ 0; over 8 · ln 2 it is minus the bits that the target needs for one bit of zlib's, since
    both count the whole text. Unscorable: no scored token (`too_short`). Carlini et al. 2021, arXiv:2012.07805,
    section 5.2 (a ratio of perplexity and entropy, of which this is the reading with equal units). Differs from the
    code of Min-K%++ and MIMIR, which divides the *mean* loss (that is `zlib`): another order of the texts.
    """

    name: Literal["zlib_bits"] = "zlib_bits"
    needs: ClassVar[Needs] = (TARGET_LOGP, ZLIB_BYTES)

    def score(self, tables: Tables) -> Scores:
        """Summed log-probability per compressed byte, shape (texts,)."""
        logp = tables.read(TARGET_LOGP)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = logp.sums() / tables.read(ZLIB_BYTES)
        return as_scores(tables, values, lengths=logp.lengths)
