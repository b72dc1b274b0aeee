"""What a comparison of methods at equal utility came to: the records that `compare` makes and the report reads.

A level φ is a share of the common reach R: at φ = .9 every method is taken where its validation loss first falls to
L_base − .9 R. Every record is JSON all through, so that a stage writes it and reads it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, final

from vestige.records import Estimate

LEVELS: Final = (0.8, 0.9, 0.95)
"""The shares of the common reach at which methods are compared."""

PRIMARY_LEVEL: Final = 0.9
"""The one that verdicts go by."""

FEWEST_GROUPS: Final = 10
"""Groups of a class, and of the validation texts, below which nothing is compared."""

FEW_GROUPS: Final = 20
"""Those below which an interval is under reserve."""

BEFORE: Final = 2
AFTER: Final = 1
"""Attacked checkpoints that a crossing needs on either side: with two before it the curve has a direction there."""

SATURATED: Final = 0.99
"""AUC of both methods beyond which the AUC does not tell them apart."""

MEMORIZATION: Final = "memorization"
"""What is compared beside the AUCs of attacks: counterfactual memorization, nats per token."""

BITS: Final = "memorized bits"
"""Bits of a text that a model has because it was trained on it: max(0, log₂ p of a model that was − log₂ p of one that
was not), each against its own mean validation loss; a mean over texts. They need no attack, and add up over texts.
Since none is below 0, how far two trainings differ by chance counts as some: they are above 0 where nothing is
memorized.
"""

STRONGEST: Final = "strongest attack"
"""What is compared under this name: the AUC of each method by the attack that is strongest against it, cross-fitted."""

Verdict = Literal["less", "more", "equivalent", "undecided", "refused"]
"""Of the first method against the second: it leaks less, more (the interval lies on one side of 0, however near), as
much within the margin (the interval holds 0, and TOST excludes the margin); all that is left open; or no difference can
be had honestly, for a reason.
"""


@final
@dataclass(frozen=True, slots=True)
class AtLevel:
    """What one method gives away at one level: `what` is the label of an attack (AUC) or `MEMORIZATION`."""

    what: str
    level: float
    estimate: Estimate


@final
@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a method first reaches a level: `epoch` is None where it never does, `loss` the loss it must reach."""

    level: float
    loss: float
    epoch: float | None


