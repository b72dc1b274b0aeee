"""The Con-ReCaLL attack: whether a text is at home behind known members rather than behind texts not trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import TARGET_LOGP, Assumes, Attack, Tables, as_scores
from vestige.attacks.ratio import mean_loss
from vestige.records import Column, Scores, View


@final
class ConRecall(Attack):
    """Loss behind non-members minus loss behind known members, over the loss of the text alone.

    No unit. **Another threat model**: the attacker knows some members of the very model under attack. They are the
    first of its training texts that fill `prefix` tokens; with all of their groups they are left out of the evaluation
    (`known_member`), and so out of that of every attack that is compared with this one on the same texts. The
    non-members are those of `recall`. Losses are means over the scored tokens, the one below at least `ratio`'s bound.
    Unscorable also: no scored token (`too_short`).
    Wang et al. 2024, arXiv:2409.03363, eq. 2 (γ = 1). Differs from the authors' code in that both beginnings are of a
    number of tokens, where theirs are of a number of shots, and in that the loss below is bounded.
    """

    name: Literal["con_recall"] = "con_recall"
    needs: ClassVar[tuple[Column, ...]] = (
        TARGET_LOGP,
        Column(View("target", text="prefixed-256"), "logp"),
        Column(View("target", text="members-256"), "logp"),
    )
    assumes: ClassVar[Assumes] = Assumes(population=True, known_members=True, passes=3)
    prefix: Annotated[int, Field(ge=1, le=100_000)] = 256

    @property
    def reads(self) -> tuple[Column, ...]:
        forms = (f"prefixed-{self.prefix}", f"members-{self.prefix}")
        return (TARGET_LOGP, *(Column(View("target", text=form), "logp") for form in forms))

    @property
    def has_own_control(self) -> bool:
        return False  # the base has no members that could come before a text

    def score(self, tables: Tables) -> Scores:
        """The contrast, shape (texts,)."""
        alone, outsiders, members = (tables.tokens(column) for column in self.reads)
        known = (members.lengths == 0) & (outsiders.lengths > 0)
        with np.errstate(invalid="ignore"):
            values = (members.means() - outsiders.means()) / mean_loss(alone)
        finite = np.all([one.finite() for one in (alone, outsiders, members)], axis=0)
        lengths = np.min([alone.lengths, outsiders.lengths, members.lengths], axis=0)
        scores = as_scores(tables, np.where(finite, values, np.nan), lengths=lengths)
        return replace(scores, reasons=np.where(known, "known_member", scores.reasons))
