"""Numbers that were asked for and are not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.asked import asked_numbers
from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import NOT_MEASURED, Section, method_labels
from vestige.outcome.wording import joined


@final
class MissingNumbers(SectionCheck):
    """Every number of the primary attack and of generated texts has been measured, for every method."""

    code = "V020"
    nothing = "the study has no base on a corpus"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        said = []
        if any(one.estimate.reason == NOT_MEASURED for one in asked_numbers(results, section)):
            said.append("some numbers are missing (—): they have not been measured, or their part of the study failed.")
        missing = [method for method in method_labels(results) if section.best(method) is None]
        return [*said, f"{joined(missing)} not measured."] if missing else said
