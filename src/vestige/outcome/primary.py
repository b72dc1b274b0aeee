"""Whether the primary attack was named before its numbers were there, as far as the store has it on record."""

from __future__ import annotations

from typing import Literal

from vestige.outcome.facts import StudyFacts

Naming = Literal["before the run", "changed", "not on record", "late"]


def naming(study: StudyFacts) -> Naming:
    """When the primary attack was named; `late`: when the store had estimates of leakage already."""
    if len(study.primaries) > 1:
        return "changed"
    since, first = study.primaries[0].since, study.attacked_since
    if since is None:
        return "not on record"
    return "late" if first is not None and first < since else "before the run"
