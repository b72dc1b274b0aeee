"""P-tuning: input embeddings in front of a frozen model, made by a small network (Liu et al. 2021,
arXiv:2103.10385).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, final

from pydantic import PositiveInt

from vestige.tuning.methods.base import LearningRates
from vestige.tuning.methods.soft_prompt import SoftPrompt, width_of

if TYPE_CHECKING:
    from peft import PromptEncoderConfig
    from transformers import PreTrainedModel


@final
class PTuning(SoftPrompt):
    """Trains `tokens` vectors and the network of three layers, `hidden` wide (the model's width, if not given), that
    makes the virtual tokens' embeddings of them.
    """

    saves: ClassVar[str] = "the network and its input vectors"

    always_keyed: ClassVar[frozenset[str]] = frozenset({"hidden"})
    name: Literal["p_tuning"] = "p_tuning"
    learning_rate: LearningRates = (3e-4, 1e-3, 3e-3)
    hidden: PositiveInt | None = None

    def _config(self, base: PreTrainedModel) -> PromptEncoderConfig:
        from peft import PromptEncoderConfig

        return PromptEncoderConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.tokens,
            encoder_reparameterization_type="MLP",
            encoder_hidden_size=self.hidden or width_of(base),
        )
