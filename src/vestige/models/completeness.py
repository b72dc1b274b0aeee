"""Whether a loaded model is the one that was stored. transformers fills what it misses with random numbers and only
warns; here that is an error, and what it left aside is either named or an error too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from vestige.errors import ModelError, named

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_RECOMPUTED: Final = re.compile(
    r"(^|\.)(attn|attention|self_attn|self_attention)\.(bias|masked_bias)$"
    r"|rotary_emb\.inv_freq$|position_ids$|token_type_ids$|embed_positions\.weights?$|num_batches_tracked$"
)
"""Masks, angles and places that older files keep and that every model works out for itself."""

_FEW: Final = 4


def foreign_parts(model: PreTrainedModel, info: Mapping[str, Any], *, name: str) -> tuple[str, ...]:
    """Parts of the files that are no part of the loaded model (`bert.pooler`, `vision_tower`, `score`), sorted.

    `info` is what `from_pretrained(…, output_loading_info=True)` tells. Tied weights are not missing: transformers
    leaves them out.

    Raises:
        ModelError: weights of the model are missing or have another shape; or weights are left over inside it, as with
            a layer more than the configuration says.
    """
    mismatched = sorted(info["mismatched_keys"])
    missing = sorted(info["missing_keys"])
    if mismatched:
        key, stored, expected = mismatched[0]
        raise ModelError(
            f"The weights of {name} do not fit its config.json: {len(mismatched)} have another shape "
            f"({named([one[0] for one in mismatched], most=_FEW)}). {key} is stored as {tuple(stored)} and should be "
            f"{tuple(expected)}. Name the folder in which the model was saved, with its own config.json."
        )
    unexpected = sorted(key for key in info["unexpected_keys"] if not _is_recomputed(key, model))
    if missing:
        left = f" Its files hold others that do not belong: {named(unexpected, most=2)}." if unexpected else ""
        raise ModelError(
            f"The model {name} is not whole: {len(missing)} weights of a {type(model).__name__} are missing from its "
            f"files ({named(missing, most=_FEW)}), and would be random.{left} Name a folder that save_pretrained wrote "
            "of the whole language model, head included."
        )
    roots = {key: _foreign_root(key, model) for key in unexpected}
    if own := [key for key, root in roots.items() if root is None]:
        raise ModelError(
            f"The weights of {name} do not fit its config.json: {len(own)} are left over inside the model "
            f"({named(own, most=_FEW)}), so that it would be another one than was saved. Name the folder in which the "
            "model was saved, with its own config.json."
        )
    return tuple(sorted({root for root in roots.values() if root is not None}))


def _is_recomputed(key: str, model: PreTrainedModel) -> bool:
    return _RECOMPUTED.search(key) is not None or any(
        path in dict(model.named_buffers()) for path in _paths(key, model)
    )


def _paths(key: str, model: PreTrainedModel) -> tuple[str, str]:
    """A key as it stands, and below the prefix of the trunk, which some files leave out."""
    return key, f"{model.base_model_prefix}.{key}"


def _foreign_root(key: str, model: PreTrainedModel) -> str | None:
    """The part that a left-over weight belongs to, None where that is the model itself.

    A part is foreign where it hangs on the model outside its numbered layers, as a module that the model has not.
    """
    modules = dict(model.named_modules())
    plain, prefixed = _paths(key, model)
    path = plain if _longest(prefixed, modules) == model.base_model_prefix else prefixed
    path = plain if _longest(plain, modules) else path
    inside = _longest(path, modules)
    rest = path[len(inside) :].lstrip(".").split(".")
    in_layers = any(part.isdigit() for part in [*inside.split("."), rest[0]])
    is_leaf = inside != "" and not list(modules[inside].children())
    if in_layers or is_leaf or len(rest) == 1:
        return None
    return f"{inside}.{rest[0]}".lstrip(".")


def _longest(path: str, modules: Mapping[str, Any]) -> str:
    """The longest beginning of a dotted path that is a module; the empty path is the model."""
    parts = path.split(".")
    return next(prefix for size in range(len(parts), -1, -1) if (prefix := ".".join(parts[:size])) in modules)
