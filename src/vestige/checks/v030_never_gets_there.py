"""A method that learns so little of the task that it is compared with no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section


@final
class NeverGetsThere(MethodCheck):
    """The method gains at least half of what the best method gains over the base, so that the two can be compared."""

    code = "V030"
    nothing = "no method has been compared at equal utility"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        every = results.facts.standings(base=section.base, corpus=section.corpus)
        standings = [one for one in every if one.method == method]
        if not standings:
            return None
        return [f"it is compared with no other: {one.set_aside}." for one in standings if one.set_aside]
