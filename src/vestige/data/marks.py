"""Texts that bring their own BOS and EOS, as a chat template leaves them: told apart from what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vestige.records import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Settled:
    """An example without the marks that it brought.

    EOS and any white space behind it are taken off its completion (and its references), BOS and any white space before
    it off its beginning; where the tokenizer does not itself begin texts with BOS, one stays there, in the prompt.
    Marks inside a text stay what they are.
    """

    example: Example
    own_bos: bool
    own_eos: bool


def settled(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase) -> list[Settled]:
    """Take off the marks that the examples bring themselves, as often as they are there; harmless to repeat."""
    bos = _mark(tokenizer, tokenizer.bos_token, tokenizer.bos_token_id)
    eos = _mark(tokenizer, tokenizer.eos_token, tokenizer.eos_token_id)
    kept = "" if adds_bos(tokenizer) else bos
    return [_settled(example, bos=bos, eos=eos, kept=kept) for example in examples]


def adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer itself begins a text with BOS."""
    bos = tokenizer.bos_token_id
    return bos is not None and tokenizer("a")["input_ids"][:1] == [bos]


def _mark(tokenizer: PreTrainedTokenizerBase, token: str | None, token_id: int | None) -> str:
    """The spelling of a mark, empty where there is none or the tokenizer reads its spelling as any other text."""
    if not token or tokenizer(token, add_special_tokens=False)["input_ids"] != [token_id]:
        return ""
    return token


def _settled(example: Example, *, bos: str, eos: str, kept: str) -> Settled:
    prompt, completion = _without_first(example.prompt, bos), example.completion
    if not prompt:
        completion = _without_first(completion, bos)
    own_bos = (prompt, completion) != (example.prompt, example.completion)
    completion, own_eos = without_end(completion, eos), without_end(completion, eos) != completion
    if not own_bos and not own_eos:
        return Settled(example, own_bos=False, own_eos=False)
    references = tuple(without_end(_without_first(one, bos), eos) for one in example.references)
    prompt = kept + prompt if own_bos else prompt
    return Settled(replace(example, prompt=prompt, completion=completion, references=references), own_bos, own_eos)


def _without_first(text: str, mark: str) -> str:
    if not mark or mark not in text:
        return text
    return text[_length_of(text, mark) :]


def without_end(text: str, mark: str) -> str:
    """The text without this mark at its end, however often it is there, and white space behind it; all of it where the
    mark is empty.
    """
    if not mark or mark not in text:
        return text
    return text[: len(text) - _length_of(text[::-1], mark[::-1])]


def _length_of(text: str, mark: str) -> int:
    """Characters of the marks that a text begins with, and of the white space before each."""
    found = re.match(rf"(?:\s*{re.escape(mark)})+", text)
    return found.end() if found else 0
