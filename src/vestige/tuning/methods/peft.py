"""Any tuner of the installed peft that changes a model's layers, by its type: OFT, VeRA, MiSS, SHiRA and the others
(Mangrulkar et al. 2022, https://github.com/huggingface/peft; the paper of each is named in peft's docs).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, cast, final, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, field_validator, model_validator

from vestige.errors import ModelError, near_misses, printable
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods.adapted import adapted
from vestige.tuning.methods.base import Family, LearningRates, Method
from vestige.tuning.methods.layers import Placement, fan_in_fan_out, named_paths, norms_of, target_paths

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel

_OWN: Final = {"PROMPT_TUNING": "prompt", "P_TUNING": "p_tuning", "PREFIX_TUNING": "prefix"}
TAKEN: Final = {
    "target_modules": "`targets` says which layers",
    "exclude_modules": "`targets` says which layers",
    "layers_to_transform": "`targets` says which layers",
    "layers_pattern": "`targets` says which layers",
    "fan_in_fan_out": "it is found out from the model",
    "modules_to_save": "a checkpoint holds what the adapter trains; `lora+head` trains the output layer too",
    "bias": "a checkpoint holds what the adapter trains, and a bias is the base's own",
    "total_step": "it is that of the training",
    "generator_seed": "a generator of its own would have a state that no checkpoint holds",
}
"""Fields that are not for a study to set, and why."""

_READS_DATA: Final = frozenset({"eva", "corda", "lora_ga"})
_SEEDS: Final = ("seed", "prng_key")
"""How the names of the fields end that say what a part that stays frozen is drawn from."""

_LAYER: Final = re.compile(r"[A-Za-z_][\w.]*")
_TOLERANCE: Final = 1e-5
_MANY: Final = 1_000_000
_FAR: Final = 0.1
"""By how much the weights of a tuner are moved to see what it does, and by how much logits must differ to be others."""


@final
class Peft(Method):
    """Trains what the tuner `type` of the installed peft adds to linear layers, or to norms.

    Further keys are those of its config in peft, as in `{ name = "peft", type = "OFT", oft_block_size = 16 }`.
    `targets`: `attention`, `projection` or `all`, as of `lora`; `norms`, which is what LN_TUNING is for; `default`, the
    layers that peft chooses for an architecture; or the names of layers, `"q_proj, v_proj"`. Types that put virtual
    tokens before a text have methods of their own; types that need what a study does not have (the number of a task,
    other adapters, texts to start from) are refused.

    Differs from peft in its seeds: what is drawn and stays frozen is drawn from 0 where the config leaves it to chance,
    so that every training of a study has the same.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    family: ClassVar[Family] = "parameter"
    saves: ClassVar[str] = "what the tuner trains"
    mergeable: ClassVar[bool] = False

    always_keyed: ClassVar[frozenset[str]] = frozenset({"type", "targets"})
    name: Literal["peft"] = "peft"
    learning_rate: LearningRates = (3e-4, 1e-3, 3e-3)
    type: str = "LORA"
    targets: str = "all"

    @field_validator("targets")
    @classmethod
    def _names_of_layers(cls, value: str) -> str:
        if not all(_LAYER.fullmatch(name) for name in _names(value)):
            raise ValueError(
                "expected attention, projection, all, norms or default, or the names of layers with commas between "
                'them, such as "q_proj, v_proj"'
            )
        return value

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.upper() in _OWN:
            raise ValueError(f'{value} has a method of its own: name = "{_OWN[value.upper()]}"')
        if value.upper() not in configs():
            raise ValueError(f"the installed peft has no tuner {printable(value)}.{near_misses(value, configs())}")
        return value.upper()

    @model_validator(mode="after")
    def _fields_of_its_config(self) -> Self:
        hints = fields_of(self.type)
        if refused := _refusal(self.type, self.options):
            raise ValueError(f"{self.type} {refused}")
        for name, value in self.options.items():
            if name in TAKEN:
                raise ValueError(f"{name} is not for a study to set: {TAKEN[name]}")
            if name not in hints:
                own = [one for one in hints if one not in TAKEN]
                raise ValueError(f"{self.type} has no {printable(name)}.{near_misses(name, own)}")
            try:
                TypeAdapter(hints[name]).validate_python(value)
            except ValidationError as error:
                raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """The fields of the config that are set."""
        return dict(sorted((self.model_extra or {}).items()))

    @property
    def starts_as_base(self) -> bool:
        return self._probed.starts_as_base

    @property
    def _probed(self) -> _Probed:
        # Names of layers are those of one architecture: what a tuner does, it does on any.
        targets = self.targets if self.targets in (*get_args(Placement), "norms") else "all"
        return _probe(json.dumps({**self.spec(), "targets": targets}, sort_keys=True))

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), **self.options}

    @contextlib.contextmanager
    def prepare(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        if self._probed.mixes_texts:
            raise ModelError(f"{self.type} lets a text's scores depend on what stands beside it in a batch.")
        kept = _as_it_was(base) if self._probed.changes_base else contextlib.nullcontext()
        with kept, self._attached(base, seed=seed) as model:
            yield model

    @contextlib.contextmanager
    def _attached(self, base: PreTrainedModel, *, seed: int) -> Iterator[PeftModel]:
        import torch

        config, own = self._config(base), {id(value) for value in base.parameters()}
        with contextlib.ExitStack() as stack:
            torch.manual_seed(seed)
            try:
                model = stack.enter_context(adapted(base, config))
            except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
                raise ModelError(f"peft cannot put {self.type} on {type(base).__name__}: {error}") from error
            self._refuse(model, own)
            yield model

    def _config(self, base: PreTrainedModel) -> PeftConfig:
        fields = fields_of(self.type)
        paths = self._paths(base)
        drawn = dict.fromkeys((name for name in fields if name.endswith(_SEEDS) and name not in TAKEN), 0)
        known = {"target_modules": paths, "fan_in_fan_out": fan_in_fan_out(base, paths), "task_type": "CAUSAL_LM"}
        known["total_step"] = _MANY  # until the training says how many
        given = {name: value for name, value in {**drawn, **known}.items() if name in fields}
        try:
            return configs()[self.type](**{**given, **self.options})
        except (TypeError, ValueError) as error:
            raise ModelError(f"peft refuses this {self.type}: {error}") from error

    def _paths(self, base: PreTrainedModel) -> list[str]:
        """Full paths of the layers that are adapted; ModelError where there are none."""
        if self.targets == "norms":
            return norms_of(base)
        if self.targets in get_args(Placement):
            return target_paths(base, cast("Placement", self.targets))
        if self.targets != "default":
            return named_paths(base, _names(self.targets))
        kind = str(base.config.model_type)
        chosen = _defaults(self.type).get(kind)
        if not isinstance(chosen, list) or not chosen:
            raise ModelError(f"peft has no layers of its own choice for {self.type} on {printable(kind)}: name them.")
        return named_paths(base, chosen)

    def _refuse(self, model: PeftModel, own: set[int]) -> None:
        trained = trained_parameters(model).values()
        if not trained:
            raise ModelError(f"peft attaches nothing to train with {self.type}.")
        if any(id(value) in own for value in trained):
            raise ModelError(f"{self.type} would train weights of the base itself. Name a method that trains a copy.")


def _names(targets: str) -> list[str]:
    return [name.strip() for name in targets.split(",")]


@functools.cache
def _defaults(kind: str) -> Mapping[str, Sequence[str]]:
    """Which layers peft adapts where nobody says which, by the `model_type` of the base."""
    from peft import PeftType
    from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING

    found: Mapping[str, Sequence[str]] = getattr(
        PEFT_TYPE_TO_TUNER_MAPPING.get(PeftType(kind)), "target_module_mapping", {}
    )
    return found


def _refusal(kind: str, options: Mapping[str, Any]) -> str:
    """Why a study cannot have a type, or an empty string."""
    from peft import PeftType
    from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING

    tuner, fields = PEFT_TYPE_TO_TUNER_MAPPING.get(PeftType(kind)), fields_of(kind)
    if "target_modules" not in fields:
        return "is put on no layers: it needs virtual tokens, other adapters or tasks, which this method does not have"
    if not hasattr(tuner, "unload"):
        return "cannot be taken off a model again"
    if options.get("use_asa"):
        return "keeps no record of what it remembers with use_asa = true, so that no training could go on from it"
    if options.get("init_lora_weights") in _READS_DATA:
        return f"reads texts before it begins, with init_lora_weights = {options['init_lora_weights']!r}"
    return ""


@contextlib.contextmanager
def _as_it_was(base: PreTrainedModel) -> Iterator[None]:
    """Some tuners begin by taking a part out of the base's weights (PiSSA, OLoRA), which goes back afterwards."""
    import torch

    own = list(base.parameters())
    before = [value.detach().clone() for value in own]
    try:
        yield
    finally:
        with torch.no_grad():
            for value, old in zip(own, before, strict=True):
                value.copy_(old)


@functools.cache
def configs() -> Mapping[str, type[PeftConfig]]:
    """The config of each type of the installed peft."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    return {kind.value: config for kind, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()}


@functools.cache
def fields_of(kind: str) -> Mapping[str, Any]:
    """The fields of a config that are its own, with their types."""
    from peft import PeftConfig

    config = configs()[kind]
    hints = get_type_hints(config)
    general = {field.name for field in dataclasses.fields(PeftConfig)} - {"task_type"}
    return {field.name: hints[field.name] for field in dataclasses.fields(config) if field.name not in general}


@final
@dataclasses.dataclass(frozen=True)
class _Probed:
    """What a tuner does to a model: whether it predicts as the base before it is trained, lets a text see what stands
    beside it in a batch, changes the base's weights.
    """

    starts_as_base: bool
    mixes_texts: bool
    changes_base: bool


@functools.cache
def _probe(spec: str) -> _Probed:
    """Tried on a Llama of two layers; where it does not fit that one, what is safe is taken for true."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    ids = torch.arange(32).reshape(2, 16)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        shape = LlamaConfig(vocab_size=32, hidden_size=256, intermediate_size=512, num_hidden_layers=2)
        base = LlamaForCausalLM(shape).requires_grad_(False).eval()
        before, plain = [value.clone() for value in base.parameters()], base(input_ids=ids).logits
        own = list(base.parameters())
        try:
            with Peft(**json.loads(spec))._attached(base, seed=0) as model:
                moved = (model.eval()(input_ids=ids).logits - plain).abs().max()
                changed = not all(map(torch.equal, own, before))
                for value in trained_parameters(model).values():
                    value.add_(_FAR * torch.randn_like(value))
                together, alone = model(input_ids=ids).logits[:1], model(input_ids=ids[:1]).logits
        except (ModelError, RuntimeError, TypeError, ValueError, AttributeError):
            return _Probed(starts_as_base=False, mixes_texts=False, changes_base=True)
    apart = bool((together - alone).abs().max() > _FAR * alone.abs().max())
    return _Probed(starts_as_base=bool(moved <= _TOLERANCE), mixes_texts=apart, changes_base=changed)
