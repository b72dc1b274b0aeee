"""The DC-PDD attack: probabilities weighed by how rare a token is in a population."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import COUNTS, TARGET_LOGP, TARGET_TOKEN, Attack, Needs, Tables, as_scores
from vestige.attacks.ragged import Ragged
from vestige.errors import DataError
from vestige.records import Bools, Floats, Ints, Scores


@final
class DCPDD(Attack):
    """Mean over the first occurrences of tokens of min(p · log(1/f), a), p the probability under the target.

    Score in nats, between 0 and a: a token counts for more where the target is sure of it and the population seldom
    has it. f is the Laplace-smoothed frequency of the token in the population, texts of the corpus that no cell trains
    on; repeated tokens of a text count where they occur first. Unscorable: no scored token (`too_short`).
    Zhang et al. 2024, arXiv:2409.14669. Differs from the authors' code in the population (theirs is C4),
    in that the scored tokens alone are looked at, and in its sign, which there is minus this.
    """

    name: Literal["dc_pdd"] = "dc_pdd"
    needs: ClassVar[Needs] = (TARGET_LOGP, TARGET_TOKEN, COUNTS)
    a: Annotated[float, Field(gt=0)] = 0.01

    def score(self, tables: Tables) -> Scores:
        """Mean capped cross-entropy of the first occurrences, shape (texts,), nats."""
        logp = tables.read(TARGET_LOGP)
        tokens = tables.read(TARGET_TOKEN).values.astype(np.int64)
        rarity = -np.log(_frequencies(tables, tokens))
        calibrated = Ragged(values=np.minimum(np.exp(logp.values) * rarity, self.a), offsets=logp.offsets)
        values = calibrated.where(_first_occurrences(logp, tokens)).means()
        return as_scores(tables, np.where(logp.finite(), values, np.nan), lengths=logp.lengths)


def _frequencies(tables: Tables, tokens: Ints) -> Floats:
    population = tables.read(COUNTS)
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < len(population.counts):
        raise DataError(
            f"token ids up to {tokens.max()} were scored, but the population was counted with a vocabulary of "
            f"{len(population.counts)}: count it with the tokenizer of the model."
        )
    return population.frequencies(tokens)


def _first_occurrences(column: Ragged, tokens: Ints) -> Bools:
    """Where a token occurs for the first time in its text, shape (scored tokens,)."""
    keys = (column.per_token(np.arange(len(column.lengths))) << 32) | tokens
    first = np.zeros(len(tokens), dtype=np.bool_)
    first[np.unique(keys, return_index=True)[1]] = True
    return first
