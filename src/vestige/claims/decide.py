"""From a measured difference to whether what was expected of it holds, by which test, and what would decide it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

from vestige.claims.measured import Measured
from vestige.outcome.claims import Expected

Verdict = Literal["supported", "contradicted", "undecided"]


@final
@dataclass(frozen=True)
class Decision:
    """A verdict, and in a sentence the test that decided, or what it would take."""

    verdict: Verdict
    why: str


def decide(found: Measured, *, expected: Expected, margin: float) -> Decision:
    """Whether a difference is what was expected.

    `more` and `less`: by the 95% interval; a difference that is equivalent to 0 within the margin contradicts them.
    `equivalent`: two one-sided tests at 5%, that is the 90% interval within the margin (Schuirmann 1987); contradicted
    where the 95% interval lies beyond the margin. `no less`: the lower of these two tests alone.
    """
    decided = {"more": _more, "less": _less, "equivalent": _equivalent, "no less": _no_less}[expected]
    return decided(found, margin) or Decision("undecided", _wanting(found, expected=expected, margin=margin))


def _less(found: Measured, margin: float) -> Decision | None:
    return _more(found.turned, margin, side="below", other="above")


def _more(found: Measured, margin: float, *, side: str = "above", other: str = "below") -> Decision | None:
    if found.low > 0:
        return Decision("supported", f"the 95% interval lies {side} 0")
    if found.high < 0:
        return Decision("contradicted", f"the 95% interval lies {other} 0")
    if _within(found, margin):
        return Decision("contradicted", f"equivalent to 0 within {margin:.3g} (two one-sided tests at 5%)")
    return None


def _equivalent(found: Measured, margin: float) -> Decision | None:
    if _within(found, margin):
        return Decision("supported", f"equivalent to 0 within {margin:.3g} (two one-sided tests at 5%)")
    if found.low > margin or found.high < -margin:
        return Decision("contradicted", f"the 95% interval lies beyond the margin of {margin:.3g}")
    return None


def _no_less(found: Measured, margin: float) -> Decision | None:
    if found.value - found.narrow > -margin:
        return Decision("supported", f"not below −{margin:.3g} (one-sided test at 5%)")
    if found.high < -margin:
        return Decision("contradicted", f"the 95% interval lies below −{margin:.3g}")
    return None


def _within(found: Measured, margin: float) -> bool:
    return abs(found.value) + found.narrow < margin


def _wanting(found: Measured, *, expected: Expected, margin: float) -> str:
    """How much wider than needed the interval is, if the value stays; variances fall with groups and trainings."""
    to_margin = _times(found.narrow, abs(margin - abs(found.value)))
    off_zero = min(_times(found.wide, abs(found.value)), to_margin)
    needed = {
        "more": off_zero,
        "less": off_zero,
        "equivalent": to_margin,
        "no less": _times(found.narrow, abs(found.value + margin)),
    }[expected]
    said = "the interval leaves it open"
    if not math.isfinite(needed):
        return f"{said}: the value lies where no size of study would decide it"
    return (
        f"{said}: about {max(2, math.ceil(needed))} times the groups and trainings would decide it, if the value stays"
    )


def _times(width: float, room: float) -> float:
    return (width / room) ** 2 if room else math.inf
