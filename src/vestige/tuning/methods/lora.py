"""LoRA: low-rank additions to the linear layers of the trunk (Hu et al. 2021, arXiv:2106.09685)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, final

from pydantic import Field, PositiveInt

from vestige.tuning.methods.base import Family, LearningRates, Method
from vestige.tuning.methods.layers import Placement, fan_in_fan_out, target_paths

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@final
class Lora(Method):
    """Trains B·A of rank `r`, scaled by `alpha / r`, beside frozen linear layers.

    `targets`: `attention` (query, key, value, output), `projection` (gate, up, down) or `all`. `rslora` scales by
    `alpha / √r` (Kalajdzievski 2023, arXiv:2312.03732); `dora` trains the length of each weight column beside its
    direction (Liu et al. 2024, arXiv:2402.09353).
    """

    family: ClassVar[Family] = "parameter"
    saves: ClassVar[str] = "A and B of each layer"
    mergeable: ClassVar[bool] = True

    name: Literal["lora"] = "lora"
    learning_rate: LearningRates = (3e-4, 1e-3, 3e-3)
    r: PositiveInt = 8
    alpha: PositiveInt = 16
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: Placement = "all"
    rslora: bool = False
    dora: bool = False

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        import torch
        from peft import LoraConfig, get_peft_model

        paths = target_paths(base, self.targets)
        config = LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=paths,
            fan_in_fan_out=fan_in_fan_out(base, paths),
            use_rslora=self.rslora,
            use_dora=self.dora,
            task_type="CAUSAL_LM",
        )
        torch.manual_seed(seed)
        model = get_peft_model(base, config)
        try:
            yield model
        finally:
            model.unload()
