"""The verdicts of the checks, as the page shows them: what failed in full, what passed or does not apply in a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from vestige.checks.registry import Checked, page_of


@final
@dataclass(frozen=True)
class Line:
    """A sentence behind the code of its check, and where the page of the check is."""

    code: str
    said: str
    page: str


def failed(checked: Sequence[Checked]) -> list[Line]:
    """What limits the conclusions of a study; what holds in several places is said once, with all of them."""
    return [_line(one, said) for one in checked for said in _sentences(one)]


def passed(checked: Sequence[Checked]) -> list[Line]:
    """What was looked at and is as it should be."""
    return [_line(one, one.about) for one in checked if one.verdict.outcome == "passed"]


def not_applicable(checked: Sequence[Checked]) -> list[Line]:
    """What could not be looked at, and why."""
    found = [one for one in checked if one.verdict.outcome == "not applicable"]
    return [_line(one, f"{one.about} Here {one.verdict.reason}.") for one in found]


def _sentences(one: Checked) -> Iterator[str]:
    places: dict[str, list[str]] = {}
    for remark in one.verdict.remarks:
        places.setdefault(remark.said, []).append(remark.place)
    for said, where in places.items():
        named = "; ".join(place for place in dict.fromkeys(where) if place)
        yield f"{named}: {said}" if named else said


def _line(one: Checked, said: str) -> Line:
    return Line(one.code, said, page_of(one.code))
