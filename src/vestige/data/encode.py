"""Example → token ids and scored tokens: the only place that tokenizes, for training, scoring and generation.

ids = [BOS if the tokenizer has the habit] + prompt ids + completion ids + [EOS]. Trained: the completion and EOS.
Scored: the completion. The first position is never trained or scored, because no method but a soft prompt could predict
it. Text beyond `max_length` is cut at its end, EOS with it. A text that brings its own BOS or EOS gets no second one.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from vestige.data.marks import Settled, adds_bos, settled
from vestige.data.tokens import Tokens, covered, first_tokens
from vestige.errors import ConfigError, DataError
from vestige.records import Example, Ints

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Encoded:
    """One example as a model sees it.

    `ids[first:end]` are the scored tokens, `ids[first:]` the trained ones. `was_cut` tells that `max_length` took
    something away; `n_bytes` and `zlib_bytes` describe the completion as far as it was kept; `own_bos` and `own_eos`
    that the text brought them itself.
    """

    id: str
    ids: Ints = field(repr=False)
    first: int
    end: int
    was_cut: bool
    n_bytes: int
    zlib_bytes: int
    own_bos: bool = False
    own_eos: bool = False

    @property
    def n_scored(self) -> int:
        """Scored tokens; 0 where the text is too short or its prompt fills `max_length`."""
        return max(0, self.end - self.first)


def encode(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> list[Encoded]:
    """Tokenize examples, prompt and completion apart, in the order given."""
    return [_described(row, tokenizer) for row in _rows(examples, tokenizer, max_length=max_length)]


def trained_ids(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> list[Ints]:
    """What tells each example from others: the ids that `encode` gives it, none where nothing of them is trained."""
    rows = _rows(examples, tokenizer, max_length=max_length)
    return [row.ids if row.first < len(row.ids) else row.ids[:0] for row in rows]


@dataclass(frozen=True)
class AfterBeginning:
    """Texts after one common beginning.

    * `beginning`: token ids that come before every text, BOS first where the texts begin with it.
    * `texts`: what follows it. A text keeps its length, and its scored tokens their places: where texts begin with BOS,
      the last token of the beginning takes the place of a text's own, `[BOS a b] + [BOS x]` → `[BOS a] + [b x]`.
    * `used`: how many examples, from the first on, this beginning and those before it were made of, the last one of
      each perhaps cut.
    """

    beginning: Ints = field(repr=False)
    texts: list[Encoded]
    used: int


def encode_behind(
    context: Sequence[Example],
    texts: Sequence[Encoded],
    tokenizer: PreTrainedTokenizerBase,
    *,
    tokens: int,
    place: int = 0,
) -> AfterBeginning:
    """Put one beginning of exactly `tokens` tokens (BOS not counted) before every text, which `encode` encoded.

    The beginning is the context, each prompt and completion joined, one example after the other in the order given, a
    line break between them, cut at its end. `place`: which beginning, from 0; the next one begins with the example
    after the last one used. Raises ConfigError where the context has too few tokens.
    """
    used = 0
    for number in range(place + 1):
        ids, taken = _beginning_of(context[used:], tokenizer, tokens=tokens)
        used += taken
        if len(ids) < tokens:
            raise ConfigError(_too_few_for(place + 1, number, len(ids), context=context, tokens=tokens))
    if not _all_begin_with_bos(texts, tokenizer):
        return AfterBeginning(np.asarray(ids, dtype=np.int64), list(texts), used)
    beginning = np.asarray([tokenizer.bos_token_id, *ids], dtype=np.int64)
    moved = [replace(text, ids=np.concatenate([beginning[-1:], text.ids[1:]])) for text in texts]
    return AfterBeginning(beginning[:-1], moved, used)


def _beginning_of(
    examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, tokens: int
) -> tuple[list[int], int]:
    """The first `tokens` tokens of the examples, or as many as there are, and how many examples they are made of."""
    parts = [_content(one.example, tokenizer) for one in settled(examples, tokenizer)]
    (found,) = first_tokens(["\n".join(parts)], tokenizer, needed=tokens)
    ids = found.ids[:tokens]
    starts = np.cumsum([0, *(len(part) + 1 for part in parts)])[:-1]
    return ids, int(np.sum(starts < covered(found, tokenizer, kept=len(ids))))


def _content(example: Example, tokenizer: PreTrainedTokenizerBase) -> str:
    """A settled example as a part of something longer: no BOS stays before it."""
    return (example.prompt + example.completion).removeprefix(tokenizer.bos_token or "")


def _all_begin_with_bos(texts: Sequence[Encoded], tokenizer: PreTrainedTokenizerBase) -> bool:
    return adds_bos(tokenizer) or (bool(texts) and all(text.own_bos for text in texts))


def _too_few_for(wanted: int, filled: int, left: int, *, context: Sequence[Example], tokens: int) -> str:
    """Why so many beginnings cannot be had, of which `filled` can and `left` tokens remain for the next."""
    have = filled * tokens + left
    about = -(-wanted * (tokens + 1) * max(1, len(context)) // max(1, have))
    what = f"a beginning of {tokens} tokens is" if wanted == 1 else f"{wanted} beginnings of {tokens} tokens each are"
    return (
        f"{what} to come before every text, and the {len(context)} texts that it is made of have {have} together. "
        f"Raise `context` in [[corpus]], or `pool` where they are known members, to about {about} such texts, or ask "
        "for fewer tokens (`prefix`) or fewer beginnings (`beginnings`) in the attack."
    )


@dataclass(frozen=True)
class Prompt:
    """What a model is to go on from: [BOS if the tokenizer has the habit] + prompt ids, as in `Encoded`.

    `reason` is empty where a model can be asked and its answer judged; else it says why not, and `ids` is empty:
    `no_prompt`, `no_references`, or `prompt_too_long` (it leaves no room for a completion within `max_length`).
    """

    id: str
    ids: Ints = field(repr=False)
    reason: str = ""


def encode_prompts(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> list[Prompt]:
    """Tokenize the prompts of examples, in the order given."""
    start = _start_ids(tokenizer)
    found = [one.example for one in settled(examples, tokenizer)]
    prompts = first_tokens([example.prompt for example in found], tokenizer, needed=max_length)
    return [
        _prompt(example, start + prompt.ids, tokenizer=tokenizer, max_length=max_length)
        for example, prompt in zip(found, prompts, strict=True)
    ]


def _prompt(example: Example, ids: list[int], *, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Prompt:
    is_empty = example.prompt in ("", tokenizer.bos_token)
    reason = "no_prompt" if is_empty else "no_references" if not example.references else ""
    if not reason and len(ids) >= max_length:
        reason = "prompt_too_long"
    return Prompt(example.id, np.asarray([] if reason else ids, dtype=np.int64), reason)


def decode(answers: Sequence[Ints], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Generated token ids as texts, special tokens left out, blanks around them too."""
    as_written = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return [str(tokenizer.decode(ids.tolist(), **as_written)).strip() for ids in answers]


