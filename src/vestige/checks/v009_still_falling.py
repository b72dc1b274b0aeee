"""A training that ended while it was still getting better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section


@final
class StillFalling(MethodCheck):
    """The validation loss is no longer falling at the last checkpoint."""

    code = "V009"
    nothing = "no method has been measured at two checkpoints"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        path = section.trajectory(method)
        if len(path) < 2:
            return None
        if not path[-1].is_best:
            return []
        said = (
            "validation loss is still falling at the last checkpoint. The method is under-trained here, and longer "
            "training may leak more."
        )
        return [said]
