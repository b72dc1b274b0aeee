"""What a comparison is made of: every arm of one base and corpus along its training, text by text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np

from vestige.metrics.measures import Measure
from vestige.records import Bools, Floats, Ints, Texts


@final
@dataclass(frozen=True, eq=False)
class Axis:
    """What methods are held equal on: counts of each text that add up, and the quantity that follows from their sums.

    * `name`: `loss`, or a quantity of generated texts.
    * `score`: sums of counts, shape (…, counts) → the quantity, shape (…).
    """

    name: str
    score: Callable[[Floats], Floats]
    higher_is_better: bool

    def cost(self, counts: Floats) -> Floats:
        """The quantity, or minus it where higher is better, so that lower always is."""
        return -self.score(counts) if self.higher_is_better else self.score(counts)

    def shown(self, cost: float) -> float:
        """The quantity of a cost, as people know it."""
        return -cost if self.higher_is_better else cost


def _mean_loss(counts: Floats) -> Floats:
    means: Floats = counts[..., 0] / counts[..., 1]
    return means


LOSS: Final = Axis("loss", _mean_loss, higher_is_better=False)
"""Validation loss, nats per token. Counts of a text: the sum of −logp over its scored tokens, and their number."""


def axis_of(name: str, measure: Measure) -> Axis:
    """The axis of a quantity of generated texts; counts of a text are those of `measure.count`."""

    def score(counts: Floats) -> Floats:
        scores: Floats = np.apply_along_axis(measure.score, -1, counts)
        return scores

    return Axis(name, score, higher_is_better=True)


@final
@dataclass(frozen=True, eq=False)
class Arm:
    """One method at one learning rate, along its training, on every seat.

    * `epochs`: shape (checkpoints,), rising and above 0: those whose utility was measured.
    * `utility`: shape (seats, checkpoints, texts, counts), counts of the axis on the validation texts; NaN on a seat
      that was not trained, which only a rate that was searched and not chosen may have.
    * `start`: shape (seats, texts, counts), the same at epoch 0 where attaching the method changes the model; None
      where it begins as the base.
    * `attacked`: shape (attacked,), rising: which of `epochs` were attacked; empty for a rate that was searched alone.
    * `scores`: attack → shape (seats, attacked, pool texts), higher = more likely a member, NaN where the attack has no
      score; a text without one anywhere, in any arm, is left out of that attack everywhere.
    * `pool_losses`: shape (seats, attacked, pool texts), the sum of −logp over the scored tokens of the plain text,
      nats. None leaves memorization out.
    * `levels`: shape (seats, attacked): the validation loss of each of these models, nats per token, which is taken
      off its pool losses.
    """

    method: str
    learning_rate: float
    epochs: Floats
    utility: Floats
    attacked: Ints
    scores: dict[str, Floats]
    start: Floats | None = None
    pool_losses: Floats | None = None
    levels: Floats | None = None


@final
@dataclass(frozen=True, eq=False)
class Inputs:
    """All arms of one base and corpus.

    * `base`: shape (texts, counts): counts of the axis for the base as it came, on the validation texts.
    * `validation_groups`: shape (texts,); `pool_groups`: shape (pool texts,): what is drawn as one, never empty
      (`own_groups`).
    * `pool_tokens`: shape (pool texts,), scored tokens of each.
    * `seeds`: shape (seats,), the seed of each seat; two seats of a seed are its folds.
    * `is_member`: shape (seats, pool texts), what each seat was trained on; in the two folds of a seed each text once.
    * `attacks`: their labels, the primary one among them.
    * `arms`: a method may have several, one for each learning rate; those with attacks may be chosen.

    ValueError where shapes disagree.
    """

    base: Floats
    validation_groups: Texts | Ints
    pool_groups: Texts | Ints
    pool_tokens: Floats
    seeds: Ints
    is_member: Bools
    attacks: tuple[str, ...]
    arms: tuple[Arm, ...]
    axis: Axis = LOSS

    def __post_init__(self) -> None:
        seats, pool = self.is_member.shape
        texts, counts = self.base.shape
        self._expect("pool_groups", self.pool_groups, (pool,))
        self._expect("pool_tokens", self.pool_tokens, (pool,))
        self._expect("seeds", self.seeds, (seats,))
        self._expect("validation_groups", self.validation_groups, (texts,))
        if not self.arms or not self.attacks:
            raise ValueError("expected one or more arms and attacks")
        for arm in self.arms:
            self._expect_of(arm, "utility", arm.utility, (seats, len(arm.epochs), texts, counts))
            if not (np.diff(arm.epochs) > 0).all() or not (arm.epochs > 0).all():
                raise ValueError(f"{_name(arm)}: expected epochs above 0 that rise, got {arm.epochs}")
            if arm.start is not None:
                self._expect_of(arm, "start", arm.start, (seats, texts, counts))
            attacked = (seats, len(arm.attacked))
            for attack in self.attacks if len(arm.attacked) else ():
                self._expect_of(arm, f"scores of {attack}", arm.scores[attack], (*attacked, pool))
            if arm.pool_losses is not None and arm.levels is not None:
                self._expect_of(arm, "pool_losses", arm.pool_losses, (*attacked, pool))
                self._expect_of(arm, "levels", arm.levels, attacked)
        for method in {arm.method for arm in self.arms}:
            if not any(len(arm.attacked) for arm in self.arms if arm.method == method):
                raise ValueError(f"method {method!r}: no arm of it was attacked")

    @cached_property
    def units(self) -> list[Ints]:
        """The seats of each independent replication: of each seed, or with one seed of each fold; none with one."""
        if len(np.unique(self.seeds)) > 1:
            return [np.flatnonzero(self.seeds == seed) for seed in np.unique(self.seeds)]
        return [np.array([seat]) for seat in range(len(self.seeds))] if len(self.seeds) > 1 else []

    @cached_property
    def mixing(self) -> Floats:
        """What each seat weighs in a column, shape (1 + units, seats): the mean over folds, then seeds; and units."""
        rows = np.zeros((1 + len(self.units), len(self.seeds)))
        for seed in np.unique(self.seeds):
            own = self.seeds == seed
            rows[0, own] = 1 / own.sum() / len(np.unique(self.seeds))
        for row, seats in zip(rows[1:], self.units, strict=True):
            row[seats] = 1 / len(seats)
        return rows

    @cached_property
    def scored(self) -> dict[str, Bools]:
        """The texts of each attack, shape (pool texts,): those that it scores on all seats, checkpoints and arms."""
        attacked = [arm for arm in self.arms if len(arm.attacked)]
        return {
            attack: np.all([np.isfinite(arm.scores[attack]).all(axis=(0, 1)) for arm in attacked], axis=0)
            for attack in self.attacks
        }

    def _expect_of(self, arm: Arm, what: str, array: Floats, shape: tuple[int, ...]) -> None:
        self._expect(f"{_name(arm)}: {what}", array, shape)

    @staticmethod
    def _expect(what: str, array: Floats | Ints | Texts, shape: tuple[int, ...]) -> None:
        if array.shape != shape:
            raise ValueError(f"{what}: expected shape {shape}, got {array.shape}")


def _name(arm: Arm) -> str:
    return f"{arm.method} at rate {arm.learning_rate:g}"
