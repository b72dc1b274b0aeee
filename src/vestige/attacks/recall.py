"""The ReCaLL attack: what a beginning of texts that were not trained on does to a text's likelihood."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import TARGET_LOGP, Assumes, Attack, Tables, as_scores
from vestige.attacks.ratio import loss_ratio
from vestige.records import Column, Scores, View


@final
class Recall(Attack):
    """Mean log-likelihood of the text behind a fixed beginning of non-members over its mean log-likelihood alone.

    No unit, > 0: a ratio of two losses. The beginning makes a member less likely, and helps a non-member. It is the
    first `prefix` tokens of the texts of the `context` role, the same for all texts and before their prompts; the
    scored tokens are the same with it and without. Both losses count as at least `ratio`'s bound. Unscorable: no
    scored token (`too_short`).
    Xie et al. 2024, arXiv:2406.15968, eq. 1. Differs from the authors' code in that the beginning is of a number of
    tokens, where theirs is of a number of shots, and in that the losses are bounded from below.
    """

    name: Literal["recall"] = "recall"
    needs: ClassVar[tuple[Column, ...]] = (TARGET_LOGP, Column(View("target", text="prefixed-256"), "logp"))
    assumes: ClassVar[Assumes] = Assumes(population=True, passes=2)
    prefix: Annotated[int, Field(ge=1, le=100_000)] = 256

    @property
    def reads(self) -> tuple[Column, ...]:
        return (TARGET_LOGP, Column(View("target", text=f"prefixed-{self.prefix}"), "logp"))

    def score(self, tables: Tables) -> Scores:
        """Loss behind the beginning over loss alone, shape (texts,)."""
        alone, behind = (tables.tokens(column) for column in self.reads)
        return as_scores(tables, loss_ratio(behind, alone), lengths=np.minimum(alone.lengths, behind.lengths))
