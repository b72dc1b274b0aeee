"""Texts of so few groups that a bootstrap over these says little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.metrics.comparison import FEW_GROUPS, FEWEST_GROUPS
from vestige.outcome.facts import CorpusFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import Section


@final
class FewGroups(SectionCheck):
    """Members, non-members and validation texts are of 20 groups or more each, so that intervals can be trusted."""

    code = "V022"
    nothing = "no corpus has texts to be attacked"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        groups = _groups(results.facts.corpus(section.corpus))
        if not groups:
            return None
        return [_sentence(what, count) for what, count in groups.items() if count < FEW_GROUPS]


def _groups(corpus: CorpusFacts) -> dict[str, int]:
    """Groups by what they are of; a half of the pool is trained on, and so are its groups."""
    found = {}
    if "pool" in corpus.roles:
        found["members and the non-members of a training"] = corpus.roles["pool"].groups // 2
    if "validation" in corpus.roles:
        found["validation texts"] = corpus.roles["validation"].groups
    return {what: count for what, count in found.items() if count}


def _sentence(what: str, count: int) -> str:
    if count < FEWEST_GROUPS:
        return f"the {what} are of {count} groups: too few for a comparison of methods, which needs {FEWEST_GROUPS}."
    return f"the {what} are of {count} groups: intervals over fewer than {FEW_GROUPS} are rough."
