"""Whether a loaded model can be what it says: weights that are numbers, and a causal language model's answers."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from vestige.errors import ModelError, named

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedModel

HUGE: Final = 1e5
"""No weight of a trained model is that large (the largest of public ones are some hundreds)."""

FAR_APART: Final = 1e4
"""No trained model's logits lie that far apart (those of public ones lie within some hundreds)."""

_TEXT: Final = 4
"""Tokens of the text that a model is tried on."""


def refuse_broken_weights(model: PreTrainedModel, *, name: str) -> None:
    """ModelError where a weight is not finite or beyond all measure, or a whole layer, the embeddings or the output
    head are zeros: what is left of a file that was not written to its end.
    """
    bounds = {path: _bounds(value) for path, value in model.named_parameters() if value.numel()}
    broken = [path for path, (low, high) in bounds.items() if not (low > -HUGE and high < HUGE)]
    if broken:
        raise ModelError(
            f"Weights of {name} are not finite or beyond {HUGE:g}: {named(broken, most=3)}. Fetch or save it again."
        )
    parts: dict[str, list[bool]] = defaultdict(list)
    whole = {id(value) for value in _ends(model)}
    for path, value in model.named_parameters():
        layer = re.match(r".*?\.\d+(?=\.)", path)
        if value.ndim > 1 and (layer or id(value) in whole):
            parts[layer[0] if layer else path].append(bounds[path] == (0.0, 0.0))
    if zeros := [part for part, are_zero in parts.items() if all(are_zero)]:
        raise ModelError(f"Weights of {name} are all zero: {named(zeros, most=3)}. Fetch or save it again.")


def _bounds(value: Tensor) -> tuple[float, float]:
    low, high = value.detach().aminmax()
    return low.item(), high.item()


def _ends(model: PreTrainedModel) -> list[Tensor]:
    """The weights of the embeddings and of the output head."""
    ends: list[Any] = [model.get_input_embeddings(), model.get_output_embeddings()]
    return [one.weight for one in ends if one is not None and hasattr(one, "weight")]


def refuse_not_causal(model: PreTrainedModel, *, name: str) -> None:
    """ModelError where what a model says at one token hangs on a token that comes after it, as an encoder's does; or
    where its answers are not finite, or the same for every token.
    """
    import torch

    vocabulary = model.get_input_embeddings().get_parameter("weight").shape[0]
    ids = torch.tensor([[(place + 1) * vocabulary // (_TEXT + 2) for place in range(_TEXT)]], device=model.device)
    changed = torch.cat([ids[:, :-1], ids[:, :1]], dim=1)
    logits, others = (_logits(model, tokens) for tokens in (ids, changed))
    if not logits.isfinite().all() or (logits.amax(-1) - logits.amin(-1)).max() > FAR_APART:
        raise ModelError(
            f"The answers of {name} are not finite or beyond all measure: its weights are broken. Fetch or save it "
            "again."
        )
    if (logits == logits[..., :1]).all():
        raise ModelError(f"{name} gives every token the same chance: its weights are broken. Fetch or save it again.")
    moved = (logits[:, :-1] - others[:, :-1]).abs().max()
    if moved > 1e-2 * logits.std():
        raise ModelError(
            f"{name} ({type(model).__name__}) is not a causal language model: what it says of a token hangs on the "
            "tokens behind it, as in an encoder such as BERT. Name a model that was made to generate text."
        )


def _logits(model: PreTrainedModel, ids: torch.Tensor) -> Tensor:
    import torch

    with torch.inference_mode():
        answer: Any = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    logits: Tensor = answer.logits.float()
    return logits
