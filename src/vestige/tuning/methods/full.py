"""Full fine-tuning: every weight of the model is trained."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, final

from vestige.models.head import output_head
from vestige.tuning.methods.base import Family, LearningRates, Method

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@final
class Full(Method):
    """Trains every weight of a copy of the base, in fp32.

    It computes in the base's own precision (autocast), as mixed-precision training does everywhere. The copy is the
    one exception to the rule that a study holds one base in memory. Tied embeddings stay tied.
    """

    family: ClassVar[Family] = "parameter"
    saves: ClassVar[str] = "every weight"
    mergeable: ClassVar[bool] = True
    training_cost: ClassVar[float] = 7.0
    copies_base: ClassVar[bool] = True

    name: Literal["full"] = "full"
    learning_rate: LearningRates = (3e-5, 1e-4, 3e-4)

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PreTrainedModel]:
        import torch

        own = copy.deepcopy(base).float().requires_grad_(True)
        if base.dtype != torch.float32:
            # The training calls the output layer apart, see `CellTrainer.compute_loss`.
            for module in (own, output_head(own)):
                module.forward = torch.autocast(base.device.type, base.dtype)(module.forward)
        yield own
