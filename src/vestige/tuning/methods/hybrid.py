"""Hybrids: two methods trained at once, each part as it would be alone."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, final

from pydantic import BeforeValidator, PositiveFloat

from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods.base import Family, LearningRates, Method
from vestige.tuning.methods.head import Head
from vestige.tuning.methods.lora import Lora
from vestige.tuning.methods.prompt import Prompt

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

OF_THE_WHOLE: Final = frozenset({"learning_rate", "warmup"})


def _part(table: object) -> object:
    if isinstance(table, Mapping) and (own := sorted(OF_THE_WHOLE & set(table))):
        raise ValueError(f"a part has no {' and no '.join(own)}: they belong to the hybrid")
    return table


_Part = BeforeValidator(_part)


class Hybrid(Method):
    """Two methods at once; `name` names the fields that hold them.

    `learning_rate` is that of one part, and the part `scaled` has `ratio` times it, because what is right for LoRA is
    far too little for a soft prompt.

    Each part is prepared by its own method, a prompt last, because peft wraps the model in it. peft freezes what was
    attached before, and would save the prompt alone; here both parts are set to train, and saved by name like any
    other weights.
    """

    always_keyed: ClassVar[frozenset[str]] = frozenset({"ratio"})
    family: ClassVar[Family] = "hybrid"
    scaled: ClassVar[Literal["prompt", "head"]]
    ratio: PositiveFloat

    @property
    def parts(self) -> list[Method]:
        """The two methods, in the order of the name."""
        return [getattr(self, part) for part in self.name.split("+")]

    @property
    def virtual_tokens(self) -> int:
        return sum(part.virtual_tokens for part in self.parts)

    @property
    def starts_as_base(self) -> bool:
        return all(part.starts_as_base for part in self.parts)

    def refuse_missing_library(self) -> None:
        for part in self.parts:
            part.refuse_missing_library()

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PreTrainedModel | PeftModel]:
        first, second = sorted(self.parts, key=lambda part: part.family == "prompt")
        with first.prepare(base, seed=seed) as inner:
            trained = list(trained_parameters(inner).values())
            with _second_adapter(), second.prepare(base, seed=seed) as outer:
                for parameter in trained:
                    parameter.requires_grad_(True)
                yield outer

    def rate_factor(self, parameter: str) -> float:
        return self.ratio if _part_of(parameter) == self.scaled else 1.0

    def spec(self) -> dict[str, Any]:
        spec = super().spec()
        counted = {part.name: part.keyed_fields for part in self.parts if part.name in spec}
        return spec | {name: _without(frozenset(spec[name]) - own, spec[name]) for name, own in counted.items()}

    def settings(self) -> dict[str, Any]:
        settings = super().settings()
        return settings | {part.name: _without(OF_THE_WHOLE | {"name"}, settings[part.name]) for part in self.parts}

    @property
    def label(self) -> str:
        names = "+".join(part.label for part in self.parts)
        fields = type(self).model_fields
        own = [
            f"{name}={value:g}"
            for name in ("ratio", "warmup")
            if (value := getattr(self, name)) != fields[name].default
        ]
        return f"{names}({', '.join(own)})" if own else names


def _without(names: frozenset[str], table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}


@contextlib.contextmanager
def _second_adapter() -> Iterator[None]:
    """peft warns of a second adapter, which is what a hybrid is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are trying to modify a model with PEFT for a second time")
        yield


def _part_of(parameter: str) -> Literal["prompt", "lora", "head"]:
    """To which part a trained parameter belongs, by its name in the prepared model."""
    if parameter.startswith("prompt_encoder."):
        return "prompt"
    return "lora" if ".lora_" in parameter else "head"


@final
class LoraPrompt(Hybrid):
    """LoRA and prompt tuning; the learning rate is LoRA's."""

    saves: ClassVar[str] = "LoRA's A and B, and the virtual tokens' embeddings"
    mergeable: ClassVar[bool] = False
    scaled: ClassVar[Literal["prompt", "head"]] = "prompt"

    always_keyed: ClassVar[frozenset[str]] = frozenset({"lora", "prompt"})
    name: Literal["lora+prompt"] = "lora+prompt"
    learning_rate: LearningRates = (1e-4, 3e-4, 1e-3)
    ratio: PositiveFloat = 30.0
    lora: Annotated[Lora, _Part] = Lora()
    prompt: Annotated[Prompt, _Part] = Prompt()


@final
class LoraHead(Hybrid):
    """LoRA and the output layer; the learning rate is LoRA's."""

    saves: ClassVar[str] = "LoRA's A and B, and the output layer"
    mergeable: ClassVar[bool] = True
    scaled: ClassVar[Literal["prompt", "head"]] = "head"

    always_keyed: ClassVar[frozenset[str]] = frozenset({"lora", "head"})
    name: Literal["lora+head"] = "lora+head"
    learning_rate: LearningRates = (3e-4, 1e-3, 3e-3)
    ratio: PositiveFloat = 0.3
    lora: Annotated[Lora, _Part] = Lora()
    head: Annotated[Head, _Part] = Head()


@final
class PromptHead(Hybrid):
    """Prompt tuning and the output layer; the learning rate is that of the output layer."""

    saves: ClassVar[str] = "the virtual tokens' embeddings, and the output layer"
    mergeable: ClassVar[bool] = False
    scaled: ClassVar[Literal["prompt", "head"]] = "prompt"

    always_keyed: ClassVar[frozenset[str]] = frozenset({"prompt", "head"})
    name: Literal["prompt+head"] = "prompt+head"
    learning_rate: LearningRates = (1e-4, 3e-4, 1e-3)
    ratio: PositiveFloat = 300.0
    prompt: Annotated[Prompt, _Part] = Prompt()
    head: Annotated[Head, _Part] = Head()
