"""The comparison of the methods of a base and corpus, of what the store has of them by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

from vestige.attacks.base import Attack
from vestige.store.keys import Task
from vestige.study.choice import Choice
from vestige.study.grid import Arm, Checkpoint, Pair
from vestige.study.stages.compared import ComparedArm, input_name


def comparison(choice: Choice, pair: Pair) -> Task | None:
    """Every method of a pair against every other at equal utility, or the only one at its own; None where but one of
    several has not failed, or where no answer is generated that they could be held equal on.

    An arm that failed takes no other with it, nor does an attack: once some arms are there, these alone are compared,
    by the attacks that have scored all of them. The primary attack must have.
    """
    if choice.grid.study.compare.utility != "loss" and not choice.catalogue.generates(pair):
        return None
    chosen = [_Compared(choice, arm) for arm in choice.chosen(pair)]
    arms = [one for one in chosen if one.is_there] or chosen
    attacks = [one for one in choice.grid.study.attacks.use if all(arm.can_be(one) for arm in arms)]
    done = [one for one in attacks if all(arm.is_attacked(one) for arm in arms)] or attacks
    primary, fewest = choice.grid.study.attacks.primary, min(2, len(choice.grid.study.method))
    if len({one.arm.method for one in arms}) < fewest or primary not in [attack.label for attack in done]:
        return None
    searched = [one for one in _searched(choice, pair) if one.is_validated]
    inputs = {name: task for one in (*arms, *searched) for name, task in one.inputs(done).items()}
    return choice.catalogue.comparison(pair, [one.spec() for one in (*arms, *searched)], inputs, attacks=done)


def _searched(choice: Choice, pair: Pair) -> list[_Compared]:
    """Learning rates that were tried and did not go on, of which the losses are known: how sure the choice was."""
    if choice.grid.study.compare.utility != "loss":
        return []
    chosen = choice.chosen(pair)
    return [_Compared(choice, arm, went_on=False) for arm in choice.grid.arms(pair) if arm not in chosen]


@final
@dataclass(frozen=True)
class _Compared:
    choice: Choice
    arm: Arm
    went_on: bool = True

    @cached_property
    def _attacked(self) -> tuple[float, ...]:
        return tuple(self.choice.attacked_epochs(self.arm)) if self.went_on else ()

    def _cells(self, epoch: float) -> list[Checkpoint]:
        grid = self.choice.grid
        seats = grid.seats if self.went_on else grid.search_seats
        return [Checkpoint(self.arm, seat, epoch) for seat in seats]

    def can_be(self, attack: Attack) -> bool:
        """Whether an attack can be made on it."""
        return attack in self.choice.attacks_on(self.arm)

    @property
    def is_validated(self) -> bool:
        """Whether all its losses are there."""
        return all(map(self.choice.is_done, self._losses().values()))

    @property
    def is_there(self) -> bool:
        """Whether all is there that a comparison cannot do without."""
        primary = [one for one in self.choice.grid.study.attacks.use if one.label == self._primary]
        return all(map(self.can_be, primary)) and all(map(self.choice.is_done, self.inputs(primary).values()))

    @property
    def _primary(self) -> str:
        return self.choice.grid.study.attacks.primary

    def is_attacked(self, attack: Attack) -> bool:
        """Whether an attack has scored every cell of it."""
        return all(map(self.choice.is_done, self._scores(attack).values()))

    @property
    def name(self) -> str:
        """`lora(r=2), lr 0.001`."""
        assert self.arm.method is not None
        return f"{self.arm.method.label}, lr {self.arm.learning_rate:g}"

    def spec(self) -> ComparedArm:
        """How a comparison is told of it."""
        assert self.arm.method is not None
        assert self.arm.learning_rate is not None
        return ComparedArm(
            name=self.name,
            method=self.arm.method.label,
            learning_rate=self.arm.learning_rate,
            seats=len(self._cells(0.0)),
            epochs=self.choice.grid.epochs,
            attacked=self._attacked,
            starts_as_base=self.arm.method.starts_as_base,
        )

    def inputs(self, attacks: list[Attack]) -> Mapping[str, Task]:
        """All that is read of it."""
        catalogue = self.choice.catalogue
        found = self._losses()
        for epoch in self._attacked:
            for cell in self._cells(epoch):
                found[self._name(cell, "pool")] = catalogue.losses(cell, "pool")
        if self.choice.grid.study.compare.utility != "loss":
            for epoch in self.choice.grid.epochs:
                for cell in self._cells(epoch):
                    found[self._name(cell, "answers")] = catalogue.generations(cell)
        for attack in attacks if self.went_on else ():
            found |= self._scores(attack)
        return found

    def _losses(self) -> dict[str, Task]:
        cells = [cell for epoch in self.choice.grid.validated(self.arm) for cell in self._cells(epoch)]
        return {self._name(cell, "validation"): self.choice.catalogue.losses(cell, "validation") for cell in cells}

    def _scores(self, attack: Attack) -> dict[str, Task]:
        cells = [cell for epoch in self._attacked for cell in self._cells(epoch)]
        return {self._name(cell, attack.label): self.choice.scores(attack, cell) for cell in cells}

    def _name(self, cell: Checkpoint, what: str) -> str:
        assert cell.seat is not None
        assert cell.epoch is not None
        return input_name(self.name, cell.seat.name, cell.epoch, what)
