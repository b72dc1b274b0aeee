"""From the hidden states of the scored tokens to their statistics, through the output head in fp32, a few dozen
tokens at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor
from torch.nn.functional import linear

from vestige.errors import ScoringError
from vestige.models.head import logit_adjustment, output_head

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SLICE = 64
"""Tokens per slice: two fp32 buffers of slice × vocabulary stay within a processor's last-level cache."""


@final
@dataclass(frozen=True)
class TokenStatistics:
    """What is kept of a slice of logits; each of shape (tokens,), on the processor."""

    logp: Tensor
    mean_logp: Tensor
    var_logp: Tensor
    rank: Tensor


@final
class Head:
    """The head's weights in fp32 and what the architecture does to its logits, with buffers that every slice reuses."""

    def __init__(self, model: PreTrainedModel) -> None:
        output = output_head(model)
        self._name = type(model).__name__
        self._weight = output.get_parameter("weight").detach().float().t()
        bias = getattr(output, "bias", None)
        self._bias = None if bias is None else bias.detach().float()
        self._adjust = logit_adjustment(model)
        vocabulary = self._weight.shape[1]
        device = self._weight.device
        self._logits = torch.empty(SLICE, vocabulary, device=device)
        self._spare = torch.empty(SLICE, vocabulary, device=device)

    def logits(self, hidden: Tensor) -> Tensor:
        """fp32 logits of at most `SLICE` hidden states (tokens, d); the next call overwrites them."""
        logits = self._logits[: len(hidden)]
        torch.mm(hidden.to(logits), self._weight, out=logits)
        if self._bias is not None:
            logits += self._bias
        return self._adjust(logits)

    def logits_with_gradient(self, hidden: Tensor) -> Tensor:
        """fp32 logits of hidden states (tokens, d), through which a gradient can be taken: no buffer is written to."""
        return self._adjust(linear(hidden.to(self._weight), self._weight.t(), self._bias))

    def statistics(self, hidden: Tensor, targets: Tensor) -> TokenStatistics:
        """Statistics of the next-token distributions at `hidden` (tokens, d), for `targets` (tokens,), slice by
        slice.
        """
        targets = targets.to(self._weight.device)
        parts = [
            self._slice(hidden[start : start + SLICE], targets[start : start + SLICE])
            for start in range(0, len(hidden), SLICE)
        ]
        logp, mean, var, rank = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
        return TokenStatistics(logp=logp, mean_logp=mean, var_logp=var, rank=rank)

    def _slice(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """With x = logit − max: log p = x − log Σe^x, and the first two moments of x under p give those of log p."""
        x = self.logits(hidden)
        spare = self._spare[: len(x)]
        target = x.gather(1, targets[:, None])
        rank = torch.gt(x, target, out=spare).sum(1).int()  # ones and zeros in fp32: exact up to 2**24, and vectorized
        top = x.amax(1, keepdim=True)
        x -= top
        p = torch.exp(x, out=spare)
        total = p.sum(1)
        mean = p.mul_(x).sum(1) / total
        mean_square = p.mul_(x).sum(1) / total
        log_total = total.log()
        logp = (target - top)[:, 0] - log_total
        return logp, mean - log_total, (mean_square - mean.square()).clamp_(min=0), rank

    def verify(self, hidden: Tensor, full: Tensor) -> None:
        """Compare with the model's own logits `full` (tokens, vocabulary) at `hidden` (tokens, d), at most `SLICE` of
        them.

        Raises:
            ScoringError: they differ, so the architecture does something to its logits that is not known here; or
            they are not
                finite, as after a diverged training.
        """
        if not full.isfinite().all():
            raise ScoringError(f"The logits of {self._name} are not finite: its weights are broken or diverged.")
        own = self.logits(hidden)
        tolerance = (1e-4 if full.dtype == torch.float32 else 2e-2) * max(1.0, full.float().abs().max().item())
        difference = (own - full.to(own)).abs().max().item()
        if not difference <= tolerance:
            raise ScoringError(
                f"{self._name} changes its logits in a way that vestige does not know: head and model differ by "
                f"{difference:.3g} (tolerated {tolerance:.3g}). Please report the model's name."
            )
