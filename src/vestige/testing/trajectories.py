"""Simulated studies of methods whose true frontiers are known: what scoring passes would have read off each training.

A text's score is a unit normal, raised by d′ of its cell for members, in four parts: how easy the text is for every
model, for a method, for a training and for a checkpoint. A validation text's loss falls by what the training has won,
more or less by text, by text and method and by training. Every part has a share that the texts of a group have in
common. Trainings of one method differ in speed, which moves them along the frontier, and by retraining noise, which
moves them off it. The shares are such that intervals come out as wide as on the real design (docs/results/
operating-characteristics.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from scipy.stats import norm

from vestige.records import Bools, Floats, Fold, Ints
from vestige.testing.frontiers import Course

FOLDS: Final[tuple[Fold, Fold]] = ("A", "B")

_EASE, _OF_METHOD, _OF_TRAINING, _OF_CHECKPOINT = 0.55, 0.14, 0.21, 0.10
"""Parts of the variance of a score."""

_HARD, _GAINS, _GAINS_OF_METHOD, _GAINS_OF_TRAINING = 0.9, 0.5, 0.11, 0.1
"""SD over texts: of the base's loss, nats per token; of what is won, as a share of it."""

_SPEED = 0.05
"""SD of log speed over trainings."""

_STREAM = 14
"""First word of the seed sequence: NumPy takes 5 and [5, 0] for one, and bootstraps draw from the latter."""

_KNEE = 0.62
"""d′ at 90% of what can be won: where the retraining noise is stated."""


@final
@dataclass(frozen=True)
class Texts:
    """So many texts in so many groups, of which each has at least one text; `spread`: SD of the log of their sizes."""

    texts: int
    groups: int
    spread: float = 0.0

    def sizes(self, generator: np.random.Generator) -> Ints:
        """Texts of each group, shape (groups,)."""
        shares = np.exp(self.spread * generator.normal(size=self.groups))
        ends = np.rint(np.cumsum(shares) / shares.sum() * (self.texts - self.groups)).astype(np.int64)
        sizes: Ints = 1 + np.diff(ends, prepend=0)
        return sizes


@final
@dataclass(frozen=True)
class World:
    """One design and what is true of its methods.

    * `courses`: label of a method → learning rate → its course.
    * `epochs`: of the checkpoints, ascending.
    * `retraining`: SD of a training's AUC at equal utility, around the AUC of its method.
    * `of_group`: share of each part of a text that its group has in common.
    """

    courses: Mapping[str, Mapping[float, Course]]
    epochs: tuple[float, ...]
    seeds: int = 3
    folds: int = 2
    pool: Texts = Texts(500, 500)
    validation: Texts = Texts(300, 300)
    retraining: float = 0.015
    of_group: float = 0.2


@final
@dataclass(frozen=True, eq=False)
class Trainings:
    """One method at one learning rate, on every seat.

    * `losses`: −Σ log p of each validation text, nats, shape (seats, checkpoints, validation texts).
    * `scores`: of one attack, shape (seats, checkpoints, pool texts).
    """

    method: str
    learning_rate: float
    losses: Floats = field(repr=False)
    scores: Floats = field(repr=False)


@final
@dataclass(frozen=True, eq=False)
class SimulatedStudy:
    """What a study of a world has measured.

    * `seeds`, `folds`: of each seat, shape (seats,); `is_member`: shape (seats, pool texts).
    * `pool_groups`, `validation_groups`: group of each text.
    * `tokens`, `base_losses`: tokens of each validation text, and −Σ log p of it under the base.
    """

    epochs: Floats
    seeds: Ints
    folds: tuple[Fold, ...]
    is_member: Bools
    pool_groups: Ints
    validation_groups: Ints
    tokens: Ints
    base_losses: Floats
    trainings: tuple[Trainings, ...]


