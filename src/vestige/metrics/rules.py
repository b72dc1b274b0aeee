"""When a difference at equal utility is refused, set under reserve, or said without one; each rule with its reason.

The limits are those at which simulated intervals cease to cover (docs/results/operating-characteristics.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vestige.metrics.comparison import AFTER, BEFORE
from vestige.metrics.frontier import auc_of
from vestige.metrics.ground import Ground, Position
from vestige.metrics.leaks import AucLeak, Leak
from vestige.metrics.trajectories import Inputs
from vestige.records import Bools

HIGHEST_LEVEL: Final = 0.95
"""Beyond, leakage rises so steeply with utility that no one should be compared there."""

_WIDEST_STEP = 0.15
"""AUC between the two checkpoints around a crossing."""

_OUTSIDE = 0.05
_ROUNDING = 1e-9


@final
@dataclass(frozen=True)
class Groups:
    """How many groups there are: of the class and cell that have the fewest, and of the validation texts."""

    of_class: int
    of_validation: int

    @classmethod
    def of(cls, inputs: Inputs, *, scored: Bools) -> Groups:
        """Those of the texts of the pool that are scored, shape (pool texts,)."""
        classes = [scored & (own == wanted) for own in inputs.is_member for wanted in (True, False)]
        fewest = min(len(np.unique(inputs.pool_groups[chosen])) for chosen in classes)
        return cls(fewest, len(np.unique(inputs.validation_groups)))

    def too_few(self, *, below: int) -> str:
        """Why they are too few, or an empty string."""
        for number, what in ((self.of_class, "texts in a class"), (self.of_validation, "validation texts")):
            if number < below:
                return f"{number} groups of {what}, at least {below} are needed"
        return ""


def refusals(ground: Ground, position: Position, *, leak: Leak, level: float) -> Iterator[str]:
    """Why a method cannot be compared where it is taken, the gravest first."""
    if level > HIGHEST_LEVEL + _ROUNDING:
        yield f"a level of {level:g} is so near to the lowest loss that leakage has no single value there"
    x = ground.attacked_axis(position.arm)[1:]
    before, after = int(np.sum(x < position.place)), int(np.sum(x >= position.place))
    if before < BEFORE:
        yield (
            f"{position.method}: {before} attacked checkpoints before it is as good as asked for, at least {BEFORE} "
            "are needed; keep earlier ones"
        )
    if after < AFTER:
        yield f"{position.method}: no attacked checkpoint after it is as good as asked for"
    outside = ground.outside(position)
    share = float(np.mean(outside[len(ground.inputs.mixing) :]))
    if outside[0] or share > _OUTSIDE:
        yield (
            f"{position.method}: it is as good as asked for between checkpoints that were not attacked, in "
            f"{share:.0%} of the samples" + (" and in the study" if outside[0] else "")
        )
    if isinstance(leak, AucLeak) and before and after:
        around = auc_of(ground.curve(leak, position.arm).y[1:, 0][before - 1 : before + 1])
        if abs(around[1] - around[0]) > _WIDEST_STEP:
            yield (
                f"{position.method}: AUC {around[0]:.2f} and {around[1]:.2f} at the checkpoints before and after, more "
                f"than {_WIDEST_STEP:g} apart: keep more checkpoints"
            )


def reserves(ground: Ground, position: Position) -> Iterator[str]:
    """What weakens a number of a method."""
    outside = ground.outside(position)[1 : len(ground.inputs.mixing)]
    if outside.any():
        yield (
            f"{position.method}: in {int(outside.sum())} of {len(outside)} trainings alone it is as good as asked for "
            "between checkpoints that were not attacked"
        )
