"""Members and non-members of two files that somebody else has split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section


@final
class OfficialSplits(SectionCheck):
    """Members and non-members are halves of one source, dealt out at random."""

    code = "V035"
    nothing = "the study has no corpus"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        if results.facts.corpus(section.corpus).design == "random":
            return []
        said = (
            'design = "official-splits": members are of a training file and non-members of a test file. Whatever sets '
            "the two apart is taken for memory, and no text is seen both with and without training on it: read the "
            "floors first, and compare with published numbers only."
        )
        return [said]
