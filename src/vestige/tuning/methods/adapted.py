"""How peft attaches an adapter: to exactly what a method names, and off again."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vestige.errors import ModelError
from vestige.tuning.methods.layers import kinds_of

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel


@contextlib.contextmanager
def adapted(base: PreTrainedModel, config: PeftConfig) -> Iterator[PeftModel]:
    """The base with an adapter on `target_modules` and `target_parameters` of the config, which are full paths.

    Raises:
        ModelError: peft left some of them alone.
    """
    from peft import get_peft_model

    wanted: Any = config
    names = {*(wanted.target_modules or ()), *(getattr(wanted, "target_parameters", None) or ())}
    with _targets_as_named(base), _known_to_be_right():
        model = get_peft_model(base, config)
    try:
        tuner: Any = model.base_model
        left = names - {*tuner.targeted_module_names, *tuner.targeted_parameter_names}
        if left:
            raise ModelError(f"peft attaches nothing to {', '.join(kinds_of(sorted(left)))} of {type(base).__name__}.")
        yield model
    finally:
        model.unload()


@contextlib.contextmanager
def _targets_as_named(base: PreTrainedModel) -> Iterator[None]:
    """peft takes `gate_proj` and `up_proj` in a mixture of experts for the names that the experts once had, and would
    drop the linear layers (shared experts, dense blocks) that have these names today. It knows a mixture by its
    `model_type`, which is therefore empty inside.
    """
    config: Any = base.config
    config.model_type = ""
    try:
        yield
    finally:
        del config.model_type


@contextlib.contextmanager
def _known_to_be_right() -> Iterator[None]:
    """peft warns where some layers keep their weights transposed and some do not, and does right by both; and of every
    norm, whose shape it does not look for; of a layer that could not be merged, which none is; of faster code on a GPU.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to")
        warnings.filterwarnings("ignore", message="Unsupported layer type .*Norm")
        warnings.filterwarnings("ignore", message="Detected that the base layer has no bias term")
        warnings.filterwarnings("ignore", message="Failed to load the CUDA extension|Setting boft_n_butterfly_factor")
        yield
