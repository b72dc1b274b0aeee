"""One base and corpus under comparison: what is measured of each method at each level, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal, final

import numpy as np

from vestige.metrics.comparison import (
    BITS,
    FEW_GROUPS,
    FEWEST_GROUPS,
    LEVELS,
    MEMORIZATION,
    PRIMARY_LEVEL,
    STRONGEST,
)
from vestige.metrics.ground import Ground, Position
from vestige.metrics.intervals import Part, Spread, group_part, spread
from vestige.metrics.leaks import AucLeak, BitsLeak, Leak, MemorizationLeak, PoolWeights
from vestige.metrics.replicated import Replicated, combined
from vestige.metrics.retraining import Retraining
from vestige.metrics.rules import Groups
from vestige.metrics.strongest import strongest
from vestige.metrics.ties import tied_rates
from vestige.metrics.trajectories import Inputs
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Counts, Estimate

_VERSION: Final = "v:1"
"""Raise it with any change that moves a value or an interval."""

NO_SCORE: Final = "a class of texts has no score, or a log-probability is not finite"
"""Why a number is none."""

_BETWEEN: Final = (0.8, 0.825, 0.85, 0.875, 0.9, 0.925, 0.95)
_TRAPEZOID: Final = (1 / 12, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 12)
"""Levels, and what each weighs, of the mean over them (level None)."""


@final
@dataclass(frozen=True)
class Settings:
    """How methods are compared.

    * `primary`: the attack that verdicts go by, named before.
    * `margin`: AUC within which two methods count as equivalent; `memorization_margin`: nats per token, None asks not.
    * `levels`: shares of the common reach, `PRIMARY_LEVEL` among them.
    """

    primary: str
    margin: float = 0.05
    memorization_margin: float | None = None
    levels: tuple[float, ...] = LEVELS
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    def __post_init__(self) -> None:
        if PRIMARY_LEVEL not in self.levels or not all(0 < level < 1 for level in self.levels):
            raise ValueError(f"levels lie between 0 and 1 and hold {PRIMARY_LEVEL}, got {self.levels}")


@final
class Evaluation:
    """Everything that is asked of a comparison more than once. ValueError where the primary attack is none of those."""

    def __init__(self, inputs: Inputs, settings: Settings) -> None:
        if settings.primary not in inputs.attacks:
            raise ValueError(f"primary attack {settings.primary!r}: expected one of {', '.join(inputs.attacks)}")
        self.inputs = inputs
        self.settings = settings
        self.ground = Ground(inputs, settings.bootstrap)
        self.aside = self.ground.points.set_aside()
        self.compared = [method for method, why in self.aside.items() if not why]
        pool = PoolWeights.of(inputs, settings.bootstrap)
        self.leaks: dict[str, Leak] = {attack: AucLeak(attack, inputs, pool) for attack in inputs.attacks}
        if not MemorizationLeak.refusal(inputs):
            self.leaks[MEMORIZATION] = MemorizationLeak(inputs, pool)
            self.leaks[BITS] = BitsLeak(inputs, pool)
        self._positions: dict[float, dict[str, Position]] = {}
        self._own_positions: dict[tuple[tuple[str, ...], float], dict[str, Position]] = {}
        self._groups: dict[str, Groups] = {}
        self._at_rate: dict[tuple[str, float], Evaluation] = {}
        self._numbers: dict[tuple[str, float | None], dict[str, Replicated]] = {}

    @property
    def headlines(self) -> list[str]:
        """What is taken at every level: the primary attack, and memorization where it can be had."""
        return [self.settings.primary, *([MEMORIZATION] if MEMORIZATION in self.leaks else [])]

    @cached_property
    def rivals(self) -> list[str]:
        """The attacks among which the strongest is sought: those with enough groups, or the primary one alone."""
        enough = [one for one in self.inputs.attacks if not self.too_few_groups(one, below=FEWEST_GROUPS)]
        return enough or [self.settings.primary]

    @cached_property
    def groups(self) -> tuple[int, int]:
        """Groups of the pool and of the validation texts."""
        return len(np.unique(self.inputs.pool_groups)), len(np.unique(self.inputs.validation_groups))

    @property
    def scope(self) -> Literal["retrainings", "these trainings"]:
        """What the intervals cover."""
        return "retrainings" if self.inputs.units else "these trainings"

    def tied(self, method: str) -> tuple[float, ...]:
        """Learning rates of a method that the data cannot tell from the chosen one."""
        return tied_rates(self.ground, method, groups=self.groups[1], level=self.settings.bootstrap.level)

    def too_few_groups(self, what: str, *, below: int) -> str:
        """Why the groups of what is scored are too few, or an empty string."""
        if what not in self._groups:
            every = np.ones(len(self.inputs.pool_groups), dtype=np.bool_)
            self._groups[what] = Groups.of(self.inputs, scored=self.inputs.scored.get(what, every))
        return self._groups[what].too_few(below=below)

    def few_groups(self, what: str) -> list[str]:
        """A sentence where there are so few groups that an interval is under reserve."""
        few = self.too_few_groups(what, below=FEW_GROUPS)
        return [f"few groups: {few} for an interval without reserve"] if few else []

    def at_rate(self, method: str, learning_rate: float) -> Evaluation:
        """The same with one learning rate of a method in play alone."""
        key = (method, learning_rate)
        if key not in self._at_rate:
            arms = (arm for arm in self.inputs.arms if arm.method != method or arm.learning_rate == learning_rate)
            self._at_rate[key] = Evaluation(replace(self.inputs, arms=tuple(arms)), self.settings)
        return self._at_rate[key]

    def positions(self, level: float) -> dict[str, Position]:
        """Where each method that is compared first has a share of the common reach."""
        if level not in self._positions:
            self._positions[level] = self.ground.at_share(self.compared, level, reach_of=self.compared)
        return self._positions[level]

    def own_positions(self, pair: Sequence[str], level: float) -> dict[str, Position]:
        """The same for the reach that a few methods have in common."""
        key = (tuple(pair), level)
        if key not in self._own_positions:
            self._own_positions[key] = self.ground.at_share(pair, level, reach_of=pair)
        return self._own_positions[key]

    def numbers(self, what: str, level: float | None) -> dict[str, Replicated]:
        """What each method that is compared gives away at a level, or on average over them."""
        if (what, level) not in self._numbers:
            self._numbers[what, level] = self._measured(what, level)
        return self._numbers[what, level]

    def _measured(self, what: str, level: float | None) -> dict[str, Replicated]:
        if level is None:
            of_level = [self.numbers(what, one) for one in _BETWEEN]
            return {m: combined([one[m] for one in of_level], weights=_TRAPEZOID) for m in self.compared}
        if what == STRONGEST:
            of_attack = {attack: self.numbers(attack, level) for attack in self.rivals}
            return {m: strongest({attack: one[m] for attack, one in of_attack.items()}) for m in self.compared}
        return {m: self.ground.value(self.leaks[what], at) for m, at in self.positions(level).items()}

    def leak(self, what: str, position: Position) -> Leak:
        """What is read there; for the strongest attack, the one that is strongest against this method."""
        if what != STRONGEST:
            return self.leaks[what]
        attacks = [self.leaks[attack] for attack in self.rivals]
        return max(attacks, key=lambda attack: self.ground.at(attack, position))

    def retraining(self, what: str, level: float | None) -> Retraining:
        """The noise of retraining of these numbers."""
        return Retraining.of(self.numbers(what, level))

    def spread(self, number: Replicated, training: Sequence[Part]) -> Spread:
        """Its standard error: groups of the pool, groups of the validation texts, and retraining."""
        if not np.isfinite(number.value):
            return Spread(error=np.nan, df=1.0)
        pool, validation = self.groups
        parts = [group_part(number.pool, groups=pool), group_part(number.validation, groups=validation), *training]
        return spread(parts)

    def estimate(
        self,
        number: Replicated,
        within: Spread,
        *,
        signature: str,
        counts: Counts,
        ends: tuple[float, float] = (-np.inf, np.inf),
    ) -> Estimate:
        """The number with value ± t·SE, kept within the ends of what it can be; refused where it is none."""
        if not np.isfinite([number.value, within.error]).all():
            return self.refused(NO_SCORE, signature=signature, counts=counts)
        reach = within.reach(self.settings.bootstrap.level)
        low, high = (float(np.clip(end, *ends)) for end in (number.value - reach, number.value + reach))
        return Estimate(number.value, low, high, counts, signature)

    def refused(self, reason: str, *, signature: str, counts: Counts) -> Estimate:
        """No number, and why."""
        return Estimate(None, None, None, counts, signature, reason)

    def signature(self, what: str, *, level: float | None, pooled: bool = False, reach: str = "common") -> str:
        """How a number was made, in a line."""
        at = "mean" if level is None else f"{level:g}"
        seeds = len(np.unique(self.inputs.seeds))
        noise = "pooled" if pooled else ("units" if self.inputs.units else "none")
        cells = f"cells:{len(self.inputs.seeds)}|seeds:{seeds}|retraining:{noise}"
        where = f"at:{self.inputs.axis.name}|phi:{at}|reach:{reach}"
        named = f"auc:{what}" if what in (*self.inputs.attacks, STRONGEST) else what
        return f"{named}|{where}|{cells}|t|{self.settings.bootstrap.signature}|{_VERSION}"

    def counts(self, what: str) -> Counts:
        """The texts behind a number: of the pool, or of the validation texts where `what` is none of the leaks."""
        inputs = self.inputs
        if what not in self.leaks and what != STRONGEST:
            return Counts(texts=len(inputs.base), groups=self.groups[1])
        scored = inputs.scored[self.settings.primary if what not in inputs.attacks else what]
        if what in (MEMORIZATION, BITS):
            scored = inputs.pool_tokens > 0
        members = int(np.sum(inputs.is_member[:, scored]))
        unscored = {"not_common": int(np.sum(~scored))} if not scored.all() else {}
        return Counts(
            members=members,
            non_members=int(inputs.is_member[:, scored].size) - members,
            texts=int(np.sum(scored)),
            groups=len(np.unique(inputs.pool_groups[scored])),
            unscored=unscored,
        )


def ends_of(what: str, *, difference: bool) -> tuple[float, float]:
    """What a quantity can be at most."""
    if what in (MEMORIZATION, BITS):
        return (-np.inf, np.inf)
    return (-1.0, 1.0) if difference else (0.0, 1.0)
