"""The ReCaLL attack: what a beginning of texts that were not trained on does to a text's likelihood."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import TARGET_LOGP, Attack, Column, Needs, Tables, as_scores
from vestige.attacks.ratio import loss_ratio
from vestige.forms import Behind
from vestige.records import Scores, View

BEGINNINGS = 4
PREFIX = 256

Beginnings = Annotated[int, Field(ge=1, le=16)]
Prefix = Annotated[int, Field(ge=1, le=100_000)]


def behind(whose: Literal["context", "members"], *, tokens: int, count: int) -> tuple[Column, ...]:
    """log p of the text behind each of so many beginnings, the first to the last."""
    forms = [Behind(tokens, whose, which=one) for one in range(1, count + 1)]
    return tuple(Column(View("target", form), "logp") for form in forms)


@final
class Recall(Attack):
    """Mean log-likelihood of the text behind a beginning of non-members over its mean log-likelihood alone.

    No unit, > 0: a ratio of two losses, averaged over `beginnings` beginnings, each of `prefix` tokens. The beginning
    makes a member less likely, and helps a non-member. The beginnings are made of the texts of the `context` role, one
    after the other, each of texts of its own; they are the same for all texts, and come before their prompts. Which
    texts they are moves the score, and an interval, which is one over the texts under attack, knows nothing of that
    choice. The scored tokens are the same with a beginning and without. Losses count as at least `ratio`'s bound.
    Unscorable: no scored token (`too_short`).
    Xie et al. 2024, arXiv:2406.15968, eq. 1, averaged as in their ensembles. Differs from the authors' code in that a
    beginning is of a number of tokens, where theirs is of a number of shots; in that a text's first token, which theirs
    scores behind a beginning, is left out (nothing predicts it where the text is alone); and in that the losses are
    bounded from below.
    """

    name: Literal["recall"] = "recall"
    needs: ClassVar[Needs] = (TARGET_LOGP, *behind("context", tokens=PREFIX, count=BEGINNINGS))
    prefix: Prefix = PREFIX
    beginnings: Beginnings = BEGINNINGS

    @property
    def reads(self) -> Needs:
        return (TARGET_LOGP, *behind("context", tokens=self.prefix, count=self.beginnings))

    def score(self, tables: Tables) -> Scores:
        """Loss behind a beginning over loss alone, averaged over the beginnings, shape (texts,)."""
        alone, *others = (tables.read(column) for column in self.reads)
        values = np.mean([loss_ratio(one, alone) for one in others], axis=0)
        return as_scores(tables, values, lengths=np.min([one.lengths for one in (alone, *others)], axis=0))
