"""The lowercase attack: how much of a text's likelihood hangs on its capitals."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, Attack, Column, Needs, Tables, as_scores, token_ids, unchanged
from vestige.attacks.ratio import loss_ratio
from vestige.forms import Lowercase as LowercaseForm
from vestige.records import Scores, View

_BOTH = (TARGET_LOGP, Column(View("target", LowercaseForm()), "logp"))


@final
class Lowercase(Attack):
    """Loss of the completion written in lower case over its loss as it is, both means over the scored tokens.

    No unit, > 0. What was memorized is the text as it was written, so that a member
    loses more of its likelihood. The two forms have tokens of their own, and a text that `max_length` cuts ends where
    its own tokens end in each of them. Both losses count as at least `ratio`'s bound. Unscorable: no scored token in
    one of the forms (`too_short`), the same tokens in both (`unchanged`: no capitals, as in Chinese or Arabic).
    Carlini et al. 2021, arXiv:2012.07805, section 5.2 (Lowercase). Differs from the authors' code, which divides the
    logarithms of the perplexities the same way, in that the losses are bounded from below and a prompt stays as it is.
    """

    name: Literal["lowercase"] = "lowercase"
    needs: ClassVar[Needs] = (*_BOTH, *token_ids(_BOTH))

    def score(self, tables: Tables) -> Scores:
        """Loss in lower case over loss as written, shape (texts,)."""
        plain, lower = (tables.read(column) for column in _BOTH)
        lengths = np.minimum(plain.lengths, lower.lengths)
        return as_scores(tables, loss_ratio(lower, plain), lengths=lengths, unchanged=unchanged(tables, _BOTH))
