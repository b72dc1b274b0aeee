"""Whether the primary attack was named before its numbers were there, as far as the store has it on record."""

from __future__ import annotations

from datetime import UTC, datetime

from vestige.outcome.facts import StudyFacts
from vestige.outcome.wording import joined

AS_BEST = "an attack picked with the numbers in sight is as optimistic as the best of many"


def when_named(study: StudyFacts) -> str:
    """`"named before the run"` where that is on record, else what is."""
    named = study.primaries
    if len(named) > 1:
        return "changed since the first run"
    if named[0].since is None:
        return "named when is not on record"
    return "named when there were numbers already" if _is_late(study) else "named before the run"


def primary_caveat(study: StudyFacts) -> str | None:
    """What a reader must know of the choice of the primary attack; None where it was named before the run."""
    named, primary = study.primaries, study.primary
    if len(named) > 1:
        steps = joined([f"{one.attack} {_since(one.since)}" for one in named])
        return f"The primary attack was changed from run to run: {steps}; {AS_BEST}."
    since = named[0].since
    if since is None:
        return f"It is not on record when {primary} was named the primary attack: no run of this study is; {AS_BEST}."
    if _is_late(study):
        return (
            f"{primary} is on record as the primary attack since {_shown(since)}, when the store had had "
            f"estimates since {_shown(study.attacked_since or '')}; {AS_BEST}."
        )
    return None


def _is_late(study: StudyFacts) -> bool:
    first, since = study.attacked_since, study.primaries[0].since
    return first is not None and since is not None and first < since


def _since(time: str | None) -> str:
    return "in the study file, not run" if time is None else f"since {_shown(time)}"


def _shown(time: str) -> str:
    """`2026-11-25 04:01 UTC`; what is no time as it is."""
    try:
        return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return time
