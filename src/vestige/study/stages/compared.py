"""What a comparison is told, and what it is made of: every arm along its training, text by text, from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from vestige.data.marks import without_end
from vestige.data.splits import groups_of, members_of
from vestige.errors import ModelError
from vestige.metrics.losses import TextLosses
from vestige.metrics.measures import TEXT_QUANTITIES
from vestige.metrics.text import Counted, counted
from vestige.metrics.trajectories import LOSS, Arm, Axis, Inputs, axis_of
from vestige.metrics.uncertainty import Bootstrap, own_groups
from vestige.records import Example, Floats, Texts
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Number, SeatSpec, Spec
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.generations import generations_of
from vestige.study.stages.losses import losses_of
from vestige.study.stages.scores import scores_of


@final
class ComparedArm(Spec):
    """A method at a learning rate. `name`: what its inputs begin with. `seats`: how many of the first ones it was
    trained on. `starts_as_base`: whether it has no epoch 0 of its own.
    """

    name: str
    method: str
    learning_rate: Number
    seats: int
    epochs: tuple[Number, ...]
    attacked: tuple[Number, ...]
    starts_as_base: bool = True


@final
class ComparisonSpec(Spec):
    """What is compared, and how. `utility`: what methods are held equal on. `end`: the EOS that the references of
    generated texts bring, if they do.
    """

    seats: tuple[SeatSpec, ...]
    arms: tuple[ComparedArm, ...]
    attacks: tuple[str, ...]
    primary: str
    margin: Number
    utility: str
    bootstrap: Bootstrap
    end: str = ""


def input_name(arm: str, seat: str, epoch: float, what: str) -> str:
    """The input of a comparison that holds what is known of an arm on a seat after so many epochs: `validation` and
    `pool` (losses), `answers`, or the label of an attack.
    """
    return f"{arm}/{seat}/{epoch:g}/{what}"


def inputs_of(spec: ComparisonSpec, task: Task, store: Store) -> Inputs:
    """The arms of a comparison, but for those that diverged.

    Raises:
        ModelError: all of them did.
    """
    return _Reader(spec, task, store).inputs()


@final
@dataclass(frozen=True)
class _Reader:
    spec: ComparisonSpec
    task: Task
    store: Store

    def inputs(self) -> Inputs:
        pool = examples_of(self.store, self.task.inputs["corpus"], "pool")
        arms = tuple(self._sound())
        axis, validation = self._utility_axis
        return Inputs(
            base=self._utility(["base"])[0],
            validation_groups=_units(validation),
            pool_groups=_units(pool),
            pool_tokens=self._losses("base/pool").tokens.astype(np.float64),
            seeds=np.array([seat.seed for seat in self.spec.seats]),
            is_member=np.array([members_of(pool, seed=seat.seed, fold=seat.fold) for seat in self.spec.seats]),
            attacks=self.spec.attacks,
            arms=arms,
            axis=axis,
        )

    def _sound(self) -> Iterator[Arm]:
        """Arms whose losses are all finite, of methods one of which was attacked."""
        made = [(self._arm(arm), arm.seats) for arm in self.spec.arms]
        arms = [arm for arm, seats in made if np.isfinite(arm.utility[:seats]).all()]
        attacked = {arm.method for arm in arms if len(arm.attacked)}
        if not attacked:
            raise ModelError(
                "No method can be compared: a loss of each of them is not finite, their trainings diverged."
            )
        yield from (arm for arm in arms if arm.method in attacked)

    def _arm(self, arm: ComparedArm) -> Arm:
        def attacked(read: Callable[[str], Floats | float], what: str) -> Floats:
            seats = [seat.name for seat in self.spec.seats] if arm.attacked else []
            names = [[input_name(arm.name, seat, epoch, what) for epoch in arm.attacked] for seat in seats]
            return np.array([[read(name) for name in own] for own in names])

        return Arm(
            method=arm.method,
            learning_rate=arm.learning_rate,
            epochs=np.array(arm.epochs, dtype=np.float64),
            utility=np.stack([self._along(arm, epoch) for epoch in arm.epochs], axis=1),
            attacked=np.array([arm.epochs.index(epoch) for epoch in arm.attacked], dtype=np.int64),
            scores={attack: attacked(self._scores, attack) for attack in self.spec.attacks} if arm.attacked else {},
            start=None if arm.starts_as_base or not self._is_loss else self._along(arm, 0.0),
            pool_losses=attacked(lambda name: self._losses(name).sums, "pool") if arm.attacked else None,
            levels=attacked(lambda name: self._losses(name).mean, "validation") if arm.attacked else None,
        )

    def _along(self, arm: ComparedArm, epoch: float) -> Floats:
        """Counts on the validation texts on every seat, shape (seats, texts, counts); NaN on those not trained."""
        trained = [f"{arm.name}/{seat.name}/{epoch:g}" for seat in self.spec.seats[: arm.seats]]
        found = self._utility(trained)
        missing = np.full((len(self.spec.seats) - len(trained), *found.shape[1:]), np.nan)
        return np.concatenate([found, missing])

    # Utility

    @property
    def _is_loss(self) -> bool:
        return self.spec.utility == LOSS.name

    @cached_property
    def _validation(self) -> list[Example]:
        return examples_of(self.store, self.task.inputs["corpus"], "validation")

    @cached_property
    def _utility_axis(self) -> tuple[Axis, list[Example]]:
        """The axis, and the texts that its counts are of."""
        if self._is_loss:
            return LOSS, self._validation
        base = self._counted(["base"])
        texts = [example for example, is_answered in zip(self._validation, base.answered, strict=False) if is_answered]
        return axis_of(self.spec.utility, base.measure), texts

    def _utility(self, places: Sequence[str]) -> Floats:
        """Counts of models, shape (models, texts, counts)."""
        if not self._is_loss:
            return np.array(self._counted(places).counts)
        losses = [self._losses(f"{place}/validation") for place in places]
        return np.array([np.column_stack([one.sums, one.tokens]) for one in losses])

    def _counted(self, places: Sequence[str]) -> Counted:
        cells = [generations_of(self.store, self.task.inputs[f"{place}/answers"]) for place in places]
        texts = self._validation[: len(cells[0].ids)]
        references = [tuple(without_end(one, self.spec.end) for one in text.references) for text in texts]
        quantity = next(one for one in TEXT_QUANTITIES if one == self.spec.utility)
        return counted(quantity, cells, references=references)

    # What the store has

    def _losses(self, name: str) -> TextLosses:
        return losses_of(self.store, self.task.inputs[name])

    def _scores(self, name: str) -> Floats:
        scores = scores_of(self.store, self.task.inputs[name])
        return np.where(scores.scored, scores.values, np.nan)


def _units(texts: Sequence[Example]) -> Texts:
    return own_groups(groups_of(texts), ids=np.array([text.id for text in texts]))