def _start_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return [tokenizer.bos_token_id] if adds_bos(tokenizer) else []


def stop_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The tokens that end a text: EOS, with which every training ends its texts; none where the tokenizer has none."""
    return () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)


def refuse_unscorable(encoded: Sequence[Encoded], *, max_length: int) -> None:
    """Raise DataError where no text at all has a token to score; single ones are masked and counted later."""
    if encoded and not any(text.n_scored for text in encoded):
        raise DataError(
            f"All {len(encoded)} texts are too short to score: none has a token of its completion after its first "
            f"token within max_length = {max_length}. Raise max_length, or give longer completions or shorter prompts."
        )


@dataclass(frozen=True)
class _Row:
    """An example in its place: `before` tokens, and behind them those of its completion, `length` together, of which
    `max_length` leaves `ids`.
    """

    found: Settled
    completion: Tokens
    ids: Ints
    before: int
    length: int
    max_length: int

    @property
    def end(self) -> int:
        return min(self.length, self.max_length)

    @property
    def first(self) -> int:
        return min(max(1, self.before), self.end)


def _rows(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> list[_Row]:
    found = settled(examples, tokenizer)
    prompts = first_tokens([one.example.prompt for one in found], tokenizer, needed=max_length)
    completions = first_tokens([one.example.completion for one in found], tokenizer, needed=max_length)
    start, stop = _start_ids(tokenizer), list(stop_ids(tokenizer))
    return [
        _row(one, start + prompt.ids, completion, stop, max_length=max_length)
        for one, prompt, completion in zip(found, prompts, completions, strict=True)
    ]


def _row(found: Settled, before: list[int], completion: Tokens, stop: list[int], *, max_length: int) -> _Row:
    ids = np.asarray((before + completion.ids + stop)[:max_length], dtype=np.int64)
    return _Row(found, completion, ids, len(before), len(before) + len(completion.ids), max_length)


def _described(row: _Row, tokenizer: PreTrainedTokenizerBase) -> Encoded:
    kept = max(0, row.end - row.before)
    content = row.completion.text[: covered(row.completion, tokenizer, kept=kept)].encode()
    return Encoded(
        id=row.found.example.id,
        ids=row.ids,
        first=row.first,
        end=row.end,
        was_cut=row.length > row.max_length,
        n_bytes=len(content),
        zlib_bytes=len(zlib.compress(content)),
        own_bos=row.found.own_bos,
        own_eos=row.found.own_eos,
    )
