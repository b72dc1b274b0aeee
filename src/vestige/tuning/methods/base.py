"""What a fine-tuning method is: one frozen config and one `prepare`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from vestige.store.keyed import Keyed
from vestige.tuning.checkpoint import count_trained

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

Family = Literal["parameter", "prompt", "hybrid"]


def _as_grid(value: object) -> object:
    return (value,) if isinstance(value, int | float) else value


Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LearningRates = Annotated[tuple[Rate, ...], BeforeValidator(_as_grid), Field(min_length=1, max_length=100)]


class Method(Keyed, ABC):
    """How a base model is fine-tuned: a family, a grid of learning rates to search, and what is trained.

    `warmup` is the share of the first epoch in which the learning rate rises; it is constant afterwards, so that every
    checkpoint is a finished run.

    * `family`: parameter, prompt or hybrid.
    * `saves`: what a checkpoint holds, for people.
    * `mergeable`: whether the result can be folded into a plain model of the base's architecture.
    * `training_cost`: what a trained token costs, in scored tokens, until a training of the method on the base has been
      timed in the store (SmolLM2-135M on two cores with fast bfloat16; in fp32 half of it).
    * `copies_base`: whether it trains a copy of the base in fp32, whose hidden states are finer than a bf16 base's.
    * `recomputable`: whether activations can be computed anew in the backward pass (gradient checkpointing).
    """

    always_keyed: ClassVar[frozenset[str]] = frozenset({"name", "warmup"})
    family: ClassVar[Family]
    saves: ClassVar[str]
    mergeable: ClassVar[bool]
    training_cost: ClassVar[float] = 4.0
    copies_base: ClassVar[bool] = False
    recomputable: ClassVar[bool] = True

    name: str
    learning_rate: LearningRates
    """One, or a grid to search: each is tried, and the one of the lowest validation loss goes on."""

    warmup: float = Field(default=0.2, ge=0, le=1)
    """Share of the first epoch in which the learning rate rises."""

    @property
    def virtual_tokens(self) -> int:
        """Positions of the model's context that the method takes for itself."""
        return 0

    @property
    def starts_as_base(self) -> bool:
        """Whether the model, attached and not trained, predicts as the base does; virtual tokens change that at once.
        Of a method that does not, the untrained model is kept too, as the checkpoint of epoch 0.
        """
        return self.virtual_tokens == 0

    def refuse_missing_library(self) -> None:
        """Raise ConfigError where a library that the method takes is not installed."""
        return

    @abstractmethod
    def prepare(self, base: PreTrainedModel, *, seed: int) -> AbstractContextManager[PreTrainedModel | PeftModel]:
        """`with method.prepare(base, seed=0) as model`: attach what is trained, in fp32, initialized from `seed`.

        Inside, only what is trained requires gradients; afterwards `base`, which is lent, is exactly as it was. The
        seed is applied to torch's generator, whose state is the caller's concern.
        """

    def rate_factor(self, parameter: str) -> float:
        """By what the learning rate is multiplied for a trained parameter, given its name in the prepared model."""
        return 1.0

    def spec(self) -> dict[str, Any]:
        """What of the method decides the trained weights, the learning rate apart: JSON, and `make_method` reads it. A
        field that was added later is left out at its default (see `Keyed`).
        """
        return {name: value for name, value in self.settings().items() if name in self.keyed_fields}

    def settings(self) -> dict[str, Any]:
        """All of that, for people: fields at their default too."""
        return self.model_dump(mode="json", exclude={"learning_rate"}, exclude_none=True)

    @property
    def label(self) -> str:
        """The method as a reader names it: its name, and the parameters that are not the default."""
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        own = {
            name: value for name, value in self if name not in ("name", "learning_rate") and value != defaults.get(name)
        }
        return self.name + (f"({', '.join(f'{name}={value}' for name, value in own.items())})" if own else "")


def trainable(method: Method, base: PreTrainedModel) -> int:
    """How many parameters the method trains of a frozen base."""
    with method.prepare(base, seed=0) as model:
        return count_trained(model)
