"""The only place that generates: a model and prompts → its greedy continuations.

There is no padding, because not every model is blind to it: a window, a state or a distance counts places, whatever
stands in them. All prompts of a batch begin together, behind the virtual tokens (`stats/forward.py`), and each takes
its own next token until it has none left. The loop is written out, because a model's own settings for generation
(temperature, penalties, other ends) have no say in a comparison.
"""

from __future__ import annotations

import inspect
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

_SPREAD = 0.5
"""How far the lengths of a batch's prompts may lie apart, as a share of `max_new_tokens`. What a prompt is longer than
the shortest one is fed token by token, which takes as long as if it were generated.
"""


@final
@dataclass(frozen=True)
class Limits:
    """Where a continuation ends (`stop`: token ids, none of which is part of it; at most `max_new_tokens`), and how
    many tokens a batch may hold: virtual ones and those to come included. One longer prompt goes alone.
    """

    stop: Collection[int]
    max_new_tokens: int
    tokens_per_batch: int = TOKENS_PER_BATCH


def generate(
    model: PreTrainedModel | PeftModel,
    prompts: Sequence[Ints],
    *,
    limits: Limits,
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
            answers = _continued(forward, [prompts[index] for index in batch], limits=limits)
            found |= dict(zip(batch, answers, strict=True))
            progress(sum(map(len, answers)))
    return [found[index] for index in range(len(prompts))]


def _batches(prompts: Sequence[Ints], forward: Forward, limits: Limits) -> Iterator[list[int]]:
    """Places of prompts, longest first, so that the largest batch comes first."""
    batch: list[int] = []
    for index in sorted(range(len(prompts)), key=lambda index: (-len(prompts[index]), index)):
        if batch and not _fits(len(prompts[index]), len(prompts[batch[0]]), len(batch), forward, limits):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _fits(prompt: int, longest: int, texts: int, forward: Forward, limits: Limits) -> bool:
    """Whether one more prompt of so many tokens goes into a batch of `texts` whose longest has `longest` tokens."""
    length = forward.virtual + longest + limits.max_new_tokens
    is_alike = longest - prompt <= _SPREAD * limits.max_new_tokens
    return is_alike and (texts + 1) * length <= limits.tokens_per_batch


def _continued(forward: Forward, prompts: Sequence[Ints], *, limits: Limits) -> list[Ints]:
    answers: list[list[int]] = [[] for _ in prompts]
    running = list(range(len(prompts)))
    fed = min(map(len, prompts))
    rows = torch.from_numpy(np.stack([prompt[:fed] for prompt in prompts])).to(forward.core.device)
    steps = _Steps(forward, texts=len(prompts))
    while running:
        chosen = steps.next_tokens(rows)
        kept, following = [], []
        for row, (place, token) in enumerate(zip(running, chosen, strict=True)):
            is_asking = fed < len(prompts[place])
            if not is_asking and token not in limits.stop:
                answers[place].append(token)
            if is_asking or (token not in limits.stop and len(answers[place]) < limits.max_new_tokens):
                kept.append(row)
                following.append(int(prompts[place][fed]) if is_asking else token)
        fed += 1
        running = [running[row] for row in kept]
        if running:
            steps.keep(kept)
            rows = torch.tensor(following, device=rows.device)[:, None]
    return [np.asarray(tokens, dtype=np.int64) for tokens in answers]


@final
class _Steps:
    """The passes of one batch: what was fed is remembered, as keys and values where the model hands them out, or else
    as tokens that are fed again.
    """

    def __init__(self, forward: Forward, *, texts: int) -> None:
        self._core = forward.core
        self._past: Any = forward.past(texts)
        self._fed: Tensor | None = None
        # The last position by its index: as a slice it is not contiguous, and torch copies the whole head for each.
        last = torch.tensor([-1], device=forward.core.device)
        takes = inspect.signature(forward.core.forward).parameters
        self._options = {"logits_to_keep": last} if "logits_to_keep" in takes else {}

    def next_tokens(self, rows: Tensor) -> list[int]:
        """The most likely token behind each row, after `rows` of shape (texts, tokens) came behind what was fed."""
        fed = rows if self._fed is None or self._past is not None else torch.cat([self._fed, rows], dim=1)
        answer: Any = self._core(input_ids=fed, past_key_values=self._past, use_cache=True, **self._options)
        self._fed, self._past = fed, getattr(answer, "past_key_values", None)
        chosen: list[int] = _most_likely(answer.logits[:, -1]).tolist()
        return chosen

    def keep(self, rows: list[int]) -> None:
        """Go on with these rows alone."""
        if self._fed is None or len(rows) == len(self._fed):
            return
        self._fed = self._fed[rows]
        if self._past is not None:
            self._past.reorder_cache(torch.tensor(rows, device=self._fed.device))


def _most_likely(logits: Tensor) -> Tensor:
    """The token of the greatest logit of each row, shape (texts,)."""
    greatest = logits.max(dim=-1)
    if not greatest.values.isfinite().all():
        raise ScoringError("The logits are not finite: the weights are broken, or the training has diverged.")
    return greatest.indices
