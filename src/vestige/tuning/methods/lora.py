"""LoRA: low-rank additions to the matrices of the trunk (Hu et al. 2021, arXiv:2106.09685)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, final

from pydantic import Field, PositiveInt

from vestige.errors import ModelError
from vestige.tuning.methods.adapted import adapted
from vestige.tuning.methods.base import Family, LearningRates, Method
from vestige.tuning.methods.four_bits import in_four_bits, refuse_missing_bitsandbytes
from vestige.tuning.methods.layers import Placement, fan_in_fan_out, targets_of

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@final
class Lora(Method):
    """Trains B·A of rank `r`, scaled by `alpha / r`, beside frozen linear layers and the stacked matrices of experts,
    each expert with a B·A of its own.

    `targets`: `attention` (query, key, value, output), `projection` (every other one but the output layer: gate, up,
    down) or `all`. Embeddings, the routers of experts, convolutions and norms are never adapted. `rslora` scales by
    `alpha / √r` (Kalajdzievski 2023, arXiv:2312.03732); `dora` trains the length of each weight column beside its
    direction (Liu et al. 2024, arXiv:2402.09353). Neither `dora` nor `dropout` is defined for stacked matrices.
    `quantize = "nf4"` is QLoRA (Dettmers et al. 2023, arXiv:2305.14314): all linear layers but the output layer stand
    rounded to 4 bits while it is trained and scored; what it is compared with is the base as it is. It is for measuring
    what that leaks: whole and rounded weights are in memory together. Not for mixtures of experts and Mamba's kin.
    """

    family: ClassVar[Family] = "parameter"
    saves: ClassVar[str] = "A and B of each layer"
    mergeable: ClassVar[bool] = True

    always_keyed: ClassVar[frozenset[str]] = frozenset({"r", "alpha", "dropout", "targets", "rslora", "dora"})
    name: Literal["lora"] = "lora"
    learning_rate: LearningRates = (3e-4, 1e-3, 3e-3)
    r: PositiveInt = 8
    alpha: PositiveInt = 16
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: Placement = "all"
    rslora: bool = False
    dora: bool = False
    quantize: Literal["nf4"] | None = None

    @property
    def starts_as_base(self) -> bool:
        return self.quantize is None

    def refuse_missing_library(self) -> None:
        if self.quantize:
            refuse_missing_bitsandbytes()

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        import torch
        from peft import LoraConfig

        targets = targets_of(base, self.targets)
        if targets.stacked and (self.dora or self.dropout):
            raise ModelError(
                f"{type(base).__name__} is a mixture of experts, whose matrices are stacked in one parameter, and LoRA "
                f"has no {'dora' if self.dora else 'dropout'} for these. Leave it out, or set targets = 'attention'."
            )
        config = LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=targets.linear,
            target_parameters=targets.stacked or None,
            fan_in_fan_out=fan_in_fan_out(base, targets.linear),
            use_rslora=self.rslora,
            use_dora=self.dora,
            task_type="CAUSAL_LM",
        )
        torch.manual_seed(seed)
        rounded = in_four_bits(base) if self.quantize else contextlib.nullcontext()
        with rounded, adapted(base, config) as model:
            yield model
