"""Checks by code: every file of this package that defines one is found, and nothing else is to be edited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import final

from vestige.checks.base import Check, Verdict
from vestige.discovery import Kind, Registry, about, derived_from, find_all
from vestige.outcome.frames import Results


@final
@dataclass(frozen=True)
class Checked:
    """A check by its code, what it looks at, and its verdict on a study."""

    code: str
    about: str
    verdict: Verdict


@cache
def discover() -> Registry[type[Check]]:
    """All checks, code → class, in the order of the codes. TypeError where two bear one code."""
    kind: Kind[type[Check]] = Kind(
        word="check",
        package="vestige.checks",
        is_one=derived_from(Check),
        wanted="a class derived from Check with a `look` of its own",
        name_of=lambda check: getattr(check, "code", None),
    )
    return find_all(kind)


def check(results: Results) -> list[Checked]:
    """The verdict of every check on a finished study, in the order of their codes."""
    return [Checked(code, about(one), one().look(results)) for code, one in discover().items()]


def page_of(code: str) -> str:
    """The page of a check, from the root of the project."""
    return f"docs/checks/{code}.md"