def simulated_study(world: World, *, seed: int) -> SimulatedStudy:
    """One study of a world; the same seed gives the same study."""
    generator = np.random.default_rng([_STREAM, seed])
    pool = np.repeat(np.arange(world.pool.groups), world.pool.sizes(generator))
    validation = np.repeat(np.arange(world.validation.groups), world.validation.sizes(generator))
    is_member = np.vstack([_halves(pool, folds=world.folds, generator=generator) for _ in range(world.seeds)])
    tokens = np.maximum(np.rint(30 * np.exp(0.4 * generator.normal(size=len(validation)))), 1).astype(np.int64)
    scores = _Parts(pool, of_group=world.of_group, generator=generator)
    losses = _Parts(validation, of_group=world.of_group, generator=generator)
    ease, gains = scores.draw(_EASE**0.5), losses.draw(_GAINS)
    hard = 3.0 + losses.draw(_HARD)
    trainings = []
    for method, rates in world.courses.items():
        ease_of_method = ease + scores.draw(_OF_METHOD**0.5)
        gains_of_method = 1 + gains + losses.draw(_GAINS_OF_METHOD)
        for rate, course in rates.items():
            runs = _Runs.of(course, world=world, seats=len(is_member), generator=generator)
            noise = scores.draw(_OF_TRAINING**0.5, (len(is_member), 1))
            noise = noise + scores.draw(_OF_CHECKPOINT**0.5, runs.separations.shape)
            raised = ease_of_method + noise + runs.separations[:, :, None] * is_member[:, None, :]
            won = gains_of_method + losses.draw(_GAINS_OF_TRAINING, (len(is_member), 1))
            left = (hard - course.gain * runs.shares[:, :, None] * won) * tokens
            trainings.append(Trainings(method, rate, losses=left, scores=raised))
    return SimulatedStudy(
        epochs=np.array(world.epochs),
        seeds=np.repeat(np.arange(world.seeds), world.folds),
        folds=FOLDS[: world.folds] * world.seeds,
        is_member=is_member,
        pool_groups=pool,
        validation_groups=validation,
        tokens=tokens,
        base_losses=hard * tokens,
        trainings=tuple(trainings),
    )


@final
@dataclass(frozen=True)
class _Runs:
    """How the trainings of one arm went: shares of the gain, and d′; shape (seats, checkpoints)."""

    shares: Floats
    separations: Floats

    @classmethod
    def of(cls, course: Course, *, world: World, seats: int, generator: np.random.Generator) -> _Runs:
        speed = np.exp(_SPEED * generator.normal(size=(seats, 1)))
        # d′ is moved in proportion, so that nothing leaks before training; Φ(d′/√2) has the slope φ(d′/√2)/√2.
        spread = world.retraining / (_KNEE * norm.pdf(_KNEE / np.sqrt(2)) / np.sqrt(2))
        off = 1 + spread * generator.normal(size=(seats, 1))
        epochs = np.array(world.epochs)
        return cls(course.share(epochs, speed=speed), off * course.separation(epochs, speed=speed))


@final
@dataclass(frozen=True)
class _Parts:
    """Draws normal parts of texts, of which a share belongs to their group."""

    groups: Ints
    of_group: float
    generator: np.random.Generator

    def draw(self, spread: float, shape: tuple[int, ...] = ()) -> Floats:
        """SD `spread`, shape (*shape, texts)."""
        own = self.generator.normal(size=(*shape, len(self.groups)))
        shared = self.generator.normal(size=(*shape, self.groups.max() + 1))[..., self.groups]
        drawn: Floats = spread * (np.sqrt(1 - self.of_group) * own + np.sqrt(self.of_group) * shared)
        return drawn


def _halves(groups: Ints, *, folds: int, generator: np.random.Generator) -> Bools:
    """Who is trained on in each fold of a seed, shape (folds, texts): whole groups, about half of the texts."""
    sizes = np.bincount(groups)
    order = generator.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order] / 2
    first = np.isin(groups, order[before < len(groups) / 2])
    return np.vstack([first, ~first])[:folds]
