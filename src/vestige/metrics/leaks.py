"""What an arm gives away at its attacked checkpoints: an attack's AUC, or memorization, in every column.

On the scale in which it is joined to a curve, and back. Bootstrap samples are the dear part, so that a checkpoint's are
made when something first asks for them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from vestige.metrics.comparison import BITS, MEMORIZATION
from vestige.metrics.counterfactual import KnownTexts, mean_memorization
from vestige.metrics.frontier import auc_of, d_prime
from vestige.metrics.resampled_auc import Weights, resampled_auc
from vestige.metrics.roc import weighted_auc
from vestige.metrics.trajectories import Arm, Inputs
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Floats, Ints

HALVINGS = 10
"""Times that the groups of the pool are cut in two halves."""

_HALVING_STREAM = 3

_BLOCK = 2**20
"""Weights of texts held at a time."""


@final
@dataclass(frozen=True, eq=False)
class PoolWeights:
    """How much each group of the pool weighs: in every bootstrap sample, then in every half of a halving.

    `weights`: shape (groups, samples + 2 · halvings). `rows`: shape (pool texts,), the group of each text.
    """

    weights: Weights
    rows: Ints
    samples: int

    @classmethod
    def of(cls, inputs: Inputs, bootstrap: Bootstrap) -> PoolWeights:
        """The draws that every estimate on this pool shares."""
        names, rows = np.unique(inputs.pool_groups, return_inverse=True)
        drawn = np.vstack(list(bootstrap.draws(len(names), of="pool")))
        generator = np.random.default_rng([bootstrap.seed, _HALVING_STREAM])
        first = np.array([generator.permutation(len(names)) % 2 for _ in range(HALVINGS)])
        halves = np.stack([first, 1 - first], axis=1).reshape(2 * HALVINGS, len(names))
        weights = np.ascontiguousarray(np.vstack([drawn, halves]).T, dtype=np.float32)
        return cls(weights, rows, samples=bootstrap.samples)

    def by_text(self) -> Iterator[Floats]:
        """The weights of the texts, blocks of shape (rows, pool texts)."""
        step = max(1, _BLOCK // len(self.rows))
        for start in range(0, self.weights.shape[1], step):
            yield self.weights[:, start : start + step].T[:, self.rows].astype(np.float64)


class Leak(ABC):
    """One quantity of all arms. Knot 0 is epoch 0, where nothing is given away; the others are attacked checkpoints."""

    def __init__(self, name: str, inputs: Inputs, pool: PoolWeights) -> None:
        self.name = name
        self._inputs = inputs
        self._pool = pool
        self._kept: dict[tuple[int, int], Floats] = {}

    @abstractmethod
    def points(self, arm: int) -> Floats:
        """The study and its units, shape (knots, 1 + units)."""

    def resampled(self, arm: int, knots: Ints) -> Floats:
        """Samples and halves of the study at some knots, shape (len(knots), samples + 2 · halvings)."""
        return np.array([self._at(arm, int(knot)) for knot in knots])

    def _at(self, arm: int, knot: int) -> Floats:
        if knot == 0:
            return np.zeros(self._pool.weights.shape[1])
        if (arm, knot) not in self._kept:
            self._kept[arm, knot] = self._resampled(self._inputs.arms[arm], knot - 1)
        return self._kept[arm, knot]

    @abstractmethod
    def shown(self, values: Floats) -> Floats:
        """From the scale of curves back to the quantity."""

    @abstractmethod
    def _resampled(self, arm: Arm, checkpoint: int) -> Floats:
        """At one attacked checkpoint, shape (samples + 2 · halvings,)."""


@final
class AucLeak(Leak):
    """The AUC of one attack, joined as d′."""

    def __init__(self, name: str, inputs: Inputs, pool: PoolWeights) -> None:
        super().__init__(name, inputs, pool)
        self._scored = inputs.scored[name]
        self._is_member = inputs.is_member[:, self._scored]
        self._rows = pool.rows[self._scored]

    @cached_property
    def _smaller_class(self) -> int:
        members = self._is_member.sum(axis=1)
        return max(1, int(min(members.min(), (self._is_member.shape[1] - members).min())))

    def shown(self, values: Floats) -> Floats:
        return auc_of(values)

    def points(self, arm: int) -> Floats:
        scores = self._inputs.arms[arm].scores[self.name][:, :, self._scored]
        once = np.ones((1, scores.shape[2]))
        aucs = [
            [weighted_auc(at, is_member=own, weights=once)[0] for at in seat]
            for seat, own in zip(scores, self._is_member, strict=True)
        ]
        mixed = d_prime(np.array(aucs).T @ self._inputs.mixing.T, texts=self._smaller_class)
        return np.vstack([np.zeros((1, mixed.shape[1])), mixed])

    def _resampled(self, arm: Arm, checkpoint: int) -> Floats:
        scores = arm.scores[self.name][:, checkpoint, self._scored]
        aucs = [
            resampled_auc(one, is_member=own, rows=self._rows, weights=self._pool.weights)
            for one, own in zip(scores, self._is_member, strict=True)
        ]
        return d_prime(self._inputs.mixing[0] @ np.array(aucs), texts=self._smaller_class)


class _LossLeak(Leak, ABC):
    """What is read off the losses of the pool, joined as it is."""

    def shown(self, values: Floats) -> Floats:
        return values

    def points(self, arm: int) -> Floats:
        own = self._inputs.arms[arm]
        values = [self._columns(own, at) for at in range(len(own.attacked))]
        return np.vstack([np.zeros((1, len(self._inputs.mixing))), *values])

    @abstractmethod
    def _columns(self, arm: Arm, checkpoint: int) -> Floats:
        """The study and its units at one attacked checkpoint, shape (1 + units,)."""


@final
class MemorizationLeak(_LossLeak):
    """Counterfactual memorization, nats per token (`mean_memorization`); of a fold alone on the texts that it was
    trained on.
    """

    def __init__(self, inputs: Inputs, pool: PoolWeights) -> None:
        super().__init__(MEMORIZATION, inputs, pool)

    @staticmethod
    def refusal(inputs: Inputs) -> str:
        """Why there is none, or an empty string."""
        if any(arm.pool_losses is None or arm.levels is None for arm in inputs.arms if len(arm.attacked)):
            return "the losses of the pool were not given"
        folds = [np.flatnonzero(inputs.seeds == seed) for seed in np.unique(inputs.seeds)]
        if any(len(pair) != 2 or (inputs.is_member[pair].sum(axis=0) != 1).any() for pair in folds):
            return (
                "it takes both folds of every seed (folds = 2): each text with a model that saw it and one that did not"
            )
        return ""

    def _columns(self, arm: Arm, checkpoint: int) -> Floats:
        known = self._known(arm, checkpoint)
        every = np.ones((1, len(known.tokens)))
        values = [mean_memorization(known, every)]
        for seats in self._inputs.units:
            seed = known.seeds[seats[0]]
            weights = every if len(seats) > 1 else known.is_member[seats].astype(np.float64)
            values.append(mean_memorization(known.of_seed(seed), weights))
        return np.concatenate(values)

    def _resampled(self, arm: Arm, checkpoint: int) -> Floats:
        known = self._known(arm, checkpoint)
        return np.concatenate([mean_memorization(known, weights) for weights in self._pool.by_text()])

    def _known(self, arm: Arm, checkpoint: int) -> KnownTexts:
        assert arm.pool_losses is not None
        assert arm.levels is not None
        seeds = tuple(self._inputs.seeds.tolist())
        losses, levels = arm.pool_losses[:, checkpoint], arm.levels[:, checkpoint]
        return KnownTexts(losses, self._inputs.pool_tokens, self._inputs.is_member, levels, seeds)


@final
class BitsLeak(_LossLeak):
    """Memorized bits of a text, on average over the texts of the pool; of a fold alone over those that it was trained
    on. Which texts can be told is what `MemorizationLeak.refusal` says.
    """

    def __init__(self, inputs: Inputs, pool: PoolWeights) -> None:
        super().__init__(BITS, inputs, pool)

    def _columns(self, arm: Arm, checkpoint: int) -> Floats:
        bits, seeds = self._bits(arm, checkpoint), np.unique(self._inputs.seeds)
        values = [bits.mean()]
        for seats in self._inputs.units:
            of_seed = bits[np.flatnonzero(seeds == self._inputs.seeds[seats[0]])[0]]
            kept = slice(None) if len(seats) > 1 else self._inputs.is_member[seats[0]]
            values.append(of_seed[kept].mean())
        return np.array(values)

    def _bits(self, arm: Arm, checkpoint: int) -> Floats:
        """Of each text in each seed, shape (seeds, texts): the fold that left it out against the one that did not."""
        assert arm.pool_losses is not None
        assert arm.levels is not None
        rows = []
        for seed in np.unique(self._inputs.seeds):
            pair = np.flatnonzero(self._inputs.seeds == seed)
            losses, inside = arm.pool_losses[pair, checkpoint], self._inputs.is_member[pair]
            against = losses - arm.levels[pair, checkpoint][:, None] * self._inputs.pool_tokens
            gained = np.where(inside, -against, against).sum(axis=0)
            rows.append(np.maximum(0.0, gained) / np.log(2))
        return np.array(rows)

    def _resampled(self, arm: Arm, checkpoint: int) -> Floats:
        bits = self._bits(arm, checkpoint).mean(axis=0)
        return np.concatenate([weights @ bits / weights.sum(axis=1) for weights in self._pool.by_text()])
