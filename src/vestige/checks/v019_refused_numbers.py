"""Numbers that the texts cannot carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.asked import asked_numbers
from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import NOT_MEASURED, Section
from vestige.outcome.wording import is_tied, quantity_name


@final
class RefusedNumbers(SectionCheck):
    """No number of the primary attack or of generated texts is refused for another reason than ties."""

    code = "V019"
    nothing = "nothing has been measured"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        measured = [one for one in asked_numbers(results, section) if one.estimate.reason != NOT_MEASURED]
        if not measured:
            return None
        refused = [one for one in measured if one.estimate.value is None and not is_tied(one.estimate)]
        return [f"{quantity_name(one.quantity)} is refused (—): {one.estimate.reason}." for one in refused]
