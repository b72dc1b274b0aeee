"""What the needs of an attack see of a study's catalogue: a checkpoint, or the base, and the role that is attacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import final

from vestige.attacks.base import Attack
from vestige.records import Fold, Role, View
from vestige.store.keys import Task
from vestige.study.grid import Arm, Checkpoint, Pair
from vestige.study.model_tasks import ModelTasks

Settled = Callable[[Pair, str], Arm | None]
"""The arm at the best learning rate, of a pair and the label of a method; None where no search has settled it yet."""


@final
@dataclass(frozen=True)
class UnderAttack:
    """A checkpoint and a role; its answers are tasks (`attacks.needs.outside.Attacked`)."""

    tasks: ModelTasks = field(repr=False)
    checkpoint: Checkpoint
    role: Role
    settled: Settled = field(repr=False)

    @property
    def seed(self) -> int:
        """The seed of the cell."""
        assert self.checkpoint.seat is not None
        return self.checkpoint.seat.seed

    @property
    def fold(self) -> Fold:
        """Its fold."""
        assert self.checkpoint.seat is not None
        return self.checkpoint.seat.fold

    def view(self, view: View) -> Task:
        """The scoring pass behind a view of these texts."""
        return self.tasks.view(view, self.checkpoint, self.role)

    def gradients(self) -> Task:
        """The gradient norms of these texts."""
        return self.tasks.gradients(self.checkpoint, role=self.role)

    def counts(self) -> Task:
        """The token counts of the population."""
        return self.tasks.counts(self.checkpoint.arm.pair)

    def corpus(self) -> Task:
        """The texts of the corpus."""
        return self.tasks.corpus(self.checkpoint.arm.corpus)

    def attack_model(self, attack: Attack) -> Task:
        """The attack, fitted on the shadow of this checkpoint, or of what it names."""
        learned_from = learns_from(attack, self.checkpoint.arm, settled=self.settled)
        assert learned_from is not None
        return self.tasks.attack_model(attack, replace(self.checkpoint, arm=learned_from).shadow)

    def others(self) -> list[UnderAttack]:
        """The cells of an arm under other seeds than the target's. With both folds, every text is a member of half of
        them, whether the target was trained on it or not.
        """
        cells = self.tasks.grid.checkpoints(self.checkpoint.arm, self.checkpoint.epoch)
        every = [replace(self, checkpoint=cell) for cell in cells]
        return [one for one in every if one.seed != self.seed]

    def on(self, role: Role) -> UnderAttack:
        """The same checkpoint on the texts of another role."""
        return replace(self, role=role)


def learns_from(attack: Attack, arm: Arm, *, settled: Settled) -> Arm | None:
    """The arm whose shadow an attack learns from, for use on this one: itself, or what the attack names, another method
    at the learning rate that its own search has chosen; None where that is not known yet.
    """
    if arm.method is None:
        return arm
    named = attack.trains_on
    pair = Pair(named.get("base", arm.base), named.get("corpus", arm.corpus))
    label = named.get("method", arm.method.label)
    return arm if (pair, label) == (arm.pair, arm.method.label) else settled(pair, label)
