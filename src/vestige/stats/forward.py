"""A fine-tuned model as every pass over finished weights runs it: what comes before all texts is worked out once, not
once per batch.

Virtual tokens, and the tokens of a view's beginning behind them, come before every text and attend to none of them, so
their keys and values are the same for all: they are computed when the pass begins and lent to each batch as its past.
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
    """The language model inside a prepared one, with the past that its virtual tokens leave, and behind them the
    tokens of `beginning`, shape (tokens,), if there are any; make it anew whenever the weights have changed.

    * `core`: the language model itself; parts that a method put inside it are there.
    * `virtual`: how many virtual tokens come before each text; `ahead`: how many tokens, with the beginning's.
    """

    def __init__(self, model: PreTrainedModel | PeftModel, *, beginning: Tensor | None = None) -> None:
        self.core = base_of(model)
        with torch.inference_mode():
            self._past = _past(model, self.core)
            self.virtual = 0 if self._past is None else int(self._past.get_seq_length())
            if beginning is not None and len(beginning):
                self._past = _extended(self._past, self.core, beginning=beginning)
        self.ahead = 0 if self._past is None else int(self._past.get_seq_length())

    def __call__(self, *, attention_mask: Tensor, **inputs: Tensor) -> Any:
        """The model's output for a right-padded batch: `input_ids`, or `inputs_embeds`, and `attention_mask`, of shape
        (texts, length). Its logits, where it still has its head, are (texts, length, vocabulary), what comes ahead of
        the texts left out.
        """
        if self._past is None:
            return self.core(**inputs, attention_mask=attention_mask, use_cache=False)
        texts = len(attention_mask)
        mask = torch.cat([attention_mask.new_ones(texts, self.ahead), attention_mask], dim=1)
        return self.core(**inputs, attention_mask=mask, past_key_values=self.past(texts))

    def past(self, texts: int) -> Cache | None:
        """Keys and values of what comes ahead of a batch of texts, to be used up by it; None where nothing does."""
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
    return _kept(answer, core, what="virtual tokens need")


def _extended(past: Cache | None, core: PreTrainedModel, *, beginning: Tensor) -> Cache:
    """The past, if there is one, and behind it the keys and values of these tokens."""
    ids = beginning[None].to(core.device)
    with head_taken_out(core):
        # A prefix is the adapter's own cache: what is written into must be a copy of it.
        answer: Any = core(input_ids=ids, past_key_values=copy.deepcopy(past), use_cache=True)
    return _kept(answer, core, what="a beginning before the texts needs")


def _kept(answer: Any, core: PreTrainedModel, *, what: str) -> Cache:
    if answer.past_key_values is None:
        raise ScoringError(f"{type(core).__name__} keeps no keys and values, which {what}.")
    kept: Cache = answer.past_key_values
    return kept
