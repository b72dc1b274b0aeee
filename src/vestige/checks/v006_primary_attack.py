"""A primary attack that was picked, or may have been, with the numbers in sight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, final

from vestige.checks.base import Check, Verdict, of_the_study
from vestige.outcome.facts import StudyFacts
from vestige.outcome.frames import Results
from vestige.outcome.primary import naming
from vestige.outcome.wording import joined

_AS_BEST: Final = "an attack picked with the numbers in sight is as optimistic as the best of many"


@final
class PrimaryAttack(Check):
    """The primary attack was named before there were numbers, and has not been changed since."""

    code = "V006"

    def look(self, results: Results) -> Verdict:
        study = results.facts.study
        told = {"changed": _changed, "not on record": _not_on_record, "late": _late}.get(naming(study))
        return of_the_study(f"{told(study)}; {_AS_BEST}.") if told else of_the_study()


def _changed(study: StudyFacts) -> str:
    steps = joined([f"{one.attack} {_since(one.since)}" for one in study.primaries])
    return f"The primary attack was changed from run to run: {steps}"


def _not_on_record(study: StudyFacts) -> str:
    return f"It is not on record when {study.primary} was named the primary attack: no run of this study is"


def _late(study: StudyFacts) -> str:
    return (
        f"{study.primary} is on record as the primary attack since {_shown(study.primaries[0].since)}, when the store "
        f"had had estimates since {_shown(study.attacked_since)}"
    )


def _since(time: str | None) -> str:
    return "in the study file, not run" if time is None else f"since {_shown(time)}"


def _shown(time: str | None) -> str:
    """`2026-11-25 04:01 UTC`; what is no time as it is."""
    try:
        return f"{datetime.fromisoformat(time or '').astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return time or ""
