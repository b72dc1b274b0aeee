"""Checkpoints that leave open what leaks where methods are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import MethodCheck
from vestige.metrics.comparison import AFTER, BEFORE, PRIMARY_LEVEL, Standing
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.outcome.wording import level_name, plain


@final
class FewCheckpoints(MethodCheck):
    """Two attacked checkpoints or more lie before the place where methods are compared, and one behind it."""

    code = "V028"
    nothing = "no method has been compared at equal utility"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        every = results.facts.standings(base=section.base, corpus=section.corpus)
        standings = [one for one in every if one.method == method]
        found = [(one, epoch) for one in standings if (epoch := _epoch(one)) is not None]
        return [said for one, epoch in found if (said := _said(one, epoch))] if found else None


def _epoch(standing: Standing) -> float | None:
    """Where it is compared; None where it is not."""
    return next(
        (one.epoch for one in standing.crossings if one.level == PRIMARY_LEVEL and not standing.set_aside), None
    )


def _said(standing: Standing, epoch: float) -> str:
    attacked = [point.epoch for point in standing.curve if point.attacked]
    before, after = sum(one < epoch for one in attacked), sum(one >= epoch for one in attacked)
    where = f"it has {level_name(PRIMARY_LEVEL)} of the common gain at epoch {plain(round(epoch, 2))}"
    if before < BEFORE:
        count = "no attacked checkpoint lies" if not before else "one attacked checkpoint lies"
        return f"{where}, and {count} before: what leaks there is not told by what was measured. Keep earlier ones."
    if after < AFTER:
        return f"{where}, behind the last attacked checkpoint: attack a later one."
    return ""
