"""Prefix tuning: trained keys and values in front of every layer (Li and Liang 2021, arXiv:2101.00190)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

from pydantic import PositiveInt

from vestige.tuning.methods.base import LearningRates
from vestige.tuning.methods.soft_prompt import SoftPrompt, width_of

if TYPE_CHECKING:
    from peft import PeftModel, PrefixTuningConfig
    from torch import Tensor
    from transformers import PreTrainedModel


@final
class Prefix(SoftPrompt):
    """Trains keys and values of `tokens` virtual tokens in each layer.

    `init`: `vocabulary`, the keys and values that the model computes for tokens drawn from its vocabulary; `random`,
    N(0, 1), which is peft's start and far from the scale of any model's keys. With `projection` the prefix is the
    output of a two-layer network of width `hidden` (the model's width, if not given), which is trained in its place
    (section 4.3 of the paper) and begins at the same keys and values.

    Differs from peft in the start; see docs/decisions/0009-where-prompt-methods-begin.md for what that gains.
    """

    saves: ClassVar[str] = "keys and values of each layer, or the network that makes them"
    # peft passes the prefix as past keys and values, which a second pass through a layer would append once more.
    recomputable: ClassVar[bool] = False

    always_keyed: ClassVar[frozenset[str]] = frozenset({"init", "projection", "hidden"})
    name: Literal["prefix"] = "prefix"
    learning_rate: LearningRates = (3e-3, 1e-2, 3e-2)
    init: Literal["vocabulary", "random"] = "vocabulary"
    projection: bool = False
    hidden: PositiveInt | None = None

    def _config(self, base: PreTrainedModel) -> PrefixTuningConfig:
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.tokens,
            prefix_projection=self.projection,
            encoder_hidden_size=self.hidden or width_of(base),
        )

    def _begin(self, model: PeftModel, base: PreTrainedModel) -> None:
        if self.init == "vocabulary":
            start_at(model.prompt_encoder["default"], keys_and_values(base, tokens=self.tokens))


def keys_and_values(base: PreTrainedModel, *, tokens: int) -> Tensor:
    """What each layer computes for tokens drawn from the vocabulary, in the order that peft keeps a prefix in: shape
    (tokens, layers × 2 × heads × width of a head), fp32.
    """
    import torch

    from vestige.models.head import head_taken_out

    weight = base.get_input_embeddings().get_parameter("weight")
    ids = torch.randint(len(weight), (1, tokens)).to(base.device)
    with torch.no_grad(), head_taken_out(base):
        answer: Any = base(input_ids=ids, use_cache=True)
    parts = [part[0].to(ids.device) for layer in answer.past_key_values.layers for part in (layer.keys, layer.values)]
    return torch.stack([part.transpose(0, 1) for part in parts], dim=1).reshape(tokens, -1).float()


def start_at(encoder: Any, start: Tensor) -> None:
    """Let a prefix begin at `start`: as its own weights, or as what its network answers to its inputs.

    The network's last layer then is the smallest one that gives this answer; with more tokens than `hidden` it comes
    as near as it can.
    """
    import torch

    with torch.no_grad():
        if not encoder.prefix_projection:
            encoder.embedding.weight.copy_(start)
            return
        *first, last = encoder.transform
        inner = torch.nn.Sequential(*first)(encoder.embedding.weight)
        # Not `lstsq`, whose last bits differ from call to call.
        last.weight.copy_((torch.linalg.pinv(inner.double()) @ (start - last.bias).double()).T)
