"""Methods of which one is at its best no better than another at its worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, method_labels
from vestige.outcome.wording import joined


@final
class ApartInUtility(MethodCheck):
    """Along their trainings the validation losses of each two methods overlap: there is a loss that both have."""

    code = "V023"
    nothing = "no two methods have been measured"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        ranges = {name: losses for name in method_labels(results) if (losses := _losses(section, name))}
        if method not in ranges or len(ranges) < 2:
            return None
        lowest = min(ranges[method])
        better = [name for name, losses in ranges.items() if lowest > max(losses)]
        return [_sentence(lowest, better)] if better else []


def _losses(section: Section, method: str) -> list[float]:
    values = [point.estimate("loss").value for point in section.trajectory(method)]
    return [value for value in values if value is not None]


def _sentence(lowest: float, better: Sequence[str]) -> str:
    return (
        f"its lowest validation loss, {lowest:.3f}, is above every loss of {joined(list(better))}: no checkpoint of "
        "one is as useful as one of the other, and what they leak cannot be compared there."
    )
