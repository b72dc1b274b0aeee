"""Texts of which no token is scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.lengths import of_unscorable
from vestige.outcome.points import Section, lengths_of


@final
class UnscorableTexts(SectionCheck):
    """Every text has a token that can be scored."""

    code = "V011"
    nothing = "no text has been tokenized"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        return list(of_unscorable(lengths_of(results, section)))
