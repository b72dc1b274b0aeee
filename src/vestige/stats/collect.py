"""The only place that runs a scoring pass: a model and encoded texts → the per-token table that every attack shares.

Virtual tokens, and the beginning that a view puts before every text, are never scored: they are the past of each text
(`stats/forward.py`), and position j predicts token j + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vestige.errors import ScoringError
from vestige.models.head import head_taken_out
from vestige.records import TEXT_COLUMNS, TOKEN_COLUMNS, Ints, TokenStats
from vestige.stats.forward import Forward
from vestige.stats.head import Head

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

    from vestige.data.encode import Encoded

TOKENS_PER_BATCH = 2048
VERIFIED_TOKENS = 8

_MOST_COPIED = 2
"""Each text of a batch gets a copy of the keys and values of the beginning. So many tokens of copies a batch may hold,
for each token of its own: they are what fills memory (46 KiB a token for SmolLM2-135M in fp32).
"""


def collect(
    model: PreTrainedModel | PeftModel,
    texts: Sequence[Encoded],
    *,
    pad_id: int,
    beginning: Ints | None = None,
    tokens_per_batch: int = TOKENS_PER_BATCH,
    progress: Callable[[int], None] = lambda _: None,
) -> TokenStats:
    """Score every text once; the table keeps the order of `texts`.

    Batches are cut from the texts sorted by length and hold at most `tokens_per_batch` tokens, padding included (one
    longer text goes alone). `progress` is told the tokens of each batch. How texts are batched, ordered and padded
    moves a log-probability by rounding alone: in fp32 by at most 1e-5 nats on a processor with AVX-512, and by up to
    1.8e-5 where one without was measured (SmolLM2-135M); in bf16 by more.

    `beginning`, shape (tokens,): token ids that come before every text, behind any virtual tokens; they are run once.
    Every text of a batch gets a copy of their keys and values, so that such a batch holds only as many texts as keep
    the copies within `_MOST_COPIED` times `tokens_per_batch` tokens.

    Raises:
        ScoringError: the architecture's logits are not understood, or a log-probability is not finite (the ids are
        named).
    """
    offsets = np.concatenate([[0], np.cumsum([text.n_scored for text in texts])]).astype(np.int64)
    columns = {name: np.empty(offsets[-1], dtype) for name, dtype in TOKEN_COLUMNS.items()}
    scorable = [index for index, text in enumerate(texts) if text.n_scored]
    with torch.inference_mode():
        forward = Forward(model, beginning=None if beginning is None else torch.from_numpy(beginning))
        head = Head(forward.core)
        if scorable:
            _verify(forward, head, texts[scorable[0]])
        with head_taken_out(forward.core) as hidden_states:
            most = None if beginning is None else max(1, _MOST_COPIED * tokens_per_batch // max(1, len(beginning)))
            for batch in batches(input_lengths(texts), scorable, tokens_per_batch=tokens_per_batch, most=most):
                _score(forward, head, hidden_states, [texts[index] for index in batch], batch, offsets, columns, pad_id)
                progress(sum(len(texts[index].ids) for index in batch))
    table = TokenStats(
        ids=np.asarray([text.id for text in texts], dtype=np.str_),
        offsets=offsets,
        tokens=columns,
        texts=_text_columns(texts),
    )
    _refuse_non_finite(table)
    return table


def batches(
    lengths: Sequence[int], chosen: Sequence[int], *, tokens_per_batch: int, most: int | None = None
) -> Iterator[list[int]]:
    """The chosen indices of texts that are so many tokens long, longest first, so that the largest batch comes first
    and padding is small; at most `most` of them in a batch, if given.
    """
    batch: list[int] = []
    for index in sorted(chosen, key=lambda index: (-lengths[index], index)):
        if batch and (len(batch) == most or (len(batch) + 1) * lengths[batch[0]] > tokens_per_batch):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def input_lengths(texts: Sequence[Encoded]) -> list[int]:
    """Tokens to feed of each text."""
    return list(map(_input_length, texts))


def _input_length(text: Encoded) -> int:
    """Tokens to feed: the last scored token is predicted, never fed."""
    return text.end - 1


def inputs_of(batch: Sequence[Encoded], *, pad_id: int, device: torch.device) -> dict[str, Tensor]:
    """Right-padded `input_ids` and `attention_mask`, each (texts, longest)."""
    longest = max(input_lengths(batch))
    ids = torch.full((len(batch), longest), pad_id)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, text in enumerate(batch):
        ids[row, : _input_length(text)] = torch.from_numpy(text.ids[: _input_length(text)])
        mask[row, : _input_length(text)] = 1
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def scored_states(hidden: Tensor, batch: Sequence[Encoded]) -> Tensor:
    """Of hidden states (texts, longest, width) those that predict scored tokens, text after text: (tokens, width)."""
    return torch.cat([hidden[row, text.first - 1 : text.end - 1] for row, text in enumerate(batch)])


def targets_of(batch: Sequence[Encoded]) -> Tensor:
    """The scored tokens of a batch, text after text, shape (tokens,)."""
    return torch.from_numpy(np.concatenate([text.ids[text.first : text.end] for text in batch]))


def _score(
    forward: Forward,
    head: Head,
    hidden_states: Callable[[], Tensor],
    batch: Sequence[Encoded],
    indices: Sequence[int],
    offsets: np.ndarray,
    columns: dict[str, np.ndarray],
    pad_id: int,
) -> None:
    inputs = inputs_of(batch, pad_id=pad_id, device=forward.core.device)
    forward(**inputs)
    hidden = hidden_states()
    if hidden.shape[1] != inputs["input_ids"].shape[1]:
        raise ScoringError(f"The model returned {hidden.shape[1]} positions for {inputs['input_ids'].shape[1]} tokens.")
    targets = targets_of(batch)
    statistics = head.statistics(scored_states(hidden, batch), targets)
    places = np.concatenate([np.arange(offsets[index], offsets[index + 1]) for index in indices])
    columns["token_id"][places] = targets.numpy()
    for name in ("logp", "mean_logp", "var_logp", "rank"):
        columns[name][places] = getattr(statistics, name).numpy()


def _verify(forward: Forward, head: Head, text: Encoded) -> None:
    """Hold the sliced head against the model's own logits on a few tokens, before a pass relies on it."""
    ids = torch.from_numpy(text.ids[:VERIFIED_TOKENS])[None].to(forward.core.device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    full = forward(**inputs).logits[0]
    with head_taken_out(forward.core) as hidden_states:
        forward(**inputs)
        head.verify(hidden_states()[0], full)


def _text_columns(texts: Sequence[Encoded]) -> dict[str, np.ndarray]:
    rows = [(text.n_scored, text.n_bytes, text.zlib_bytes) for text in texts]
    values = np.asarray(rows, dtype=np.int32).reshape(len(rows), len(TEXT_COLUMNS))
    return dict(zip(TEXT_COLUMNS, values.T.copy(), strict=True))


def _refuse_non_finite(table: TokenStats) -> None:
    broken = ~np.isfinite(np.asarray(table.tokens["logp"], dtype=np.float64))
    if broken.any():
        texts = np.unique(np.searchsorted(table.offsets, np.flatnonzero(broken), side="right") - 1)
        names = ", ".join(table.ids[texts[:5]])
        raise ScoringError(f"{len(texts)} texts have a log-probability that is not finite, for example {names}.")
