"""The EZ-MIA attack: what fine-tuning did to the tokens that the target still gets wrong."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np

from vestige.attacks.base import BASE_LOGP, TARGET_LOGP, TARGET_RANK, ComparingAttack, Needs, Tables, as_scores
from vestige.attacks.ragged import Ragged
from vestige.records import Bools, Floats, Scores, Texts


@final
class EZ(ComparingAttack):
    """P / (P + N) over the error tokens: P is what they gained in log-probability over the reference, N what they lost.

    Between 0 and 1. An error token is one that is not the target's first choice (rank > 0). P = Σ max(δ, 0) and N =
    Σ max(−δ, 0) in nats, δ the log-probability under the target minus that under the base. By rule, and noted per
    text: without an error token 1 (`no_error_token`), with N = 0 < P 1 (`only_gains`), with P = N = 0 one half
    (`no_change`). Unscorable: no scored token (`too_short`).
    EZ-MIA, 2026, arXiv:2601.12104; the order of the texts is that of its P / N, whose infinity is 1 here. Differs from
    the authors' code, which skips the first predicted token and gives the two corners of 1 its lowest score, 0.
    """

    name: Literal["ez"] = "ez"
    needs: ClassVar[Needs] = (TARGET_LOGP, BASE_LOGP, TARGET_RANK)

    def score(self, tables: Tables) -> Scores:
        """Share of the gains, shape (texts,)."""
        change = tables.read(TARGET_LOGP) - tables.read(self.calibrating(BASE_LOGP))
        is_error = tables.read(TARGET_RANK).values > 0
        gains, losses = (_sums_over(is_error, sign * change.values, change) for sign in (1, -1))
        errors = _sums_over(is_error, np.ones(len(is_error)), change)
        with np.errstate(invalid="ignore"):
            values = np.divide(gains, gains + losses, out=np.full(len(gains), 0.5), where=gains + losses > 0)
        values[errors == 0] = 1.0
        values[~change.finite()] = np.nan
        return as_scores(tables, values, lengths=change.lengths, notes=_notes(gains, losses, errors))


def _sums_over(is_error: Bools, values: Floats, change: Ragged) -> Floats:
    """Sum of the positive part of `values` over the error tokens of each text."""
    return Ragged(values=np.where(is_error, np.maximum(values, 0), 0), offsets=change.offsets).sums()


def _notes(gains: Floats, losses: Floats, errors: Floats) -> Texts:
    rules = [errors == 0, (losses == 0) & (gains > 0), (losses == 0) & (gains == 0)]
    return np.select(rules, ["no_error_token", "only_gains", "no_change"], default="")
