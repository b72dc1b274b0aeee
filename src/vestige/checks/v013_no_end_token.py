"""A tokenizer without an end token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.lengths import NO_END
from vestige.outcome.points import Section


@final
class NoEndToken(SectionCheck):
    """The tokenizer has an end token, so that texts are trained to end."""

    code = "V013"
    nothing = "there is no base"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        return [] if results.facts.base(section.base).has_end else [NO_END]
