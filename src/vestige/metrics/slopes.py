"""How leakage grows along a series: the records that `scaling` makes and the report reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, final

from vestige.records import Estimate

Standing = Literal["share", "lowest", "last"]
STANDINGS: Final[tuple[Standing, ...]] = ("share", "lowest", "last")
"""Where a method is taken: at 90% of its own gain, at its own lowest validation loss, or at its last checkpoint."""


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """What was found at a point."""

    x: float
    estimate: Estimate


@final
@dataclass(frozen=True, slots=True)
class Slope:
    """One quantity along a series, at one standing.

    * `series`: the method, or the part of it that does not vary.
    * `what`: the label of an attack, `MEMORIZATION`, `BITS`, or `tpr@…:` and the label of an attack.
    * `slope`: of Φ⁻¹(AUC), of nats per token, of bits, or of log(TPR − FPR), for a tenfold of what is varied.
    * `bend`: how much steeper it is from the middle on than up to it: 0 for a straight line.
    * `r_squared`: how much of what varies between the points the line has; None without a slope.
    * `points`: the quantity as people know it.
    """

    series: str
    what: str
    standing: Standing
    slope: Estimate
    bend: Estimate
    r_squared: float | None
    points: tuple[Measured, ...]
