"""What a base sees of a corpus, and what it must not: ids that it has no row for, and one text in two groups.

Texts are told apart by their tokens after the cut, since that is what is trained and scored: two letters that differ
beyond `max_length` are one text to the model, and "yes" to two questions is two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from vestige.data.corpus import CorpusSpec
from vestige.data.encode import Encoded, encode, stop_ids
from vestige.data.lengths import Lengths
from vestige.data.validity import SHOWN, equal, listed, repeated, same_text
from vestige.errors import DataError, ModelError, named, printable
from vestige.records import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TEXTS_AT_ONCE = 1000
"""A tokenizer's answer takes a hundred bytes for each token, as long as it is held."""

Tokenizers = Mapping[str, "PreTrainedTokenizerBase"]
"""The tokenizer of each base of a study, by the name of the base."""


def encoded(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Iterator[Encoded]:
    """The examples as `encode` has them, one after the other, however many they are."""
    for start in range(0, len(examples), _TEXTS_AT_ONCE):
        yield from encode(examples[start : start + _TEXTS_AT_ONCE], tokenizer, max_length=max_length)


def lengths_of(texts: Sequence[Encoded]) -> Lengths:
    """The lengths of encoded texts."""
    return Lengths(
        texts=len(texts),
        tokens=sum(len(text.ids) for text in texts),
        scored=sum(text.n_scored for text in texts),
        cut=sum(text.was_cut for text in texts),
        unscorable=sum(text.n_scored == 0 for text in texts),
        own_bos=sum(text.own_bos for text in texts),
        own_eos=sum(text.own_eos for text in texts),
    )


def same_after_cut(examples: Sequence[Example], tokenizers: Tokenizers, *, max_length: int) -> tuple[str, ...]:
    """The ids of the examples that any of the bases takes for an earlier one, in their order; the first of each stays.

    One that is left out for one base is not what a later one is held against, for any base.
    """
    readings = [encoded(examples, tokenizer, max_length=max_length) for tokenizer in tokenizers.values()]
    met: set[tuple[int, bytes]] = set()
    left_out: list[str] = []
    for texts in zip(*readings, strict=True):
        own = {(base, content) for base, text in enumerate(texts) if (content := _content(text))}
        if met & own:
            left_out.append(texts[0].id)
        else:
            met |= own
    return tuple(left_out)


def _content(text: Encoded) -> bytes:
    """What tells a text from others; empty where nothing of it is trained, so that it is neither member nor not."""
    return blake2b(text.ids.tobytes(), digest_size=16).digest() if text.first < len(text.ids) else b""


def refuse_same_after_cut(
    examples: Sequence[Example], texts: Sequence[Encoded], *, spec: CorpusSpec, base: str
) -> None:
    """Raise DataError, with the ids, where two texts of different groups are one to the model."""
    pairs = repeated(examples, [_content(text) or None for text in texts])
    if not pairs:
        return
    raise DataError(
        f"Corpus '{printable(spec.name)}': to the model {printable(base)}, {len(pairs)} of the texts chosen are the "
        f"same as one of another group ({equal(pairs)}), and would be member and non-member at once. "
        f"{_why_same(pairs, texts, max_length=spec.max_length)} "
        'Or set `duplicates = "drop"` to keep the first of each.'
    )


def _why_same(pairs: Sequence[tuple[Example, Example]], texts: Sequence[Encoded], *, max_length: int) -> str:
    cut = {text.id for text in texts if text.was_cut}
    beyond = sum(one.id in cut or other.id in cut for one, other in pairs)
    alike = "spelled in ways that its tokenizer does not tell apart"
    if not beyond:
        return f"They are {alike}: remove the later ones."
    others = f", and {len(pairs) - beyond} are {alike}" if beyond < len(pairs) else ""
    who = "They" if not others else f"{beyond} of them"
    return f"{who} differ only beyond max_length = {max_length}: raise max_length{others}."


def refuse_shared_texts(
    source: CorpusSpec, shadow: Sequence[Example], corpus: CorpusSpec, attacked: Sequence[Example], bases: Tokenizers
) -> None:
    """Within a corpus no text is in two roles; an attack model that goes to another one must not meet its own texts.

    Raises DataError where attacked texts are among those of the other corpus's shadow, as texts or to any of the bases.
    """
    known = {same_text(example) for example in shadow}
    shared = {example.id for example in attacked if same_text(example) in known}
    for tokenizer in bases.values():
        met = {_content(text) for text in encoded(shadow, tokenizer, max_length=source.max_length)} - {b""}
        texts = encoded(attacked, tokenizer, max_length=corpus.max_length)
        shared |= {text.id for text in texts if _content(text) in met}
    if shared:
        ids = [example.id for example in attacked if example.id in shared]
        raise DataError(
            f"train_on = {{ corpus = '{printable(source.name)}' }}: its role `shadow` shares texts with the corpus "
            f"'{printable(corpus.name)}', {listed(ids)}, and an attack model would know them again. Remove them from "
            "one of the two, or leave this transfer out."
        )


def refuse_unknown_ids(
    texts: Iterable[Encoded], tokenizer: PreTrainedTokenizerBase, *, base: str, rows: int | None
) -> None:
    """Raise ModelError, with the tokens, where texts or their end have ids beyond the `rows` of a model's embedding.

    Only tokens that were added to a tokenizer are spelled: others are pieces of the texts.
    """
    if rows is None:
        return
    own = {int(text.ids.max(initial=0)) for text in texts} | set(stop_ids(tokenizer))
    if max(own, default=0) < rows:
        return
    beyond = sorted({int(one) for text in texts for one in text.ids[text.ids >= rows]} | {i for i in own if i >= rows})
    added = tokenizer.added_tokens_decoder
    tokens = [f"{str(added[one])!r} ({one})" if one in added else str(one) for one in beyond]
    raise ModelError(
        f"The tokenizer of {printable(base)} and its weights do not match: the texts, or the token that ends them, "
        f"have ids that the model has no row for, {named(tokens, most=SHOWN)}. Its embedding has {rows} rows, its "
        f"tokenizer {len(tokenizer)} tokens. Save the model with a resized embedding "
        f"(model.resize_token_embeddings({max(*beyond, len(tokenizer) - 1) + 1})), fine-tuned with it, or put the "
        "tokenizer in its folder that belongs to it."
    )
