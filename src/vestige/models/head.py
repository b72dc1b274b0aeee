"""The output head, taken out of a model for one call, and what the architecture does to its logits.

Training and scoring both want logits at some positions only: without its head the model gives hidden states, and the
batch × length × vocabulary tensor never exists.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from vestige.errors import ModelError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@final
class _Capture(nn.Module):
    """Stands in for the head: keeps the hidden states it is given and answers with logits over no vocabulary at all."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.hidden: Tensor | None = None
        self._head = (head,)  # not a module of this one

    @property
    def weight(self) -> Tensor:
        """The head's own: Mamba asks for its type before it calls it."""
        return self._head[0].get_parameter("weight")

    def forward(self, hidden: Tensor) -> Tensor:
        self.hidden = hidden
        return hidden[..., :0]


@final
class _OwnHead(nn.Module):
    """A trained copy of an output layer, in fp32 whatever the precision of the hidden states."""

    def __init__(self, original: nn.Module) -> None:
        super().__init__()
        self.weight = nn.Parameter(original.get_parameter("weight").detach().float().clone())
        bias = getattr(original, "bias", None)
        self.bias = None if bias is None else nn.Parameter(bias.detach().float().clone())

    def forward(self, hidden: Tensor) -> Tensor:
        return nn.functional.linear(hidden.to(self.weight), self.weight, self.bias)


@contextlib.contextmanager
def trainable_head(model: PreTrainedModel) -> Iterator[None]:
    """Inside, the model's output layer is a copy in fp32 that requires gradients, untied from the input embeddings."""
    original, tied = output_head(model), model.config.tie_word_embeddings
    model.set_output_embeddings(_OwnHead(original))
    model.config.tie_word_embeddings = False
    try:
        yield
    finally:
        model.set_output_embeddings(original)
        model.config.tie_word_embeddings = tied


@contextlib.contextmanager
def head_taken_out(model: PreTrainedModel) -> Iterator[Callable[[], Tensor]]:
    """Run the model without its head inside; the yielded function gives the hidden states of the last call.

    They are of shape (texts, virtual tokens + length, width): with P virtual tokens, position P + j predicts token j
    + 1.
    """
    original = output_head(model)
    capture = _Capture(original)
    model.set_output_embeddings(capture)

    def hidden_states() -> Tensor:
        if capture.hidden is None:
            raise ModelError(f"{type(model).__name__} did not call its output head.")
        return capture.hidden

    try:
        yield hidden_states
    finally:
        model.set_output_embeddings(original)


def output_head(model: PreTrainedModel) -> nn.Module:
    """The module that turns hidden states into logits; ModelError where there is none."""
    head: nn.Module | None = model.get_output_embeddings()
    if head is None:
        raise ModelError(f"{type(model).__name__} has no output head: it is not a causal language model.")
    return head


def logit_adjustment(model: PreTrainedModel) -> Callable[[Tensor], Tensor]:
    """What the architecture does to its logits after the head: soft-cap (Gemma 2), scale (Cohere, Granite)."""
    config = model.config.get_text_config()
    scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
    cap = getattr(config, "final_logit_softcapping", None)

    def adjust(logits: Tensor) -> Tensor:
        if scale != 1.0:
            logits = logits * scale
        return torch.tanh(logits / cap) * cap if cap else logits

    return adjust


def base_of(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """The language model inside an adapter's wrapping, or the model itself."""
    wrapped: Any = model
    base: PreTrainedModel = wrapped.get_base_model() if hasattr(model, "get_base_model") else wrapped
    return base
