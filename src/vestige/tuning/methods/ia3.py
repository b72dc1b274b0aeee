"""(IA)³: trained factors on keys, values and the inner activations of the projection block (Liu et al. 2022,
arXiv:2205.05638).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final

from vestige.errors import ModelError
from vestige.tuning.methods.base import Family, LearningRates, Method
from vestige.tuning.methods.layers import fan_in_fan_out, kinds_of, target_paths

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

KEYS_AND_VALUES: Final = frozenset({"k_proj", "v_proj", "key", "value", "c_attn", "query_key_value", "qkv_proj"})
DOWN: Final = frozenset({"down_proj", "c_proj", "fc2", "fc_out", "dense_4h_to_h", "w2"})


@final
class Ia3(Method):
    """Trains a factor, at first 1, for every key, every value and every input of the last projection layer.

    Where an architecture keeps query, key and value in one layer (GPT-2, GPT-NeoX), all three are scaled. The layers
    are found by name here, because peft's own table scales queries instead of keys in some architectures.
    """

    family: ClassVar[Family] = "parameter"
    saves: ClassVar[str] = "one factor per key, value and inner activation"
    mergeable: ClassVar[bool] = True

    name: Literal["ia3"] = "ia3"
    learning_rate: LearningRates = (1e-3, 3e-3, 1e-2)

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        from peft import IA3Config, get_peft_model

        keys_and_values = _named(base, KEYS_AND_VALUES, target_paths(base, "attention"))
        down = _named(base, DOWN, target_paths(base, "projection"))
        config = IA3Config(
            target_modules=keys_and_values + down,
            feedforward_modules=down,
            fan_in_fan_out=fan_in_fan_out(base, down),
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(base, config)
        try:
            yield model
        finally:
            model.unload()


def _named(base: PreTrainedModel, names: frozenset[str], paths: list[str]) -> list[str]:
    found = [path for path in paths if path.rpartition(".")[2] in names]
    if not found:
        raise ModelError(
            f"(IA)³ finds no layer named {', '.join(sorted(names))} in {type(base).__name__}, "
            f"only {', '.join(kinds_of(paths))}."
        )
    return found
