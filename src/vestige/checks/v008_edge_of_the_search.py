"""A learning rate at the end of the grid, beyond which a better one may lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, tried
from vestige.outcome.wording import plain


@final
class EdgeOfTheSearch(MethodCheck):
    """The best learning rate lies inside the grid that was tried, not at an end of it."""

    code = "V008"
    nothing = "no learning rate was searched"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        own = [one for one in tried(results, section) if one.method == method]
        rates, chosen = sorted(one.learning_rate for one in own), [one.learning_rate for one in own if one.chosen]
        if len(rates) < 2 or not chosen:
            return None
        if chosen[0] not in (rates[0], rates[-1]):
            return []
        end = "highest" if chosen[0] == rates[-1] else "lowest"
        return [f"the best learning rate, {plain(chosen[0])}, is the {end} tried; a better one may lie beyond."]
