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
    for batch in batches(texts, scorable, tokens_per_batch=tokens_per_batch):
        gradients = _gradients(forward, [texts[index] for index in batch], pad_id=pad_id)
        norms[0, batch] = gradients.abs().sum((1, 2)).cpu().numpy()
        norms[1, batch] = gradients.square().sum((1, 2)).sqrt().cpu().numpy()
        progress(sum(len(texts[index].ids) for index in batch))
    return GradientNorms(ids=np.asarray([text.id for text in texts], dtype=np.str_), first=norms[0], second=norms[1])


def _gradients(forward: Forward, batch: Sequence[Encoded], *, pad_id: int) -> Tensor:
    """Shape (texts, longest, width), fp64; 0 where there is padding."""
    core = forward.core
    inputs = inputs_of(batch, pad_id=pad_id, device=core.device)
    embeddings = core.get_input_embeddings()(inputs["input_ids"]).detach().requires_grad_()
    with torch.enable_grad():
        with head_taken_out(core) as hidden_states:
            forward(inputs_embeds=embeddings, attention_mask=inputs["attention_mask"])
            hidden = hidden_states()
        losses = [_mean_loss(forward, hidden[row], text) for row, text in enumerate(batch)]
        gradients: Tensor = torch.autograd.grad(torch.stack(losses).sum(), embeddings)[0]
    return gradients.double()


def _mean_loss(forward: Forward, hidden: Tensor, text: Encoded) -> Tensor:
    """Mean loss of the scored tokens of one text, in fp32 from the head on, as in a scoring pass."""
    output = output_head(forward.core)
    bias = getattr(output, "bias", None)
    states = hidden[text.first - 1 : text.end - 1].float()
    logits = linear(states, output.get_parameter("weight").float(), None if bias is None else bias.float())
    targets = torch.from_numpy(text.ids[text.first : text.end]).to(hidden.device)
    return cross_entropy(logit_adjustment(forward.core)(logits), targets)
