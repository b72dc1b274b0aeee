"""What prefix, prompt and P-tuning share: virtual tokens in front of a frozen model."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import PositiveInt

from vestige.tuning.methods.base import Family, Method

if TYPE_CHECKING:
    from peft import PeftModel, PromptLearningConfig
    from transformers import PreTrainedModel


class SoftPrompt(Method):
    """Trains `tokens` virtual tokens, as embeddings, keys and values, or a network that makes them: what `_config` asks
    of peft, which wraps the base and leaves it alone.
    """

    family: ClassVar[Family] = "prompt"
    mergeable: ClassVar[bool] = False
    always_keyed: ClassVar[frozenset[str]] = frozenset({"tokens"})
    tokens: PositiveInt = 20

    @property
    def virtual_tokens(self) -> int:
        return self.tokens

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        import torch
        from peft import get_peft_model

        torch.manual_seed(seed)
        model = get_peft_model(base, self._config(base))
        self._begin(model, base)
        yield model

    @abstractmethod
    def _config(self, base: PreTrainedModel) -> PromptLearningConfig:
        """What peft is asked to put in front of the model."""

    def _begin(self, model: PeftModel, base: PreTrainedModel) -> None:
        """Move the start from where peft puts it, where the method has a better one."""


def width_of(base: PreTrainedModel) -> int:
    """Width of the hidden states; of the networks that make virtual tokens too, where a study names no other."""
    width: int = base.config.get_text_config().hidden_size
    return width
