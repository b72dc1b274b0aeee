"""Simulated studies put to the comparison, one number of each kept: what `operating_characteristics.py` counts.

Two methods, fast and slow, on one frontier or a known gap apart; one attack; the difference at equal utility beside
what the published ways of comparing make of the same study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL
from vestige.metrics.differences import difference
from vestige.metrics.evaluation import Evaluation, Settings
from vestige.metrics.intervals import Spread, group_part, spread, training_part
from vestige.metrics.trajectories import Arm, Inputs
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Floats
from vestige.testing.frontiers import Course, leaking_more, true_difference
from vestige.testing.trajectories import SimulatedStudy, Texts, Trainings, World, simulated_study

ATTACK = "attack"
PAIR = ("fast", "slow")
MARGIN = 0.05
"""AUC within which two methods count as equivalent."""

SAMPLES = 200
"""Bootstrap samples of a study; a real one has 1,000."""

EPOCHS = tuple(float(epoch) for epoch in np.geomspace(0.25, 6, 8))
SIX = tuple(float(epoch) for epoch in np.geomspace(0.25, 6, 6))
POOL, VALIDATION = Texts(500, 500), Texts(300, 300)
ARTICLES = (Texts(500, 46, spread=0.6), Texts(300, 46, spread=0.6))
FEW = (Texts(500, 26, spread=0.6), Texts(300, 10, spread=0.6))
TOO_FEW = (Texts(500, 12, spread=0.6), Texts(300, 8, spread=0.6))
LOW, MID, HIGH = 0.007, 0.015, 0.03

_LOWEST = 3.0

_TOKENS, _LEVEL, _NATS = 30.0, 3.0, 0.26
"""Of a text of the pool: its tokens, its loss in nats per token, and how many of these a d′ of 1 is worth: as many as
it is worth AUC at 90% of what can be won, so that the bars are alike.
"""

_SPEEDS = {"fast": 1.0, "slow": 0.55}
_FURTHER = {"third": 0.9, "fourth": 0.75, "fifth": 0.65, "sixth": 0.6}

# Rates of one method: how much faster they are, what they can win of the loss, how much more they leak there. The
# first two are nearly tied, and lie off one frontier: a study that picks the wrong one has picked another truth.
_RATES = {3e-4: (1.0, 1.0, 1.0), 1e-3: (1.0, 0.996, 1.1), 1e-4: (0.7, 0.98, 0.92)}


@dataclass(frozen=True)
class Design:
    """One way to run a study.

    * `gap`: by how much AUC the fast method truly leaks more at equal utility.
    * `methods`: those compared, the pair among them. `rates`: whether each has three learning rates.
    * `texts`: of the pool, and validation texts.
    * `what`: the attack's AUC, or memorization in nats per token; of the latter designs without a gap alone.
    """

    seeds: int = 3
    folds: int = 2
    noise: float = MID
    gap: float = 0.0
    methods: int = 2
    rates: bool = False
    texts: tuple[Texts, Texts] = (POOL, VALIDATION)
    epochs: tuple[float, ...] = EPOCHS
    level: float = PRIMARY_LEVEL
    what: str = ATTACK

    @cached_property
    def world(self) -> World:
        """The world that its studies are drawn from."""
        speeds = {**_SPEEDS, **dict(list(_FURTHER.items())[: self.methods - 2])}
        courses = {method: Course(lowest=_LOWEST / speed) for method, speed in speeds.items()}
        fast, slow = (courses[method] for method in PAIR)
        if self.gap:
            epochs = np.array(self.epochs)
            courses["fast"] = leaking_more(fast, by=self.gap, than=slow, level=self.level, epochs=epochs)
        return World(
            {method: _at_rates(course) if self.rates else {3e-4: course} for method, course in courses.items()},
            epochs=self.epochs,
            seeds=self.seeds,
            folds=self.folds,
            retraining=self.noise,
            pool=self.texts[0],
            validation=self.texts[1],
        )

    @cached_property
    def truth(self) -> float:
        """AUC of fast minus AUC of slow at equal utility, each at its best rate, on the noiseless curves."""
        fast, slow = (self._best(method) for method in PAIR)
        return true_difference(fast, slow, level=self.level, epochs=np.array(self.epochs))

    def _best(self, method: str) -> Course:
        courses = self.world.courses[method].values()
        return max(courses, key=lambda course: course.gain * float(course.share(np.array(self.epochs)).max()))


DESIGNS: Mapping[str, Design] = {
    "3-seeds": Design(),
    "3-seeds-gap-03": Design(gap=0.03),
    "3-seeds-gap-05": Design(gap=0.05),
    "3-seeds-gap-10": Design(gap=0.10),
    "5-seeds": Design(seeds=5),
    "5-seeds-gap-03": Design(seeds=5, gap=0.03),
    "5-seeds-gap-05": Design(seeds=5, gap=0.05),
    "5-seeds-gap-10": Design(seeds=5, gap=0.10),
    "2-seeds": Design(seeds=2),
    "1-seed": Design(seeds=1),
    "1-seed-gap-05": Design(seeds=1, gap=0.05),
    "1-seed-high-noise": Design(seeds=1, noise=HIGH),
    "2-seeds-high-noise": Design(seeds=2, noise=HIGH),
    "1-seed-6-methods": Design(seeds=1, methods=6),
    "1-seed-1-fold": Design(seeds=1, folds=1),
    "3-seeds-low-noise": Design(noise=LOW),
    "3-seeds-high-noise": Design(noise=HIGH),
    "5-seeds-high-noise": Design(seeds=5, noise=HIGH),
    "3-seeds-2000-texts": Design(texts=(Texts(2000, 2000), VALIDATION)),
    "5-seeds-1000-texts": Design(seeds=5, texts=(Texts(1000, 1000), VALIDATION)),
    "3-seeds-46-articles": Design(texts=ARTICLES),
    "3-seeds-46-articles-gap-05": Design(texts=ARTICLES, gap=0.05),
    "5-seeds-46-articles": Design(seeds=5, texts=ARTICLES),
    "3-seeds-10-groups": Design(texts=FEW),
    "3-seeds-6-groups": Design(texts=TOO_FEW),
    "3-seeds-rates": Design(rates=True),
    "1-seed-rates": Design(seeds=1, rates=True),
    "3-seeds-6-methods": Design(methods=6),
    "3-seeds-6-checkpoints": Design(epochs=SIX),
    "5-seeds-6-checkpoints-95": Design(seeds=5, epochs=SIX, level=0.95),
    "3-seeds-80": Design(level=0.8),
    "3-seeds-95": Design(level=0.95),
    "3-seeds-memorization": Design(what=MEMORIZATION),
    "1-seed-memorization": Design(seeds=1, what=MEMORIZATION),
    "3-seeds-46-articles-memorization": Design(texts=ARTICLES, what=MEMORIZATION),
}


@dataclass(frozen=True)
class Compared:
    """A difference as one way of comparing has it: value, half-width of its 95% interval, and of the 90% one."""

    value: float
    half: float
    half_90: float

    @classmethod
    def of(cls, value: float, within: Spread) -> Compared:
        return cls(value, within.reach(0.95), within.reach(0.9))


@dataclass(frozen=True)
class Judged:
    """One study: `refused` and `reserve` as the rules have it; `signature` says how the number was made."""

    equal_utility: Compared
    equal_epochs: Compared
    best: Compared
    refused: str
    reserve: str
    signature: str


def judged(design: Design, *, study: int) -> Judged:
    """The study of that number, compared in three ways; the same number gives the same study."""
    what, level = design.what, design.level
    inputs = inputs_of(simulated_study(design.world, seed=study))
    settings = Settings(ATTACK, levels=tuple({PRIMARY_LEVEL, level}), bootstrap=_bootstrap(study))
    evaluation = Evaluation(inputs, settings)
    one = difference(evaluation, PAIR, what=what, level=level)
    numbers = evaluation.numbers(what, level)
    number = numbers[PAIR[0]].minus(numbers[PAIR[1]])
    within = evaluation.spread(number, evaluation.retraining(what, level).of_difference(*PAIR))
    lowest = [_knot_of_lowest(evaluation, method) for method in PAIR]
    return Judged(
        equal_utility=Compared.of(number.value, within),
        equal_epochs=_at_knots(evaluation, [lowest[0]] * 2, what=what),
        best=_at_knots(evaluation, lowest, what=what),
        refused=one.reason if one.verdict == "refused" else "",
        reserve="" if one.verdict == "refused" else one.reason,
        signature=one.estimate.signature.replace(f"|seed:{study}", ""),
    )


def inputs_of(study: SimulatedStudy) -> Inputs:
    """A simulated study as the comparison takes it: every checkpoint attacked; the attack is a text's loss, turned."""
    pool = study.pool_groups
    return Inputs(
        base=np.column_stack([study.base_losses, study.tokens]),
        validation_groups=study.validation_groups,
        pool_groups=pool,
        pool_tokens=np.full(len(pool), _TOKENS),
        seeds=study.seeds,
        is_member=study.is_member,
        attacks=(ATTACK,),
        arms=tuple(_arm(one, study) for one in study.trainings),
    )


