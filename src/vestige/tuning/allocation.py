"""Ranks that move from matrix to matrix while a model is trained (AdaLoRA, Zhang et al. 2023, arXiv:2303.10512)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, final

from transformers import TrainerCallback

from vestige.store.io import read_json, write_json
from vestige.tuning.checkpoint import load_tensors, save_tensors

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_TENSORS: Final = "allocation.safetensors"
_PATTERN: Final = "allocation.json"
_AVERAGES: Final = ("exp_avg_ipt", "exp_avg_unc")
"""What the allocator remembers of how much each parameter matters: Eqs. 9 and 10 of the paper."""


@final
class Allocation(TrainerCallback):
    """Has peft's allocator take ranks away after each step, and keeps what it remembers with the training's state.

    The budget falls along the whole training, so that a checkpoint on the way has more ranks than a training that
    ends there. Differs from peft in its loss, to which the regularizer of orthogonality is not added.
    """

    def __init__(self, tuner: Any, *, steps: int) -> None:
        self._tuner = tuner
        self._config = tuner.peft_config[tuner.trainable_adapter_name]
        tuner.rankallocator.set_total_step(max(steps, self._config.tinit + self._config.tfinal + 2))

    @classmethod
    def of(cls, model: PreTrainedModel | PeftModel, *, steps: int) -> Self | None:
        """That of a model with such ranks; None for any other."""
        tuner = getattr(model, "base_model", None)
        return cls(tuner, steps=steps) if hasattr(tuner, "rankallocator") else None

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After the weights have moved, while their gradients are there; the step is counted afterwards."""
        self._tuner.update_and_allocate(state.global_step + 1)

    def save(self, folder: Path) -> None:
        """Write what goes on from here."""
        kept = {f"{name}.{key}": value for name in _AVERAGES for key, value in self._remembered(name).items()}
        save_tensors(folder / _TENSORS, kept)
        write_json(folder / _PATTERN, self._config.rank_pattern)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        device = next(self._tuner.parameters()).device
        for name, value in load_tensors(folder / _TENSORS).items():
            of, key = name.split(".", 1)
            self._remembered(of)[key] = value.to(device)
        # The allocator starts its averages at 0 for a parameter that it does not find here.
        self._tuner.rankallocator.ipt = dict.fromkeys(self._remembered(_AVERAGES[0]))
        self._config.rank_pattern = read_json(folder / _PATTERN)

    def _remembered(self, name: str) -> dict[str, Any]:
        kept: dict[str, Any] = getattr(self._tuner.rankallocator, name)
        return kept
