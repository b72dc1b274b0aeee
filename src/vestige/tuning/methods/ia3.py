"""(IA)³: trained factors on keys, values and the inner activations of the projection block (Liu et al. 2022,
arXiv:2205.05638).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final

from vestige.errors import ModelError
from vestige.tuning.methods.adapted import adapted
from vestige.tuning.methods.base import Family, LearningRates, Method
from vestige.tuning.methods.layers import fan_in_fan_out, kinds_of, targets_of

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

KEYS: Final = frozenset({"k_proj", "key", "k_lin", "Wk", "project_k"})
VALUES: Final = frozenset({"v_proj", "value", "v_lin", "Wv", "project_v"})
BOTH: Final = frozenset(
    {"c_attn", "query_key_value", "qkv_proj", "Wqkv", "kv_proj", "kv_b_proj", "in_proj_qkv", "in_proj_qkvz"}
)
"""Keys and values in one layer, most with the queries."""
DOWN: Final = frozenset(
    {"down_proj", "c_proj", "fc2", "fc_out", "dense_4h_to_h", "w2", "lin2", "output_linear", "Wo", "w_out"}
)


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
        from peft import IA3Config

        keys_and_values, down = _keys_and_values(base), _down(base)
        config = IA3Config(
            target_modules=keys_and_values + down,
            feedforward_modules=down,
            fan_in_fan_out=fan_in_fan_out(base, down),
            task_type="CAUSAL_LM",
        )
        with adapted(base, config) as model:
            yield model


def _keys_and_values(base: PreTrainedModel) -> list[str]:
    parts = _parts(base, "attention")
    without = [path for paths in parts.values() if not _has_keys_and_values({*map(_name, paths)}) for path in paths]
    _refuse(base, without, what="keys and values", names=KEYS | VALUES | BOTH)
    return [path for paths in parts.values() for path in paths if _name(path) in KEYS | VALUES | BOTH]


def _has_keys_and_values(names: set[str]) -> bool:
    return bool(names & BOTH or (names & KEYS and names & VALUES))


def _down(base: PreTrainedModel) -> list[str]:
    parts = _parts(base, "projection")
    without = [path for paths in parts.values() if not DOWN & {*map(_name, paths)} for path in paths]
    _refuse(base, without, what="last projection layer", names=DOWN)
    return [path for paths in parts.values() for path in paths if _name(path) in DOWN]


def _parts(base: PreTrainedModel, placement: Literal["attention", "projection"]) -> dict[str, list[str]]:
    """The linear layers of each part of each block, in the model's order; a part is `model.layers.0.mlp`, or the block
    itself where they stand directly in it. What stands in no block has neither keys nor inner activations.
    """
    targets = targets_of(base, placement)
    if targets.stacked:
        raise ModelError(
            f"(IA)³ cannot scale what is inside the experts of {type(base).__name__}, stacked in one parameter: "
            f"{', '.join(kinds_of(targets.stacked))} would stay as they are. Use lora."
        )
    parts: dict[str, list[str]] = {}
    for path in targets.linear:
        *around, _ = path.split(".")
        if numbers := [place for place, part in enumerate(around) if part.isdigit()]:
            parts.setdefault(".".join(around[: numbers[-1] + 2]), []).append(path)
    return parts


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _refuse(base: PreTrainedModel, paths: list[str], *, what: str, names: frozenset[str]) -> None:
    if paths:
        raise ModelError(
            f"(IA)³ finds no {what} in a part of {type(base).__name__} that has {', '.join(kinds_of(paths))}: it knows "
            f"them by the names {', '.join(sorted(names))}. Use lora."
        )
