"""The only place that generates: a model and prompts → its greedy continuations.

Batches are padded on the left, behind the virtual tokens, which are the past of each prompt (`stats/forward.py`). Every
position is stated, so that padding moves none. The loop is written out, because a model's own settings for generation
(temperature, penalties, other ends) have no say in a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor

from vestige.errors import ScoringError
from vestige.records import Ints
from vestige.stats.forward import Forward

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

TOKENS_PER_BATCH = 4096


@final
@dataclass(frozen=True)
class Limits:
    """Where a continuation ends (`stop`: token ids, none of which is part of it; at most `max_new_tokens`), and how
    many tokens a batch may hold: virtual ones, padding and those to come included. One longer prompt goes alone.
    """

    stop: Collection[int]
    max_new_tokens: int
    tokens_per_batch: int = TOKENS_PER_BATCH


def generate(
    model: PreTrainedModel | PeftModel,
    prompts: Sequence[Ints],
    *,
    limits: Limits,
    pad_id: int,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Ints]:
    """The most likely next token, again and again; the answers are in the order of `prompts`, each (new tokens,).

    `prompts`: token ids, each of shape (tokens,), none empty. Of equal logits the lowest id is taken. The batches and
    so the answers follow from the prompts alone; other batches can only move what hangs on the last digit of a sum.
    `progress` is told the new tokens of each batch.

    Raises:
        ScoringError: the logits are not finite, as after a diverged training.
    """
    found: dict[int, Ints] = {}
    with torch.inference_mode():
        forward = Forward(model)
        for batch in _batches(prompts, forward, limits):
            answers = _continued(forward, [prompts[index] for index in batch], limits=limits, pad_id=pad_id)
            found |= dict(zip(batch, answers, strict=True))
            progress(sum(map(len, answers)))
    return [found[index] for index in range(len(prompts))]


def _batches(prompts: Sequence[Ints], forward: Forward, limits: Limits) -> Iterator[list[int]]:
    """Places of prompts, longest first, so that the largest batch comes first and padding is small."""
    batch: list[int] = []
    for index in sorted(range(len(prompts)), key=lambda index: (-len(prompts[index]), index)):
        if batch and not _fits(prompts[index], len(prompts[batch[0]]), len(batch), forward, limits):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _fits(prompt: Ints, longest: int, texts: int, forward: Forward, limits: Limits) -> bool:
    """Whether one more prompt goes into a batch of `texts` whose longest has `longest` tokens."""
    length = forward.virtual + longest + limits.max_new_tokens
    # A sliding window counts places, padding among them: behind padding, virtual tokens would leave it too early.
    window = getattr(forward.core.config.get_text_config(), "sliding_window", None)
    padding_counts = forward.virtual > 0 and window is not None and length > window
    return (texts + 1) * length <= limits.tokens_per_batch and (len(prompt) == longest or not padding_counts)


def _continued(forward: Forward, prompts: Sequence[Ints], *, limits: Limits, pad_id: int) -> list[Ints]:
    inputs = _inputs(prompts, virtual=forward.virtual, pad_id=pad_id, device=forward.core.device)
    past: Any = forward.past(len(prompts))
    answers: list[list[int]] = [[] for _ in prompts]
    running = list(range(len(prompts)))
    # The last position by its index: as a slice it is not contiguous, and torch copies the whole head for each text.
    last = torch.tensor([-1], device=forward.core.device)
    for _ in range(limits.max_new_tokens):
        answer: Any = forward.core(**inputs, past_key_values=past, use_cache=True, logits_to_keep=last)
        chosen, past = _most_likely(answer.logits[:, -1]), answer.past_key_values
        kept = [row for row, token in enumerate(chosen.tolist()) if token not in limits.stop]
        running = [running[row] for row in kept]
        if not running:
            break
        if len(kept) < len(chosen):
            past.batch_select_indices(torch.tensor(kept, device=chosen.device))
        for place, token in zip(running, chosen[kept].tolist(), strict=True):
            answers[place].append(token)
        inputs = _next(inputs, chosen, kept)
    return [np.asarray(tokens, dtype=np.int64) for tokens in answers]


def _inputs(prompts: Sequence[Ints], *, virtual: int, pad_id: int, device: torch.device) -> dict[str, Tensor]:
    """Left-padded `input_ids` and `position_ids`, each (texts, longest), and the mask (texts, virtual + longest)."""
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), pad_id)
    mask = torch.zeros((len(prompts), longest), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.from_numpy(prompt)
        mask[row, longest - len(prompt) :] = 1
    positions = virtual + (mask.cumsum(1) - 1).clamp(min=0)
    mask = torch.cat([mask.new_ones(len(prompts), virtual), mask], dim=1)
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
    return {name: value.to(device) for name, value in inputs.items()}


def _next(inputs: dict[str, Tensor], chosen: Tensor, kept: list[int]) -> dict[str, Tensor]:
    """The chosen tokens as the next input, of the rows that go on."""
    mask = inputs["attention_mask"][kept]
    return {
        "input_ids": chosen[kept][:, None],
        "attention_mask": torch.cat([mask, mask.new_ones(len(kept), 1)], dim=1),
        "position_ids": inputs["position_ids"][kept, -1:] + 1,
    }


def _most_likely(logits: Tensor) -> Tensor:
    """The token of the greatest logit of each row, shape (texts,)."""
    greatest = logits.max(dim=-1)
    if not greatest.values.isfinite().all():
        raise ScoringError("The logits are not finite: the weights are broken, or the training has diverged.")
    return greatest.indices
