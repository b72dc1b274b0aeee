"""P-tuning: input embeddings in front of a frozen model, made by a small network (Liu et al. 2021,
arXiv:2103.10385).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, final

from pydantic import PositiveInt

from vestige.tuning.methods.base import Family, LearningRates, Method

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@final
class PTuning(Method):
    """Trains `tokens` vectors and the network of three layers, `hidden` wide (the model's width, if not given), that
    makes the virtual tokens' embeddings of them.
    """

    family: ClassVar[Family] = "prompt"
    saves: ClassVar[str] = "the network and its input vectors"
    mergeable: ClassVar[bool] = False

    name: Literal["p_tuning"] = "p_tuning"
    learning_rate: LearningRates = (3e-4, 1e-3, 3e-3)
    tokens: PositiveInt = 20
    hidden: PositiveInt | None = None

    @property
    def virtual_tokens(self) -> int:
        return self.tokens

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        import torch
        from peft import PromptEncoderConfig, get_peft_model

        torch.manual_seed(seed)
        config = PromptEncoderConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.tokens,
            encoder_reparameterization_type="MLP",
            encoder_hidden_size=self.hidden or base.config.get_text_config().hidden_size,
        )
        yield get_peft_model(base, config)
