"""Which matrices of a model an adapter is attached to, by their full paths: short names are ambiguous (GPT-2's `c_proj`
is attention and projection).

Every linear layer but the output layer is one or the other, wherever it stands: in `mlp`, or directly in the block as
OPT's `fc1`. So are the stacked matrices of experts, which mixtures of experts keep in one parameter of three
dimensions. What no adapter is attached to is known by what it is (`_is_never_adapted`); a matrix that is none of all
this is an error, because a part of the model would stay frozen unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

from vestige.errors import ModelError, named, near_misses, printable

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

Placement = Literal["attention", "projection", "all"]
_Kind = Literal["linear", "stacked", "unknown"]

_ATTENTION = re.compile(r"attn|attention")
_ROUTERS = frozenset({"router", "gate", "shared_expert_gate"})
_UNREACHED = frozenset({"encoder_attn", "crossattention", "pooler", "indexer"})
"""Parts that no gradient of a language model's loss reaches: attention to an encoder that is not there, and the choice
of the tokens to attend to.
"""
_STATE = frozenset({"A_log", "dt_bias"})
"""Parameters of state-space layers that are no matrix by their use."""
_SHOWN = 8


@final
@dataclass(frozen=True)
class _Matrix:
    """`path`: of a linear layer's module, or of a parameter that stands by itself; `kind` says how it is adapted."""

    path: str
    is_attention: bool
    kind: _Kind


@final
@dataclass(frozen=True)
class Targets:
    """Full paths, in the model's order: of linear layers, and of the parameters that stack the matrices of experts."""

    linear: list[str]
    stacked: list[str]


def targets_of(base: PreTrainedModel, placement: Placement) -> Targets:
    """What is attention, what is projection (all else), or both.

    Raises:
        ModelError: there is none, or there is one that nothing can be attached to; the message lists them.
    """
    every = list(_matrices(base))
    found = [one for one in every if placement == "all" or one.is_attention == (placement == "attention")]
    if unknown := [one.path for one in found if one.kind == "unknown"]:
        raise ModelError(
            f"targets = {placement!r} would leave a part of {type(base).__name__} frozen: no adapter can be put on "
            f"{_shown(unknown)}. Name a placement without them (attention, projection), or another method."
        )
    if not found:
        raise ModelError(
            f"No {placement} layer found in {type(base).__name__}: a layer is attention when a part of its path or the "
            f"class of a module around it says so, else projection. It has: {_shown([one.path for one in every])}."
        )
    return Targets(*([one.path for one in found if one.kind == kind] for kind in ("linear", "stacked")))


def target_paths(base: PreTrainedModel, placement: Placement) -> list[str]:
    """Full paths of the linear layers among `targets_of`."""
    return targets_of(base, placement).linear


def only_linear_paths(base: PreTrainedModel) -> list[str]:
    """Full paths of all matrices that an adapter could be put on, which are all linear layers.

    Raises:
        ModelError: some are not, as the stacked experts of a mixture; the message lists them.
    """
    every = list(_matrices(base))
    if others := [one.path for one in every if one.kind != "linear"]:
        raise ModelError(f"Not every matrix of {type(base).__name__} is a linear layer: {_shown(others)}.")
    return [one.path for one in every]


def named_paths(base: PreTrainedModel, names: Sequence[str]) -> list[str]:
    """Full paths of the layers whose path ends in one of these names, as peft's `target_modules` are read, in the
    model's order.

    Raises:
        ModelError: a name is that of no layer; the near misses are named.
    """
    from torch import nn

    trunk, head = _trunk(base), base.get_output_embeddings()
    own = {
        path: module
        for path, module in base.named_modules()
        if id(module) in trunk and not isinstance(module, nn.Embedding) and _has_weights(module) and module is not head
    }
    known = {path.rpartition(".")[2] for path in own}
    for name in names:
        if any(module is head and _ends_in(path, name) for path, module in base.named_modules()):
            raise ModelError(
                f"{printable(name)} is the output layer of {type(base).__name__}, which is read as it is: `lora+head` "
                "and `head` train it."
            )
        if not any(_ends_in(path, name) for path in own):
            raise ModelError(f"{type(base).__name__} has no layer {printable(name)}.{near_misses(name, sorted(known))}")
    return [path for path in own if any(_ends_in(path, name) for name in names)]


