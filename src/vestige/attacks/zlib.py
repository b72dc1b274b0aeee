"""The zlib attack: the loss against what a compressor that knows nothing makes of the text."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, ZLIB_BYTES, Attack, Needs, Tables, as_scores
from vestige.records import Scores


@final
class Zlib(Attack):
    """Mean log-probability of the scored tokens over the bytes of the whole text, compressed by zlib.

    Score in nats per token and byte, ≤ 0. The bytes are those of the scored text in UTF-8, compressed at zlib's
    default level when the table is collected. Unscorable: no scored token (`too_short`). Carlini et al. 2021,
    arXiv:2012.07805, section 5.2 (there a ratio of perplexity and entropy). Agrees with the code of Min-K%++ and
    MIMIR. Differs from other code, which divides the total loss, or by bytes per character: another order of the
    texts.
    """

    name: Literal["zlib"] = "zlib"
    needs: ClassVar[Needs] = (TARGET_LOGP, ZLIB_BYTES)

    def score(self, tables: Tables) -> Scores:
        """Mean log-probability per compressed byte, shape (texts,)."""
        logp = tables.read(TARGET_LOGP)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = logp.means() / tables.read(ZLIB_BYTES)
        return as_scores(tables, values, lengths=logp.lengths)
