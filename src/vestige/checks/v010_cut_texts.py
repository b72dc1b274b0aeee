"""Texts that are longer than the limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.lengths import of_cut
from vestige.outcome.points import Section, lengths_of


@final
class CutTexts(SectionCheck):
    """No text is longer than max_length, so that none was cut."""

    code = "V010"
    nothing = "no text has been tokenized"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        return list(of_cut(lengths_of(results, section), max_length=results.facts.corpus(section.corpus).max_length))
