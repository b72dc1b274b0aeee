"""How long to train, in what order, and when to keep a checkpoint; torch-free, because a plan needs it too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeGuard, final

import numpy as np
from pydantic import BeforeValidator, Field, PositiveFloat, model_validator

from vestige.records import Ints
from vestige.store.keyed import Keyed

WINDOW: Final = 16
"""Batches that are sorted by length together."""

_FEWEST, _FIRST, _APART = 8, 0.25, 1.6
"""Default checkpoints: how many at least, the first in epochs, and by what factor the next is later at most."""


def _one_or_many(value: object) -> object:
    return [value] if _is_number(value) else value


def log_spaced(epochs: float) -> tuple[float, ...]:
    """Eight checkpoints or more up to `epochs`, each the same factor behind the one before, rounded to two digits: what
    is learned and what is memorized changes with the logarithm of the time, and a comparison needs points on both
    sides of where methods meet.
    """
    first = min(_FIRST, epochs / _FEWEST)
    count = max(_FEWEST, 1 + math.ceil(math.log(epochs / first) / math.log(_APART)))
    inner = (float(f"{one:.2g}") for one in np.geomspace(first, epochs, count)[:-1])
    return (*inner, epochs)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


@final
class Training(Keyed):
    """How long every method is trained, on how many texts at a time, and when a checkpoint is kept.

    Less memory: `gradient_accumulation` and `gradient_checkpointing`, which leave the training as it is but for the
    order of sums.
    """

    always_keyed: ClassVar[frozenset[str]] = frozenset(
        {"epochs", "batch_size", "checkpoints", "weight_decay", "clip"}
        | {"gradient_accumulation", "gradient_checkpointing"}
    )

    search: Literal["validation", "all"] = "validation"
    """`validation`: each learning rate is tried on the first seed and fold, and the best goes on to all of them.
    `all`: every learning rate is trained on every seed and fold.
    """

    epochs: float = Field(default=5, gt=0, le=10_000)
    """Length of the training. Left out: the last of `checkpoints`, where they are given."""

    batch_size: int = Field(default=8, ge=1, le=1_000_000)
    """Texts of an optimizer step."""

    checkpoints: Annotated[tuple[PositiveFloat, ...], BeforeValidator(_one_or_many)] = Field(
        default=log_spaced(5), min_length=1, max_length=100
    )
    """When weights are kept and attacked, in epochs, fractions allowed; the last is the end of the training. Left out:
    eight or more up to `epochs`, each the same factor behind the one before.
    """

    weight_decay: float = Field(default=0.0, ge=0, le=1000)
    """AdamW's weight decay."""

    clip: PositiveFloat = 1.0
    """Largest norm of a gradient; longer ones are shortened to it."""

    gradient_accumulation: int = Field(default=1, ge=1, le=1_000_000)
    """Parts in which a batch is run, for less memory."""

    gradient_checkpointing: bool = False
    """Computes activations anew in the backward pass, for less memory."""

    @model_validator(mode="before")
    @classmethod
    def _one_follows_from_the_other(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        epochs, checkpoints = table.get("epochs"), _one_or_many(table.get("checkpoints"))
        if checkpoints is None and _is_number(epochs) and epochs > 0:
            return {**table, "checkpoints": log_spaced(epochs)}
        if epochs is None and isinstance(checkpoints, Sequence) and checkpoints and _is_number(checkpoints[-1]):
            return {**table, "epochs": checkpoints[-1]}
        return table

    @model_validator(mode="after")
    def _ends_at_the_last_checkpoint(self) -> Self:
        if list(self.checkpoints) != sorted(set(self.checkpoints)):
            raise ValueError(f"checkpoints must rise: got {list(self.checkpoints)}")
        if self.checkpoints[-1] != self.epochs:
            raise ValueError(
                f"the last checkpoint must be the end of the training: checkpoints end at {self.checkpoints[-1]:g}, "
                f"epochs = {self.epochs:g}"
            )
        return self

    def step_of(self, epoch: float, *, texts: int) -> int:
        """The optimizer step that ends `epoch` epochs over `texts` texts; the last batch of an epoch may be smaller."""
        return max(1, round(epoch * math.ceil(texts / self.batch_size)))

    def steps(self, *, texts: int) -> dict[float, int]:
        """Checkpoint in epochs → optimizer step; two fractions that fall on one step share it."""
        return {epoch: self.step_of(epoch, texts=texts) for epoch in self.checkpoints}

    def batches(self, lengths: Sequence[int], *, entropy: tuple[int, ...]) -> list[list[int]]:
        """The whole training as batches of positions in the training set: one permutation an epoch, drawn from
        `entropy`.

        Texts of like length share a batch, so that little is padded: each window of `WINDOW` batches of the
        permutation is sorted by `lengths` (tokens of each text) before it is cut, and the batches of an epoch are
        permuted in their turn.
        """
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
        total = self.step_of(self.epochs, texts=len(lengths))
        batches: list[list[int]] = []
        while len(batches) < total:
            batches += self._epoch(np.asarray(lengths), generator)
        return batches[:total]

    def _epoch(self, lengths: Ints, generator: np.random.Generator) -> list[list[int]]:
        order = generator.permutation(len(lengths))
        window = WINDOW * self.batch_size
        parts = [order[start : start + window] for start in range(0, len(order), window)]
        alike = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts]).tolist()
        batches = [alike[start : start + self.batch_size] for start in range(0, len(alike), self.batch_size)]
        return [batches[place] for place in generator.permutation(len(batches))]
