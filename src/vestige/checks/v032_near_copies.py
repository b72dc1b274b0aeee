"""Near copies of what is attacked among the texts that a shadow is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section

_SHADOW: Final = "shadow"


@final
class NearCopies(SectionCheck):
    """Near copies of texts were looked for and left out, so that no shadow has trained on one of what is attacked."""

    code = "V032"
    nothing = "no corpus has texts for a shadow"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        corpus = results.facts.corpus(section.corpus)
        if _SHADOW not in corpus.roles or not corpus.roles[_SHADOW].texts:
            return None
        return [_SAID] if corpus.near_duplicates is None else []


_SAID: Final = (
    "nobody looked for near copies: texts of the shadow may repeat some of those under attack. A reference or an "
    "attack model that has trained on such shares training data with the target, and its attack is judged on what it "
    "knows."
)
