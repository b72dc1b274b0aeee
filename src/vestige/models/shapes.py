"""How large a model is, and what a token costs it: from its configuration, or for well-known ones from a table, so that
a study can be priced where no model is at hand.

A matrix of m × n costs a token 2mn floating-point operations forward, as much backward for what goes on to the layers
before it, and as much again for its own gradient where it is trained (Kaplan et al. 2020, arXiv:2001.08361, section
2.1, with attention and the output layer counted as they are).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, final

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


TRAINED_BYTES: Final = 16
"""Bytes of a trained parameter: itself, its gradient and AdamW's two moments in fp32."""


@final
@dataclass(frozen=True)
class Shape:
    """Layers and widths of a decoder. `inner`: width of the projection; `matrices` of it: three where it is gated.

    `query` and `key`: width of all query heads together, and of all key heads. `tied`: one matrix is both the input
    embedding and the output layer. `positions`: rows of a table of positions; 0 where there is none.
    """

    layers: int
    width: int
    inner: int
    query: int
    key: int
    vocabulary: int
    matrices: int = 3
    tied: bool = True
    positions: int = 0

    @classmethod
    def of(cls, config: PreTrainedConfig) -> Self:
        """That of a configuration of transformers; what it does not say is taken to be as in Llama."""
        text: Any = config.get_text_config()
        width, heads = text.hidden_size, text.num_attention_heads
        head = getattr(text, "head_dim", None) or width // heads
        is_gpt2 = text.model_type in ("gpt2", "gpt_neox")
        return cls(
            layers=text.num_hidden_layers,
            width=width,
            inner=getattr(text, "intermediate_size", None) or getattr(text, "n_inner", None) or 4 * width,
            query=heads * head,
            key=(getattr(text, "num_key_value_heads", None) or heads) * head,
            vocabulary=text.vocab_size,
            matrices=2 if is_gpt2 else 3,
            tied=bool(getattr(text, "tie_word_embeddings", True)),
            positions=text.max_position_embeddings if text.model_type == "gpt2" else 0,
        )

    @property
    def attention(self) -> int:
        """Parameters of the matrices of attention, of one layer."""
        return 2 * self.width * self.query + 2 * self.width * self.key

    @property
    def projection(self) -> int:
        """Those of the projection."""
        return self.matrices * self.width * self.inner

    @property
    def trunk(self) -> int:
        """All matrices of all layers."""
        return self.layers * (self.attention + self.projection)

    @property
    def head(self) -> int:
        """The output layer."""
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        """All of them but norms and biases, which are a thousandth."""
        return self.trunk + self.head * (1 if self.tied else 2) + self.positions * self.width

    def forward(self, *, length: float, past: int = 0) -> float:
        """Operations of one token in the layers, in a text of so many behind so many virtual ones: every token is
        held against all others, as fused attention counts it.
        """
        return 2.0 * self.trunk + self.layers * 4.0 * (length + past) * self.query

    @property
    def logits(self) -> float:
        """Operations of one scored or trained token in the output layer."""
        return 2.0 * self.head


def _llama(layers: int, width: int, inner: int, heads: tuple[int, int, int], vocabulary: int, *, tied: bool) -> Shape:
    """`heads`: of queries, of keys, and the width of one."""
    query, key, head = heads
    return Shape(layers, width, inner, query * head, key * head, vocabulary, tied=tied)


def _gpt2(layers: int, width: int) -> Shape:
    return Shape(layers, width, 4 * width, width, width, 50_257, matrices=2, tied=True, positions=1024)


def _pythia(layers: int, width: int) -> Shape:
    return Shape(layers, width, 4 * width, width, width, 50_304, matrices=2, tied=False)


SHAPES: Final[Mapping[str, Shape]] = {
    "smollm2-135m": _llama(30, 576, 1536, (9, 3, 64), 49_152, tied=True),
    "HuggingFaceTB/SmolLM2-135M": _llama(30, 576, 1536, (9, 3, 64), 49_152, tied=True),
    "HuggingFaceTB/SmolLM2-360M": _llama(32, 960, 2560, (15, 5, 64), 49_152, tied=True),
    "HuggingFaceTB/SmolLM2-1.7B": _llama(24, 2048, 8192, (32, 32, 64), 49_152, tied=True),
    "openai-community/gpt2": _gpt2(12, 768),
    "openai-community/gpt2-medium": _gpt2(24, 1024),
    "openai-community/gpt2-large": _gpt2(36, 1280),
    "openai-community/gpt2-xl": _gpt2(48, 1600),
    "EleutherAI/pythia-70m": _pythia(6, 512),
    "EleutherAI/pythia-160m": _pythia(12, 768),
    "EleutherAI/pythia-410m": _pythia(24, 1024),
    "EleutherAI/pythia-1b": _pythia(16, 2048),
    "EleutherAI/pythia-1.4b": _pythia(24, 2048),
    "EleutherAI/pythia-2.8b": _pythia(32, 2560),
    "EleutherAI/pythia-6.9b": _pythia(32, 4096),
    "meta-llama/Llama-2-7b-hf": _llama(32, 4096, 11_008, (32, 32, 128), 32_000, tied=False),
    "meta-llama/Llama-3.1-8B": _llama(32, 4096, 14_336, (32, 8, 128), 128_256, tied=False),
    "meta-llama/Llama-3.2-1B": _llama(16, 2048, 8192, (32, 8, 64), 128_256, tied=True),
    "meta-llama/Llama-3.2-3B": _llama(28, 3072, 8192, (24, 8, 128), 128_256, tied=True),
    "Qwen/Qwen2.5-0.5B": _llama(24, 896, 4864, (14, 2, 64), 151_936, tied=True),
    "Qwen/Qwen2.5-1.5B": _llama(28, 1536, 8960, (12, 2, 128), 151_936, tied=True),
    "Qwen/Qwen2.5-7B": _llama(28, 3584, 18_944, (28, 4, 128), 152_064, tied=False),
}
"""By the name that a study gives a model, without `@revision`."""
