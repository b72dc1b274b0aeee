"""A fine-tuned model as every pass over finished weights runs it: what its method puts in front of the texts is worked
out once, not once per batch.

Virtual tokens come before every text and attend to none of them, so their keys and values are the same for all: they
are computed when the pass begins and lent to each batch as its past.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from vestige.errors import ScoringError
from vestige.models.head import base_of, head_taken_out

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel
    from transformers.cache_utils import Cache


@final
class Forward:
    """The language model inside a prepared one, with the past that its virtual tokens leave; make it anew whenever
    the weights have changed.

    * `core`: the language model itself; parts that a method put inside it are there.
    * `virtual`: how many virtual tokens come before each text.
    """

    def __init__(self, model: PreTrainedModel | PeftModel) -> None:
        self.core = base_of(model)
        with torch.inference_mode():
            self._past = _past(model, self.core)
        self.virtual = 0 if self._past is None else int(self._past.get_seq_length())

    def __call__(self, *, input_ids: Tensor, attention_mask: Tensor) -> Any:
        """The model's output for a right-padded batch, both of shape (texts, length): its logits, where it still has
        its head, are (texts, length, vocabulary), the virtual tokens left out.
        """
        if self._past is None:
            return self.core(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
        mask = torch.cat([attention_mask.new_ones(len(input_ids), self.virtual), attention_mask], dim=1)
        return self.core(input_ids=input_ids, attention_mask=mask, past_key_values=self.past(len(input_ids)))

    def past(self, texts: int) -> Cache | None:
        """Keys and values of the virtual tokens for a batch, to be used up by it; None where there are none."""
        if self._past is None:
            return None
        lent = copy.deepcopy(self._past)
        lent.batch_repeat_interleave(texts)
        return lent


def _past(model: PreTrainedModel | PeftModel, core: PreTrainedModel) -> Cache | None:
    config: Any = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning:
        return None
    wrapped: Any = model
    prompt = wrapped.get_prompt(1)
    if not isinstance(prompt, Tensor):
        past: Cache = prompt  # a prefix is keys and values already
        return past
    embeddings = prompt.to(core.get_input_embeddings().get_parameter("weight").dtype)
    with head_taken_out(core):
        answer: Any = core(inputs_embeds=embeddings, use_cache=True)
    if answer.past_key_values is None:
        raise ScoringError(f"{type(core).__name__} keeps no keys and values, which virtual tokens need.")
    kept: Cache = answer.past_key_values
    return kept
