"""The PAC attack: whether a text's tokens are more evenly likely than those of the same text with words swapped."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import AfterValidator, Field

from vestige.attacks.base import TARGET_LOGP, Attack, Column, Needs, Share, Tables, as_scores, token_ids, unchanged
from vestige.attacks.ragged import Ragged
from vestige.forms import Swapped
from vestige.records import Floats, Scores, View

VERSIONS = 10
_FIFTH = 0.2


def _swapped(*, versions: int, alpha: float) -> tuple[Column, ...]:
    """log p of the text as it is, and of so many versions of it."""
    forms = [Swapped(version, percent=round(100 * alpha)) for version in range(versions)]
    return (TARGET_LOGP, *(Column(View("target", form), "logp") for form in forms))


def _in_hundredths(alpha: float) -> float:
    if abs(100 * alpha - round(100 * alpha)) > 1e-9:
        raise ValueError("alpha must be a whole number of hundredths, such as 0.3")
    return alpha


_DEFAULT = _swapped(versions=VERSIONS, alpha=_FIFTH)


@final
class PAC(Attack):
    """Mean polarized distance of versions of the text with words swapped, minus that of the text itself.

    Score in nats. The polarized distance is the mean of the most likely tokens, a share `far` of them (`k` where it is
    not given), minus that of the least likely ones, a share `k`: a memorized text has few tokens that surprise, so that
    its distance is the smaller one. In each of `versions` versions a pair of words is swapped for each of a share
    `alpha` of the words. Unscorable: no scored token in the text or one of its versions (`too_short`), all versions the
    text itself (`unchanged`: a completion of one word, a script without blanks).
    Ye et al. 2024, arXiv:2405.11930. Differs from the authors' code in its defaults: both ends are a share of .3 here,
    where theirs are far = .05 and .3; a fifth of the words is drawn, which displaces about 30% of them, where alpha =
    .3 displaces 45%; and there are ten versions for five. `{ name = "pac", far = 0.05, alpha = 0.3, versions = 5 }` is
    theirs. Also in that a share of the tokens is exact, and in that words are swapped as `forms.Swapped` says, in the
    completion alone.
    """

    name: Literal["pac"] = "pac"
    needs: ClassVar[Needs] = (*_DEFAULT, *token_ids(_DEFAULT))
    k: Share = 0.3
    far: Share | None = None
    alpha: Annotated[float, Field(ge=0.01, le=1), AfterValidator(_in_hundredths)] = _FIFTH
    versions: Annotated[int, Field(ge=1, le=VERSIONS)] = VERSIONS

    @property
    def reads(self) -> Needs:
        return (*self._forms, *token_ids(self._forms))

    @property
    def _forms(self) -> tuple[Column, ...]:
        return _swapped(versions=self.versions, alpha=self.alpha)

    def score(self, tables: Tables) -> Scores:
        """Mean distance of the versions minus the distance of the text, shape (texts,), nats."""
        text, *versions = (tables.read(column) for column in self._forms)
        with np.errstate(invalid="ignore"):
            distances = np.mean([self._distance(version) for version in versions], axis=0)
            values = distances - self._distance(text)
        lengths = np.min([text.lengths, *(one.lengths for one in versions)], axis=0)
        return as_scores(tables, values, lengths=lengths, unchanged=unchanged(tables, self._forms))

    def _distance(self, logp: Ragged) -> Floats:
        """Polarized distance, shape (texts,); NaN where a text has no token or one that is not finite."""
        negated = Ragged(values=-logp.values, offsets=logp.offsets)
        far = self.k if self.far is None else self.far
        with np.errstate(invalid="ignore"):
            distance = -negated.lowest_means(share=far) - logp.lowest_means(share=self.k)
        return np.where(logp.finite(), distance, np.nan)