def _ends_in(path: str, name: str) -> bool:
    return path == name or path.endswith(f".{name}")


def kinds_of(paths: list[str]) -> list[str]:
    """The paths with `#` for the numbers of blocks, each once, in their order."""
    return list(dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.|$)", "#", path) for path in paths))


def _shown(paths: list[str]) -> str:
    return named(kinds_of(paths), most=_SHOWN) or "nothing"


def _matrices(base: PreTrainedModel) -> Iterator[_Matrix]:
    """Everything with two dimensions or more in the model that reads text, what is never adapted left out."""
    attention: set[str] = set()
    mixers: set[str] = set()
    trunk = _trunk(base)
    for path, module in base.named_modules():
        around = path.rpartition(".")[0]
        attention |= {path} if around in attention or _is_attention(path, module) else set()
        mixers |= {path} if around in mixers or _is_state_space(module) else set()
        if id(module) in trunk and not _is_never_adapted(base, path, module):
            for name, kind in _own_matrices(module):
                known = "unknown" if path in mixers else kind
                yield _Matrix(f"{path}{name}", is_attention=path in attention, kind=known)


def _own_matrices(module: nn.Module) -> Iterator[tuple[str, _Kind]]:
    """What a module itself holds: what comes behind its path, and how it is adapted."""
    if _is_linear(module):
        yield "", "linear"
        return
    for name, value in module.named_parameters(recurse=False):
        if _is_matrix(name, value):
            yield f".{name}", "stacked" if value.dim() == 3 else "unknown"


def _text_model(base: PreTrainedModel) -> nn.Module:
    """The part that reads text, where there are others (a vision tower) beside it."""
    config: Any = getattr(base, "config", None)
    if config is None or config.get_text_config() is config:
        return base
    decoder: nn.Module = base.get_decoder()
    return decoder


def _trunk(base: PreTrainedModel) -> set[int]:
    """What that part is made of, by `id`."""
    return {id(module) for module in _text_model(base).modules()}


def _is_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower()


def _is_attention(path: str, module: nn.Module) -> bool:
    own_name = path.rpartition(".")[2]
    return bool(_ATTENTION.search(own_name)) or type(module).__name__.endswith("Attention")


def _is_state_space(module: nn.Module) -> bool:
    """Mamba and its kin, whose kernels read the weights of the layers inside them past what is put on a layer."""
    return {"A_log", "D"} <= {name for name, _ in module.named_parameters(recurse=False)}


def _is_linear(module: nn.Module) -> bool:
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, nn.Linear | Conv1D)


def _is_never_adapted(base: PreTrainedModel, path: str, module: nn.Module) -> bool:
    """The output layer, embeddings, convolutions, norms, the routers of experts, and what no gradient reaches."""
    from torch import nn
    from torch.nn.modules.conv import _ConvNd

    is_head = hasattr(base, "get_output_embeddings") and module is base.get_output_embeddings()
    is_other = isinstance(module, nn.Embedding | _ConvNd) or bool(_UNREACHED & set(path.split(".")))
    return is_head or _is_norm(module) or is_other or _is_router(path, module)


def _is_router(path: str, module: nn.Module) -> bool:
    """By its name, and by fewer outputs than inputs: what is called a gate can be as wide as the model."""
    if not _ROUTERS & set(path.split(".")):
        return False
    weights = [value for value in module.parameters(recurse=False) if value.dim() == 2]
    return all(len(value) < value.shape[1] for value in weights)


def _is_matrix(name: str, value: Tensor) -> bool:
    is_vector = sum(size > 1 for size in value.shape) < 2
    return not is_vector and name not in _STATE and "bias" not in name and "pos_emb" not in name


def fan_in_fan_out(base: PreTrainedModel, paths: list[str]) -> bool:
    """True where the layers keep their weights transposed, as GPT-2's do; peft must be told, and finds out for itself
    where some do and some do not.
    """
    from transformers.pytorch_utils import Conv1D

    return bool(paths) and isinstance(base.get_submodule(paths[0]), Conv1D)


def norms_of(base: PreTrainedModel) -> list[str]:
    """Full paths of the norms with weights of the model that reads text, in its order."""
    trunk = _trunk(base)
    own = ((path, module) for path, module in base.named_modules() if id(module) in trunk and _is_norm(module))
    return [path for path, module in own if _has_weights(module)]


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None
