"""The PAC attack: whether a text's tokens are more evenly likely than those of the same text with words swapped."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, Assumes, Attack, Share, Tables, as_scores
from vestige.attacks.ragged import Ragged
from vestige.records import Column, Floats, Scores, View

VERSIONS = 10
SWAPPED = tuple(Column(View("target", text=f"swap-{version}"), "logp") for version in range(VERSIONS))


@final
class PAC(Attack):
    """Mean polarized distance of ten versions of the text with words swapped, minus that of the text itself.

    Score in nats; 0 where no swap changes the text (a completion of one word). The polarized distance is the mean of
    the max(1, ⌊k · n⌋) most likely tokens minus that of the max(1, ⌊k · n⌋) least likely ones: a memorized text has few
    tokens that surprise, so that its distance is the smaller one. Unscorable: no scored token in the text or one of
    its versions (`too_short`).
    Ye et al. 2024, arXiv:2405.11930. Differs from the authors' code in that both ends are of one share k, at least one
    token is selected, ⌊k · n⌋ is exact, and words are swapped as `stats/views.py` says, in the completion alone.
    """

    name: Literal["pac"] = "pac"
    needs: ClassVar[tuple[Column, ...]] = (TARGET_LOGP, *SWAPPED)
    assumes: ClassVar[Assumes] = Assumes(texts=True, passes=1 + VERSIONS)
    k: Share = 0.3

    def score(self, tables: Tables) -> Scores:
        """Mean distance of the versions minus the distance of the text, shape (texts,), nats."""
        text = tables.tokens(TARGET_LOGP)
        versions = [tables.tokens(column) for column in SWAPPED]
        with np.errstate(invalid="ignore"):
            distances = np.mean([self._distance(version) for version in versions], axis=0)
            values = distances - self._distance(text)
        return as_scores(tables, values, lengths=np.min([text.lengths, *(one.lengths for one in versions)], axis=0))

    def _distance(self, logp: Ragged) -> Floats:
        """Polarized distance, shape (texts,); NaN where a text has no token or one that is not finite."""
        negated = Ragged(values=-logp.values, offsets=logp.offsets)
        with np.errstate(invalid="ignore"):
            distance = -negated.lowest_means(share=self.k) - logp.lowest_means(share=self.k)
        return np.where(logp.finite(), distance, np.nan)
