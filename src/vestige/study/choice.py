"""What the results of a study have decided by now: the best rates and epochs, and which attacks can be judged.

The only reader of results during a run. It is asked between the waves, and remembers what it has read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from vestige.attacks.base import Attack
from vestige.errors import StoreError
from vestige.metrics.crossings import LossCurve, checkpoints_to_attack, most_to_attack
from vestige.records import Role
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.attacked import learns_from
from vestige.study.catalogue import Catalogue
from vestige.study.grid import Arm, Checkpoint, Pair, Seat
from vestige.study.stages.estimates import estimates_of
from vestige.study.stages.train import trained_of
from vestige.tuning.methods.base import Method


@final
class Choice:
    """What has been chosen, from what the store holds by now.

    With `guess` what is not known yet is taken to be the first of its grid, which costs the same: for forecasts.
    """

    def __init__(self, catalogue: Catalogue, store: Store, *, guess: bool = False) -> None:
        self.catalogue = catalogue
        self.grid = catalogue.grid
        self._store = store
        self._guess = guess
        self._losses: dict[str, float] = {}

    # Learning rates

    def search_losses(self, arm: Arm) -> dict[float, float]:
        """The validation losses of a searched arm, by epoch, as far as they are known."""
        return self._known_losses(arm, self.grid.search_seats)

    def search_loss(self, arm: Arm) -> float | None:
        """The lowest of them; None where there is none (yet)."""
        return min(self.search_losses(arm).values(), default=None)

    def best(self, pair: Pair, method: Method) -> Arm | None:
        """The arm of a method with the lowest validation loss; None where the search has not finished or all of it
        failed. StoreError where what the search found is damaged.
        """
        arms = [arm for arm in self.grid.arms(pair) if arm.method == method]
        if len(arms) == 1:
            return arms[0]
        losses = {arm: loss for arm in arms if (loss := self.search_loss(arm)) is not None}
        return min(losses, key=losses.__getitem__, default=arms[0] if self._guess else None)

    def chosen(self, pair: Pair) -> list[Arm]:
        """The arms that go on to every seat.

        A method whose search is damaged in the store is left out: the rest of its rates must not be taken for all of
        them. Whoever runs the search names the file.
        """
        if self.grid.study.training.search == "all":
            return self.grid.arms(pair)
        best = [self._undamaged_best(pair, method) for method in self.grid.study.method]
        return [arm for arm in best if arm is not None]

    def settled(self, pair: Pair, label: str) -> Arm | None:
        """The best arm of the method of that label; None where its search has chosen nothing (yet), or is damaged."""
        return self._undamaged_best(pair, next(one for one in self.grid.study.method if one.label == label))

    def _undamaged_best(self, pair: Pair, method: Method) -> Arm | None:
        with contextlib.suppress(StoreError):
            return self.best(pair, method)
        return None

    # Epochs

    def best_epoch(self, arm: Arm) -> float | None:
        """The checkpoint of an arm's lowest validation loss over all seats; None where none is known yet."""
        losses = self._known_losses(arm, self.grid.seats)
        return min(losses, key=losses.__getitem__, default=None)

    def best_checkpoint(self, pair: Pair, method: Method) -> tuple[Arm, float] | None:
        """The arm and epoch of a method's lowest validation loss; None where nothing is measured yet."""
        arm = self.best(pair, method)
        epoch = None if arm is None else self.best_epoch(arm)
        return None if arm is None or epoch is None else (arm, epoch)

    def attacked_epochs(self, arm: Arm) -> list[float]:
        """The checkpoints of an arm that are attacked, in order: all, or those that the study lists; with `at =
        "shown"` the best and the last, with `at = "crossing"` those next to its crossings besides. As long as the
        validation losses are not known, or where their file is damaged, as many as these can be at most.
        """
        epochs, at = self.grid.epochs, self.grid.study.attacks.at
        if at == "all":
            return list(epochs)
        if not isinstance(at, str):
            return sorted(at)
        if at == "crossing":
            return sorted(self._next_to_crossings(arm))
        best = None
        with contextlib.suppress(StoreError):
            best = self.best_epoch(arm)
        return sorted({epochs[0] if best is None else best, epochs[-1]})

    def _next_to_crossings(self, arm: Arm) -> Sequence[float]:
        """Where an arm's loss crosses the levels at which the methods of its pair are compared, its best and last."""
        base, known = self._base_loss(arm.pair), {one: self._readable_losses(one) for one in self.chosen(arm.pair)}
        if base is None or not known.get(arm):
            return most_to_attack(self.grid.epochs)
        curves = {one: self._curve(one, losses) for one, losses in known.items() if losses}
        return dict(zip(curves, checkpoints_to_attack([*curves.values()], base_loss=base), strict=True))[arm]

    def _base_loss(self, pair: Pair) -> float | None:
        with contextlib.suppress(StoreError):
            return self._loss(self.catalogue.utility(Arm(*pair), None, self.grid.seats))
        return None

    def _curve(self, arm: Arm, losses: Mapping[float, float]) -> LossCurve:
        assert arm.method is not None
        start = None
        if not arm.method.starts_as_base:
            with contextlib.suppress(StoreError):
                start = self._loss(self.catalogue.utility(arm, 0.0, self.grid.seats))
        return LossCurve(arm.method.label, np.array([*losses]), np.array([*losses.values()]), start=start)

    def _readable_losses(self, arm: Arm) -> dict[float, float]:
        """Those of an arm over all seats; none where a file is damaged, which the run names."""
        with contextlib.suppress(StoreError):
            return self._known_losses(arm, self.grid.seats)
        return {}

    def _known_losses(self, arm: Arm, seats: list[Seat]) -> dict[float, float]:
        tasks = {epoch: self.catalogue.utility(arm, epoch, seats) for epoch in self.grid.epochs}
        return {epoch: loss for epoch, task in tasks.items() if (loss := self._loss(task)) is not None}

    def _loss(self, utility: Task) -> float | None:
        """The validation loss that a utility task found; None where it is not done, or refused."""
        if utility.address not in self._losses and self._store.is_done(utility.address):
            found = estimates_of(self._store, utility.address)
            loss = next(one.estimate.value for one in found if one.quantity == "loss")
            if loss is not None:
                self._losses[utility.address] = loss
        return self._losses.get(utility.address)

    def trained_parameters(self, arm: Arm) -> int | None:
        """How many parameters an arm trains; None where no training of it is done, or its record is damaged."""
        records = (self.catalogue.trained(one) for one in self.grid.checkpoints(arm, self.grid.epochs[-1]))
        address = next((one.address for one in records if self.is_done(one)), None)
        with contextlib.suppress(StoreError):
            return trained_of(self._store, address).trainable if address is not None else None
        return None

    # Attacks

    def attacks_on(self, arm: Arm) -> list[Attack]:
        """The attacks of the study that can be made on an arm: all, but for one that learns from a method whose search
        has chosen nothing (yet).
        """
        uses = self.grid.study.attacks.use
        return [one for one in uses if learns_from(one, arm, settled=self.settled) is not None]

    def scores(self, attack: Attack, checkpoint: Checkpoint, role: Role = "pool") -> Task:
        """One attack on one checkpoint, or its control on the base."""
        return self.catalogue.scores(attack, checkpoint, role, settled=self.settled)

    def leakage(self, arm: Arm, epoch: float | None) -> Task:
        """AUC and TPR of every attack on an arm at one checkpoint; once some of them have scored every cell, of those
        alone, so that one that failed does not take the others with it.
        """
        attacks = {
            attack.label: [self.scores(attack, one) for one in self.grid.checkpoints(arm, epoch)]
            for attack in self.attacks_on(arm)
        }
        controls: dict[str, Task] = {}
        if arm.method is not None:
            base = Checkpoint(Arm(*arm.pair))
            controls = {attack.label: self.scores(attack, base) for attack in self.grid.study.attacks.use}
        done = {label: own for label, own in attacks.items() if all(map(self.is_done, own))}
        if done:
            controls = {label: task for label, task in controls.items() if self.is_done(task)}
        return self.catalogue.leakage(arm, epoch, done or attacks, controls=controls)

    def is_done(self, task: Task) -> bool:
        """Whether the store holds what a task makes."""
        return self._store.is_done(task.address)
