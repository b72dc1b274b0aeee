"""Claims that a study file asks for by name: those of published studies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vestige.claims.published import PAPER, READ_OFF
from vestige.outcome.claims import Claim, Part

_PARAMETER, _PROMPT, _STRUCTURED = ("parameter",), ("prompt",), ("webnlg",)
_ATTENTION, _PROJECTION, _BOTH = ("lora(targets=attention)",), ("lora(targets=projection)",), ("lora(targets=all)",)
_EPOCH: Final = 5
"""Of its tables."""

_OF_2507_00258: Final = (
    Claim(
        "C1",
        "Parameter-based fine-tuning memorizes more than prompt-based",
        (Part(_PARAMETER, "more", against=_PROMPT),),
        _EPOCH,
        published=(
            "Table 2, LOSS, means by family: +.27 on WebNLG, +.35 on WikiText, +.24 on XSum. At equal perplexity "
            f"(Figures 1 and 3, {READ_OFF}) LoRA minus P-tuning: +.013, +.033, +.015"
        ),
    ),
    Claim(
        "C2",
        "With epochs, memorization grows for parameter-based fine-tuning and stays flat for prompt-based",
        (
            Part(_PARAMETER, "more", grows_with="epochs"),
            Part(_PROMPT, "equivalent", grows_with="epochs"),
        ),
        published="Figure 1, LOSS, WikiText, epoch 1 to 15: head +.43, LoRA +.40; on WebNLG P-tuning +.06",
    ),
    Claim(
        "C3",
        "With model size, memorization grows for parameter-based fine-tuning and stays flat for prompt-based",
        (
            Part(_PARAMETER, "more", grows_with="size"),
            Part(_PROMPT, "equivalent", grows_with="size"),
        ),
        _EPOCH,
        published="Table 3, LOSS, WikiText, GPT-2 117M to 1.5B: full +.39, head +.09, LoRA +.01, prompt +.00",
    ),
    Claim(
        "C4",
        "Prompt-based fine-tuning reaches comparable task performance",
        (Part(_PROMPT, "no less", against=_PARAMETER, quantity="utility"),),
        _EPOCH,
        published="Table 2, perplexity, P-tuning against LoRA: 1.64 and 1.52, 7.59 and 8.27, 4.16 and 4.51",
    ),
    Claim(
        "C5",
        "Prompt-based fine-tuning memorizes more of structured data",
        (Part(_PROMPT, "more", corpora=_STRUCTURED, against_corpora=("wikitext", "xsum")),),
        _EPOCH,
        published="Table 2, LOSS, mean of the prompt-based: .61 on WebNLG, .48 on WikiText, .53 on XSum",
    ),
    Claim(
        "C6",
        "LoRA on projection layers memorizes more than on attention, and on both more than on either",
        (
            Part(_PROJECTION, "more", against=_ATTENTION),
            Part(_BOTH, "more", against=_ATTENTION),
            Part(_BOTH, "more", against=_PROJECTION),
        ),
        _EPOCH,
        published="Table 4, LOSS, attention, projection, both: .55, .58, .62 on WikiText; .73, .78, .80 on WebNLG",
    ),
)

CLAIMS: Final[Mapping[str, tuple[Claim, ...]]] = MappingProxyType({PAPER: _OF_2507_00258})
"""Name → claims, in their order."""
