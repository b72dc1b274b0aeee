"""Head tuning: the output layer alone is trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, final

from vestige.models.head import trainable_head
from vestige.tuning.methods.base import Family, LearningRates, Method

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@final
class Head(Method):
    """Trains an fp32 copy of the output layer; where it is tied to the input embeddings, those stay as they are.

    The rest of the model is frozen and runs without dropout, so that a text's final hidden states never change: they
    are computed once per training (`tuning/trunk.py`).
    """

    family: ClassVar[Family] = "parameter"
    saves: ClassVar[str] = "the output layer"
    mergeable: ClassVar[bool] = True
    training_cost: ClassVar[float] = 1.5

    name: Literal["head"] = "head"
    learning_rate: LearningRates = (1e-4, 3e-4, 1e-3)

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PreTrainedModel]:
        with trainable_head(base):
            yield base
