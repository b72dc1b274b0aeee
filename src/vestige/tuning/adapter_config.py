"""The adapter_config.json of peft as a method of a study: what a fine-tune elsewhere was told, asked for here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from vestige.errors import ConfigError, printable
from vestige.tuning.methods.peft import TAKEN, configs, fields_of

_VIRTUAL: Final[Mapping[str, Mapping[str, str]]] = {
    "PROMPT_TUNING": {"name": "prompt", "num_virtual_tokens": "tokens", "prompt_tuning_init_text": "text"},
    "P_TUNING": {"name": "p_tuning", "num_virtual_tokens": "tokens"},
    "PREFIX_TUNING": {"name": "prefix", "num_virtual_tokens": "tokens", "prefix_projection": "projection"},
}
"""Types that have methods of their own: the method, and what the fields are called there."""

_OF_THE_BASE: Final = frozenset({"token_dim", "num_layers", "num_attention_heads", "num_transformer_submodules"})
"""Fields of virtual tokens that follow from the base."""

_STARTS: Final[Mapping[str, str]] = {"RANDOM": "random", "SAMPLE_VOCAB": "vocabulary", "TEXT": "text"}
"""`prompt_tuning_init`, and what a prompt's start is called here."""

_OF_THE_FILE: Final = frozenset(
    {"auto_mapping", "base_model_name_or_path", "inference_mode", "peft_type", "peft_version", "revision", "task_type"}
)
"""Fields that say where a config comes from, and nothing of the method."""

_WHOLE: Final = frozenset({"bias", "exclude_modules", "layers_to_transform", "layers_pattern", "modules_to_save"})
"""Fields that a study cannot have, and that change what is trained where they are set."""


def method_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a method for a config: `name`, and whatever is not at its default in the installed peft.

    Raises:
        ConfigError: the type is unknown to the installed peft, or the config sets what a study cannot have.
    """
    kind = str(config.get("peft_type", "")).upper()
    told = {name: value for name, value in config.items() if name not in _OF_THE_FILE and value is not None}
    if kind in _VIRTUAL:
        return _of_virtual_tokens(kind, told)
    if kind not in configs():
        raise ConfigError(f"the installed peft has no tuner {printable(kind) or 'of this config'}")
    if refused := sorted(name for name in _WHOLE if told.get(name) not in (None, [], "none")):
        raise ConfigError(f"it sets {', '.join(refused)}, which a study cannot have")
    defaults = _defaults(kind)
    table: dict[str, Any] = {"name": "peft", "type": kind, "targets": _targets(told.pop("target_modules", None))}
    for name, value in sorted(told.items()):
        if name in TAKEN or (name in defaults and defaults[name] == value) or value in ({}, []):
            continue
        if name not in fields_of(kind):
            raise ConfigError(f"the installed peft has no {printable(name)} in a config of {kind}")
        table[name] = value
    return table


def _of_virtual_tokens(kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
    own, defaults = _VIRTUAL[kind], _defaults(kind)
    table = {"name": own["name"], **{own[name]: value for name, value in told.items() if name in own}}
    others = {name: value for name, value in told.items() if name not in {*own, *_OF_THE_BASE}}
    start = others.pop("prompt_tuning_init", None)
    if kind == "PROMPT_TUNING":
        # What is left out there is drawn at random.
        table["init"] = _STARTS.get(str(start or "RANDOM").rpartition(".")[2].upper(), "random")
    if set_there := sorted(name for name, value in others.items() if value != defaults.get(name)):
        raise ConfigError(f"it sets {', '.join(map(printable, set_there))}, which the method {own['name']} has not")
    return table


def _targets(modules: Any) -> str:
    """`target_modules` as `targets` are written."""
    if modules is None:
        return "default"
    if modules == "all-linear":
        return "all"
    if isinstance(modules, str):
        raise ConfigError(f"its target_modules are a pattern, '{printable(modules)}': list the layers")
    return ", ".join(sorted(modules))


def _defaults(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in dataclasses.fields(configs()[kind]):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return found
