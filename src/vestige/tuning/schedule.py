"""How long to train, in what order, and when to keep a checkpoint; torch-free, because a plan needs it too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, Self, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from vestige.records import Ints

WINDOW: Final = 16
"""Batches that are sorted by length together."""


@final
class Training(BaseModel):
    """The `[training]` table of a study.

    `search`: `validation` tries each learning rate on the first seed and fold and takes the best to all of them;
    `all` trains every learning rate on every seed and fold. `checkpoints` are in epochs, fractions allowed; the last
    is the end of the training.

    `batch_size` is the number of texts of an optimizer step. Less memory: `gradient_accumulation` runs a batch in so
    many parts, `gradient_checkpointing` computes activations anew in the backward pass; both leave the training as it
    is but for the order of sums.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    search: Literal["validation", "all"] = "validation"
    epochs: PositiveFloat = 5
    batch_size: PositiveInt = 8
    checkpoints: tuple[PositiveFloat, ...] = Field(default=(0.25, 0.5, 1, 2, 3, 5), min_length=1)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: PositiveFloat = 1.0
    gradient_accumulation: PositiveInt = 1
    gradient_checkpointing: bool = False

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