def _arm(one: Trainings, study: SimulatedStudy) -> Arm:
    tokens = np.broadcast_to(study.tokens, one.losses.shape)
    return Arm(
        one.method,
        one.learning_rate,
        epochs=study.epochs,
        utility=np.stack([one.losses, tokens], axis=-1),
        attacked=np.arange(len(study.epochs)),
        scores={ATTACK: one.scores},
        pool_losses=_TOKENS * (_LEVEL - _NATS * one.scores),
        levels=np.full(one.scores.shape[:2], _LEVEL),
    )


def _bootstrap(study: int) -> Bootstrap:
    return Bootstrap(samples=SAMPLES, seed=study)


def _at_rates(course: Course) -> dict[float, Course]:
    return {
        rate: Course(course.lowest / speed, course.gain * gain, course.leak * leak)
        for rate, (speed, gain, leak) in _RATES.items()
    }


def _knot_of_lowest(evaluation: Evaluation, method: str) -> int:
    places = evaluation.ground.points
    return 1 + int(np.argmin(places.trajectories[int(places.chosen(method)[0])].cost.y[1:, 0]))


def _at_knots(evaluation: Evaluation, knots: list[int], *, what: str) -> Compared:
    """The pair, each at a checkpoint of its own, with an interval over texts and trainings."""
    leak, places = evaluation.leaks[what], evaluation.ground.points
    arms = [int(places.chosen(method)[0]) for method in PAIR]
    both = list(zip(arms, knots, strict=True))
    points = _minus([leak.shown(leak.points(arm)[knot]) for arm, knot in both])
    pool = _minus([leak.shown(leak.resampled(arm, np.array([knot]))[0, :SAMPLES]) for arm, knot in both])
    training = [training_part(points[1:].tolist())] if len(points) > 2 else []
    return Compared.of(float(points[0]), spread([group_part(pool, groups=evaluation.groups[0]), *training]))


def _minus(values: list[Floats]) -> Floats:
    return values[0] - values[1]
