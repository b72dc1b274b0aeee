"""Gradients of a finished model: how strongly the loss of each text still pulls. The only place that takes them.

They are taken with respect to the input embeddings of the text, which every model has, whatever was fine-tuned: so that
methods compare, and one backward pass serves a whole batch, since no text attends to another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from vestige.models.head import head_taken_out, logit_adjustment, output_head
from vestige.records import GradientNorms
from vestige.stats.collect import batches, inputs_of
from vestige.stats.forward import Forward

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

    from vestige.data.encode import Encoded

TOKENS_PER_BATCH = 512
"""Fewer than a scoring pass has: what each layer made of them is kept for the way back."""


def gradient_norms(
    model: PreTrainedModel | PeftModel,
    texts: Sequence[Encoded],
    *,
    pad_id: int,
    tokens_per_batch: int = TOKENS_PER_BATCH,
    progress: Callable[[int], None] = lambda _: None,
) -> GradientNorms:
    """Norms of the gradient of each text's mean loss over its scored tokens, in the order of `texts`; NaN for a text
    without a scored token.

    `progress` is told the tokens of each batch.
    """
    norms = np.full((2, len(texts)), np.nan)
    scorable = [index for index, text in enumerate(texts) if text.n_scored]
    forward = Forward(model)
    head = _Head(forward.core)
    for batch in batches(texts, scorable, tokens_per_batch=tokens_per_batch):
        gradients = _gradients(forward, head, [texts[index] for index in batch], pad_id=pad_id)
        norms[0, batch] = gradients.abs().sum((1, 2)).cpu().numpy()
        norms[1, batch] = gradients.square().sum((1, 2)).sqrt().cpu().numpy()
        progress(sum(len(texts[index].ids) for index in batch))
    return GradientNorms(ids=np.asarray([text.id for text in texts], dtype=np.str_), first=norms[0], second=norms[1])


@final
class _Head:
    """The head in fp32, as in a scoring pass; made once, since what a way back needs of it would be kept anew for every
    text.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        output = output_head(model)
        bias = getattr(output, "bias", None)
        self._weight = output.get_parameter("weight").detach().float()
        self._bias = None if bias is None else bias.detach().float()
        self._adjust = logit_adjustment(model)

    def mean_losses(self, hidden: Tensor, batch: Sequence[Encoded]) -> Tensor:
        """Mean loss of the scored tokens of each text, shape (texts,), from hidden states (texts, length, width)."""
        wanted = torch.cat([hidden[row, text.first - 1 : text.end - 1] for row, text in enumerate(batch)])
        targets = torch.from_numpy(np.concatenate([text.ids[text.first : text.end] for text in batch]))
        lengths = torch.tensor([text.n_scored for text in batch], device=hidden.device)
        logits = self._adjust(linear(wanted.float(), self._weight, self._bias))
        losses = cross_entropy(logits, targets.to(hidden.device), reduction="none")
        rows = torch.repeat_interleave(torch.arange(len(batch), device=hidden.device), lengths)
        return losses.new_zeros(len(batch)).index_add(0, rows, losses) / lengths


def _gradients(forward: Forward, head: _Head, batch: Sequence[Encoded], *, pad_id: int) -> Tensor:
    """Shape (texts, longest, width), fp64; 0 where there is padding."""
    core = forward.core
    inputs = inputs_of(batch, pad_id=pad_id, device=core.device)
    embeddings = core.get_input_embeddings()(inputs["input_ids"]).detach().requires_grad_()
    with torch.enable_grad():
        with head_taken_out(core) as hidden_states:
            forward(inputs_embeds=embeddings, attention_mask=inputs["attention_mask"])
            hidden = hidden_states()
        gradients: Tensor = torch.autograd.grad(head.mean_losses(hidden, batch).sum(), embeddings)[0]
    return gradients.double()
