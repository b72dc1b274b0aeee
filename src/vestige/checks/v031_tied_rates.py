"""A learning rate that was chosen by less than the validation texts can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, tried
from vestige.outcome.wording import joined, plain


@final
class TiedRates(MethodCheck):
    """The validation texts tell the best learning rate from the others of its grid."""

    code = "V031"
    nothing = "no learning rate was searched"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        own = [one for one in tried(results, section) if one.method == method and one.rivals]
        chosen = [one.learning_rate for one in own if one.chosen]
        if not chosen:
            return None
        tied = [plain(one.learning_rate) for one in own if one.tied]
        return [_sentence(plain(chosen[0]), tied)] if tied else []


def _sentence(chosen: str, tied: Sequence[str]) -> str:
    return (
        f"the validation texts do not tell its learning rate, {chosen}, from {joined(list(tied))}: with other texts "
        "another one may have been chosen, and what is said of the method holds at this rate alone."
    )
