"""What a frozen trunk makes of the texts, computed once: with the output layer alone in training, a text's final hidden
states never change, and every epoch costs that layer alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from vestige.models.head import base_of, head_taken_out, output_head
from vestige.tuning.batch import collate, trained_positions
from vestige.tuning.checkpoint import trained_parameters

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

    from vestige.data.encode import Encoded

TEXTS_PER_BATCH = 16


@final
@dataclass(frozen=True)
class States:
    """A text as its output layer meets it.

    * `hidden`: final hidden states at the positions that predict its trained tokens, shape (trained tokens, width),
      in the precision of the trunk.
    * `targets`: those tokens, shape (trained tokens,).
    * `n_tokens`: tokens of the whole text.
    """

    hidden: Tensor = field(repr=False)
    targets: Tensor = field(repr=False)
    n_tokens: int


def trains_head_only(model: PreTrainedModel | PeftModel) -> bool:
    """True where the output layer is all that is trained, and it is not the input layer too: the trunk is frozen."""
    head = {id(value) for value in output_head(base_of(model)).parameters()}
    return all(id(value) in head for value in trained_parameters(model).values()) and not _is_tied(model)


def _is_tied(model: PreTrainedModel | PeftModel) -> bool:
    base = base_of(model)
    return output_head(base).get_parameter("weight") is base.get_input_embeddings().get_parameter("weight")


def states_of(model: PreTrainedModel, texts: Sequence[Encoded], *, pad_id: int) -> list[States]:
    """The states of every text, in order; memory: trained tokens × width.

    Batches depend on the texts alone, so that a resumed training meets the same bits. Without dropout: this is a fixed
    feature, not a noisy one.
    """
    model.eval()
    found: dict[int, States] = {}
    order = sorted(range(len(texts)), key=lambda index: (len(texts[index].ids), index))
    with torch.no_grad(), head_taken_out(model) as hidden_states:
        for start in range(0, len(order), TEXTS_PER_BATCH):
            indices = order[start : start + TEXTS_PER_BATCH]
            batch = {k: v.to(model.device) for k, v in collate([texts[i] for i in indices], pad_id=pad_id).items()}
            model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
            for row, index in enumerate(indices):
                found[index] = _of_row(hidden_states()[row], batch, row)
    return [found[index] for index in range(len(texts))]


def _of_row(hidden: Tensor, batch: dict[str, Tensor], row: int) -> States:
    trained = trained_positions(batch["labels"][row])
    return States(
        hidden=hidden[:-1][trained.to(hidden.device)].clone(),
        targets=batch["labels"][row, 1:][trained],
        n_tokens=int(batch["attention_mask"][row].sum()),
    )


def join(states: Iterable[States]) -> dict[str, Any]:
    """A batch of texts as one: `hidden` (trained tokens, width), `targets` (trained tokens,), `n_tokens`."""
    states = list(states)
    return {
        "hidden": torch.cat([one.hidden for one in states]),
        "targets": torch.cat([one.targets for one in states]),
        "n_tokens": sum(one.n_tokens for one in states),
    }
