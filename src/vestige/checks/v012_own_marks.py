"""Texts that bring the marks of a chat template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.lengths import of_marks
from vestige.outcome.points import Section, lengths_of


@final
class OwnMarks(SectionCheck):
    """No text brings BOS or EOS marks of its own."""

    code = "V012"
    nothing = "no text has been tokenized"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        return list(of_marks(lengths_of(results, section)))