@final
@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point of the frontier of a method, along its training: `share` of the common reach, and the leakage there with
    the interval of the AUC at that epoch.

    `attacked`: a checkpoint that was attacked; the others lie on the curve between such.
    """

    share: float
    loss: float
    epoch: float
    auc: float
    low: float
    high: float
    attacked: bool


@final
@dataclass(frozen=True, slots=True)
class Standing:
    """One method in a comparison.

    * `gain`: L_base − min L, nats per token (on another axis of utility: its units).
    * `set_aside`: why it is compared with no other ("never gets there"); empty where it is.
    * `tied`: rates of its grid whose loss the data cannot tell from the chosen one's.
    * `last_part`: AUC of the primary attack at its lowest loss minus that at 95% of its own gain: what the last 5% of
      utility cost. None where it was not measured.
    * `warnings`: sentences that weaken what is said of it.
    """

    method: str
    learning_rate: float
    tied: tuple[float, ...]
    gain: Estimate
    set_aside: str
    crossings: tuple[Crossing, ...]
    found: tuple[AtLevel, ...]
    last_part: Estimate | None
    curve: tuple[CurvePoint, ...]
    warnings: tuple[str, ...] = ()

    def at(self, what: str, *, level: float = PRIMARY_LEVEL) -> Estimate | None:
        """What it gives away by one attack, or `MEMORIZATION`, at a level; None where that was not asked."""
        return next((one.estimate for one in self.found if (one.what, one.level) == (what, level)), None)


@final
@dataclass(frozen=True, slots=True)
class UnderRate:
    """A difference as it would be with another learning rate of one method, which the data cannot tell from the chosen
    one.
    """

    method: str
    learning_rate: float
    estimate: Estimate


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """The first method minus the second at equal utility: `estimate` with its 95% interval.

    * `what`: the label of an attack, `MEMORIZATION` or `STRONGEST`. `level`: None for the mean over [.8, .95].
    * `p_value`, `p_adjusted`: two-sided; the second after max-t over all attacks of this pair, equal to the first for
      what was asked alone. None where refused.
    * `equivalence_bound`: the smallest margin within which the two would be called equivalent at 5% (TOST).
    * `verdict` follows from `estimate` and `margin`; `reason` says why it is refused or what weakens it.
    * `outside`: share of bootstrap samples whose crossing lies where nothing was attacked.
    * `own_reach`: at a share of what these two methods have in common, and not of the reach of all.
    * `under_ties`: of the headlines at the primary level, the same under other rates that were attacked and do as well.
    """

    method: str
    other: str
    what: str
    level: float | None
    loss: float
    estimate: Estimate
    p_value: float | None
    p_adjusted: float | None
    equivalence_bound: float | None
    verdict: Verdict
    reason: str = ""
    outside: float = 0.0
    own_reach: bool = False
    under_ties: tuple[UnderRate, ...] = ()

    def seen_from(self, method: str) -> Difference:
        """This method of the pair minus the other one."""
        return self if self.method == method else self.turned

    @property
    def turned(self) -> Difference:
        """The same pair the other way round: the second method minus the first."""
        return replace(
            self,
            method=self.other,
            other=self.method,
            estimate=_turned(self.estimate),
            verdict=_TURNED.get(self.verdict, self.verdict),
            under_ties=tuple(replace(one, estimate=_turned(one.estimate)) for one in self.under_ties),
        )


def _turned(found: Estimate) -> Estimate:
    return replace(found, value=_minus(found.value), low=_minus(found.high), high=_minus(found.low))


def _minus(end: float | None) -> float | None:
    return None if end is None else 0.0 - end


_TURNED: Final[Mapping[Verdict, Verdict]] = {"less": "more", "more": "less"}


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """All methods of one base and corpus, compared at equal utility.

    * `utility`: `loss`, or the quantity of generated texts that stands for it.
    * `reach`: the common reach R; refused, with the reason, where fewer than two methods can be compared.
    * `at_rate`: the methods whose learning rate was held fixed: a verdict on one of them reads "at rate r".
    * `scope`: what the intervals cover: `retrainings`, or `these trainings` alone.
    * `resolution`: the smallest difference that this design decides with 80% power by the primary attack, AUC.
    * `warnings`: sentences on the whole design.
    """

    utility: str
    primary: str
    margin: float
    base_loss: float
    reach: Estimate
    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    at_rate: tuple[str, ...]
    scope: Literal["retrainings", "these trainings"]
    resolution: float | None
    warnings: tuple[str, ...] = ()

    def difference(
        self,
        method: str,
        other: str,
        *,
        what: str | None = None,
        level: float | None = PRIMARY_LEVEL,
        own_reach: bool = False,
    ) -> Difference | None:
        """One method against another, by the primary attack unless said otherwise; None where they were not compared.

        A pair is kept once: asked the other way round, the same pair is found.
        """
        asked = (what or self.primary, level, own_reach)
        found = [one for one in self.differences if (one.what, one.level, one.own_reach) == asked]
        pairs = {(one.method, one.other): one for one in found}
        return pairs.get((method, other)) or pairs.get((other, method))

    def over_attacks(self, method: str, other: str) -> dict[str, Difference]:
        """The differences of a pair by each attack at the primary level, without those that are refused."""
        found = [
            one
            for one in self.differences
            if {one.method, one.other} == {method, other}
            and one.what not in (MEMORIZATION, STRONGEST)
            and (one.level, one.own_reach) == (PRIMARY_LEVEL, False)
            and one.verdict != "refused"
        ]
        return {one.what: one for one in found}

    def under_some_attack(self, method: str, other: str, *, level: float = 0.05) -> tuple[str, ...]:
        """The attacks by which the pair differs after correction for their number (max-t at `level`)."""
        attacks = self.over_attacks(method, other).items()
        return tuple(what for what, one in attacks if one.p_adjusted is not None and one.p_adjusted < level)

    def under_all_attacks(self, method: str, other: str) -> bool:
        """Whether the pair differs by every attack, in one direction: each alone at 5% (an intersection-union test,
        Berger 1982, Technometrics 24(4)).
        """
        verdicts = {one.verdict for one in self.over_attacks(method, other).values()}
        return verdicts in ({"less"}, {"more"})
