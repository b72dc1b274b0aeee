"""Gradients of a finished model: how strongly the loss of each text still pulls. The only place that takes them.

They are taken with respect to the input embeddings of the text, which every model has, whatever was fine-tuned: so that
methods compare, and one backward pass serves a whole batch, since no text attends to another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from vestige.models.head import head_taken_out
from vestige.records import GradientNorms
from vestige.stats.collect import batches, input_lengths, inputs_of, scored_states, targets_of
from vestige.stats.forward import Forward
from vestige.stats.head import Head

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
    head = Head(forward.core)
    for batch in batches(input_lengths(texts), scorable, tokens_per_batch=tokens_per_batch):
        gradients = _gradients(forward, head, [texts[index] for index in batch], pad_id=pad_id)
        norms[0, batch] = gradients.abs().sum((1, 2)).cpu().numpy()
        norms[1, batch] = gradients.square().sum((1, 2)).sqrt().cpu().numpy()
        progress(sum(len(texts[index].ids) for index in batch))
    return GradientNorms(ids=np.asarray([text.id for text in texts], dtype=np.str_), first=norms[0], second=norms[1])


def _gradients(forward: Forward, head: Head, batch: Sequence[Encoded], *, pad_id: int) -> Tensor:
    """Shape (texts, longest, width), fp64; 0 where there is padding."""
    core = forward.core
    inputs = inputs_of(batch, pad_id=pad_id, device=core.device)
    embeddings = core.get_input_embeddings()(inputs["input_ids"]).detach().requires_grad_()
    with torch.enable_grad():
        with head_taken_out(core) as hidden_states:
            forward(inputs_embeds=embeddings, attention_mask=inputs["attention_mask"])
            hidden = hidden_states()
        gradients: Tensor = torch.autograd.grad(_mean_losses(head, hidden, batch).sum(), embeddings)[0]
    return gradients.double()


def _mean_losses(head: Head, hidden: Tensor, batch: Sequence[Encoded]) -> Tensor:
    """Mean loss of the scored tokens of each text, shape (texts,), in fp32 from the head on, as in a scoring pass."""
    logits = head.logits_with_gradient(scored_states(hidden, batch))
    losses = cross_entropy(logits, targets_of(batch).to(logits.device), reduction="none")
    lengths = torch.tensor([text.n_scored for text in batch], device=logits.device)
    rows = torch.repeat_interleave(torch.arange(len(batch), device=logits.device), lengths)
    return losses.new_zeros(len(batch)).index_add(0, rows, losses) / lengths
