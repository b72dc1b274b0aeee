"""The Con-ReCaLL attack: whether a text is at home behind known members rather than behind texts not trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import TARGET_LOGP, Attack, Column, Needs, Tables, as_scores
from vestige.attacks.ragged import Ragged
from vestige.attacks.ratio import mean_loss
from vestige.attacks.recall import BEGINNINGS, PREFIX, Beginnings, Prefix, behind
from vestige.records import Floats, Scores


@final
class ConRecall(Attack):
    """Loss behind non-members minus γ times the loss behind known members, over the loss of the text alone.

    No unit. **Another threat model**: the attacker knows some members of the very model under attack. They are the
    first of its training texts that fill `beginnings` beginnings of `prefix` tokens each; with all of their groups they
    are left out of the evaluation (`known_member`), and so out of that of every attack that is compared with this one
    on the same texts. The non-members are those of `recall`. Losses are means over the scored tokens, averaged over the
    beginnings of each kind, the one below at least `ratio`'s bound. With γ = 0 this is `recall`; with γ = 1 what both
    kinds of beginning do alike cancels, `recall`'s signal with it, and what is left is mostly which of them happens to
    suit a text. An interval knows nothing of the choice of the beginnings. Unscorable also: no scored token
    (`too_short`).
    Wang et al. 2024, arXiv:2409.03363, eq. 2, with the γ of the authors' code, which tries .1 to 1. Differs from the
    authors' code in that all beginnings are of a number of tokens, where theirs are of a number of shots, and several;
    in that a text's first token, which theirs scores behind a beginning, is left out; and in that the loss below is
    bounded.
    """

    name: Literal["con_recall"] = "con_recall"
    needs: ClassVar[Needs] = (
        TARGET_LOGP,
        *behind("context", tokens=PREFIX, count=BEGINNINGS),
        *behind("members", tokens=PREFIX, count=BEGINNINGS),
    )
    prefix: Prefix = PREFIX
    beginnings: Beginnings = BEGINNINGS
    gamma: Annotated[float, Field(ge=0, le=1)] = 0.5

    @property
    def reads(self) -> Needs:
        return (TARGET_LOGP, *self._behind("context"), *self._behind("members"))

    def _behind(self, whose: Literal["context", "members"]) -> tuple[Column, ...]:
        return behind(whose, tokens=self.prefix, count=self.beginnings)

    def score(self, tables: Tables) -> Scores:
        """The contrast, shape (texts,)."""
        alone = tables.read(TARGET_LOGP)
        outsiders = [tables.read(column) for column in self._behind("context")]
        members = [tables.read(column) for column in self._behind("members")]
        with np.errstate(invalid="ignore"):
            values = (_mean_loss(outsiders) - self.gamma * _mean_loss(members)) / mean_loss(alone)
        every = (alone, *outsiders, *members)
        finite = np.all([one.finite() for one in every], axis=0)
        lengths = np.min([one.lengths for one in every], axis=0)
        scores = as_scores(tables, np.where(finite, values, np.nan), lengths=lengths)
        known = (lengths == 0) & (np.min([one.lengths for one in (alone, *outsiders)], axis=0) > 0)
        return replace(scores, reasons=np.where(known, "known_member", scores.reasons))


def _mean_loss(behind: list[Ragged]) -> Floats:
    """Mean over the beginnings of the mean loss of each text, shape (texts,), nats per token."""
    losses: Floats = -np.mean([one.means() for one in behind], axis=0)
    return losses
