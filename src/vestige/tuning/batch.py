"""Encoded texts → the tensors that a training step takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

if TYPE_CHECKING:
    from vestige.data.encode import Encoded

IGNORED: Final = -100


def collate(batch: Sequence[Encoded], *, pad_id: int) -> dict[str, Tensor]:
    """Right-padded `input_ids`, `attention_mask` and `labels`, each (texts, longest); what is not trained is labelled
    −100.
    """
    longest = max(len(text.ids) for text in batch)
    ids = torch.full((len(batch), longest), pad_id)
    labels = torch.full((len(batch), longest), IGNORED)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, text in enumerate(batch):
        own = torch.from_numpy(text.ids)
        ids[row, : len(own)] = own
        labels[row, text.first : len(own)] = own[text.first :]
        mask[row, : len(own)] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def trained_positions(labels: Tensor) -> Tensor:
    """Labels (…, length) → where the next token is trained, bool (…, length − 1)."""
    return labels[..., 1:] != IGNORED
