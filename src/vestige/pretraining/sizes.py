"""`scratch:1m` and its like: how many parameters a name asks for, and the shape that has about as many."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final, final

from vestige.errors import ConfigError, printable
from vestige.pretraining.spec import Pretraining

_NAME: Final = re.compile(r"scratch:(?P<number>\d{1,4}(\.\d{1,3})?)(?P<unit>[km])")
_UNITS: Final = {"k": 10**3, "m": 10**6}
_LEAST: Final = 100_000
_MOST: Final = 2_000_000_000

_FURTHEST: Final = 0.25
"""By what factor a shape may miss the parameters that its name asks for, as a logarithm."""

_HEAD: Final = 16
"""Width of an attention head; four of them where the model is 256 wide or more."""

_ASPECT: Final = 32.0
"""Width over layers that is aimed at: that of small models which were tuned for it lies between 20 and 60."""


def parameters_asked(model: str) -> int:
    """How many parameters a name such as `scratch:0.3m` asks for; ConfigError where it is none."""
    match = _NAME.fullmatch(model)
    count = round(float(match["number"]) * _UNITS[match["unit"]]) if match else 0
    if not _LEAST <= count <= _MOST:
        raise ConfigError(
            f"'{printable(model)}' is no size of a model to pretrain: expected `scratch:` and its parameters, from "
            "`scratch:100k` to `scratch:2000m`, such as scratch:0.3m, scratch:1m or scratch:10m."
        )
    return count


@final
@dataclass(frozen=True)
class Size:
    """Layers and width of a model whose input and output embeddings are one matrix."""

    layers: int
    width: int

    @property
    def inner(self) -> int:
        """Parameters without embeddings, but for norms and biases: attention takes four squares of the width, the
        rest of a layer eight.
        """
        return 12 * self.layers * self.width**2

    def parameters(self, rows: int) -> int:
        """Those and the embeddings of so many rows."""
        return self.inner + rows * self.width

    @property
    def head(self) -> int:
        """Width of an attention head."""
        return _HEAD if self.width < 256 else 4 * _HEAD


def size_of(model: str, pretraining: Pretraining) -> Size:
    """The shape whose parameters come nearest to those that a name asks for; a like one is weighed by how slim it is.

    Raises:
        ConfigError: the name is no size; or none comes near, since the embeddings alone have too many parameters.
    """
    asked, rows = parameters_asked(model), rows_of(pretraining)
    widths = [*range(_HEAD, 256, _HEAD), *range(256, 4097, 64)]
    every = (Size(layers, width) for width in widths for layers in range(2, 49))
    found = min(every, key=lambda size: _distance(size, asked, rows))
    if abs(math.log(found.parameters(rows) / asked)) > _FURTHEST:
        raise ConfigError(
            f"'{model}' cannot be had with {rows:,} rows of embeddings (`vocabulary`, and the `context` of gpt2): the "
            f"nearest has {found.parameters(rows):,} parameters. Ask for another size, or lower them in [pretrain]."
        )
    return found


def rows_of(pretraining: Pretraining) -> int:
    """Rows of the embeddings of tokens, and of positions where there are such."""
    return pretraining.vocabulary + (pretraining.context if pretraining.shape == "gpt2" else 0)


def _distance(size: Size, parameters: int, rows: int) -> float:
    off = math.log(size.parameters(rows) / parameters)
    slim = math.log(size.width / size.layers / _ASPECT)
    return abs(off) + 0.1 * slim**2


def config_of(size: Size, pretraining: Pretraining, *, end: int) -> dict[str, Any]:
    """The configuration that transformers makes such a model from; `end` is the token that ends a text."""
    # No `pad_token_id`: Llama keeps the row of that token at zero, and it is the one that ends a text.
    common = {"vocab_size": pretraining.vocabulary, "bos_token_id": end, "eos_token_id": end}
    heads = size.width // size.head
    if pretraining.shape == "gpt2":
        own = {"n_embd": size.width, "n_layer": size.layers, "n_head": heads, "n_positions": pretraining.context}
        return {**common, **own, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0}
    return {
        **common,
        "hidden_size": size.width,
        # Three matrices, which together hold eight squares of the width.
        "intermediate_size": 8 * round(size.width / 3),
        "num_hidden_layers": size.layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "max_position_embeddings": pretraining.context,
        "tie_word_embeddings": True,
    }


def rate_of(size: Size, pretraining: Pretraining) -> float:
    """The highest learning rate of a training."""
    if pretraining.learning_rate is not None:
        return pretraining.learning_rate
    return float(3e-3 * (size.parameters(rows_of(pretraining)) / 1e6) ** -0.25)
