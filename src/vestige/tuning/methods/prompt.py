"""Prompt tuning: trained input embeddings in front of a frozen model (Lester et al. 2021, arXiv:2104.08691)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from pydantic import model_validator

from vestige.tuning.methods.base import LearningRates
from vestige.tuning.methods.soft_prompt import SoftPrompt

if TYPE_CHECKING:
    from peft import PeftModel, PromptTuningConfig
    from transformers import PreTrainedModel


@final
class Prompt(SoftPrompt):
    """Trains `tokens` virtual tokens.

    `init`: `vocabulary`, the embeddings of tokens drawn from the vocabulary; `random`, normal numbers with the mean
    and spread of the model's embeddings; `text`, the embeddings of `text`, repeated or cut to fit.

    Differs from peft in `random`, which there is N(0, 1) whatever the scale of the embeddings.
    """

    saves: ClassVar[str] = "the virtual tokens' embeddings"

    always_keyed: ClassVar[frozenset[str]] = frozenset({"init", "text"})
    name: Literal["prompt"] = "prompt"
    learning_rate: LearningRates = (3e-2, 1e-1, 3e-1)
    init: Literal["vocabulary", "random", "text"] = "vocabulary"
    text: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_text_is_for_starting(cls, table: Any) -> Any:
        return {"init": "text", **table} if isinstance(table, Mapping) and table.get("text") is not None else table

    @model_validator(mode="after")
    def _text_where_it_is_used(self) -> Self:
        if (self.init == "text") != (self.text is not None):
            raise ValueError(f"init = {self.init!r} and text = {self.text!r} do not go together")
        return self

    def _config(self, base: PreTrainedModel) -> PromptTuningConfig:
        from peft import PromptTuningConfig

        return PromptTuningConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.tokens,
            prompt_tuning_init={"vocabulary": "SAMPLE_VOCAB", "random": "RANDOM", "text": "TEXT"}[self.init],
            prompt_tuning_init_text=self.text,
            tokenizer_name_or_path=base.config._name_or_path if self.init == "text" else None,
        )

    def _begin(self, model: PeftModel, base: PreTrainedModel) -> None:
        import torch

        if self.init == "random":
            embedding = base.get_input_embeddings()
            weight = embedding.get_parameter("weight").float() * float(getattr(embedding, "scalar_embed_scale", 1))
            with torch.no_grad():
                (start,) = model.prompt_encoder.parameters()
                start.mul_(weight.std(0)).add_(weight.mean(0))
