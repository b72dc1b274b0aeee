"""What a base sees of a corpus, and what it must not: ids that it has no row for, and one text in two groups.

Texts are told apart by their tokens after the cut, since that is what is trained and scored: two letters that differ
beyond `max_length` are one text to the model, and "yes" to two questions is two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from vestige.data.corpus import CorpusSpec
from vestige.data.encode import Encoded, encode, refuse_unscorable, stop_ids, trained_ids
from vestige.data.lengths import Lengths
from vestige.data.validity import SHOWN, equal, listed, repeated, same_text
from vestige.errors import DataError, ModelError, named, printable
from vestige.records import Example, Ints, Role

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TEXTS_AT_ONCE = 1000
"""A tokenizer's answer takes a hundred bytes for each token, as long as it is held."""

Tokenizers = Mapping[str, "PreTrainedTokenizerBase"]
"""The tokenizer of each base of a study, by the name of the base."""


def encoded(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Iterator[Encoded]:
    """The examples as `encode` has them, one after the other, however many they are."""
    for some in _slices(examples):
        yield from encode(some, tokenizer, max_length=max_length)


def _slices(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    return (examples[start : start + _TEXTS_AT_ONCE] for start in range(0, len(examples), _TEXTS_AT_ONCE))


def lengths_seen(
    spec: CorpusSpec,
    roles: Mapping[Role, Sequence[Example]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    base: str,
    rows: int | None,
) -> dict[Role, Lengths]:
    """How long the texts of each role are to a base whose embedding has so many `rows`.

    Raises ModelError where it has no row for a token; DataError where it sees a text in two groups of a corpus whose
    duplicates are refused, or where a role has nothing that can be scored.
    """
    texts = {role: list(encoded(roles[role], tokenizer, max_length=spec.max_length)) for role in roles}
    every = [text for of_role in texts.values() for text in of_role]
    _refuse_unknown_ids(every, tokenizer, base=base, rows=rows)
    if spec.duplicates == "refuse":
        _refuse_same_after_cut([one for role in roles for one in roles[role]], every, spec=spec, base=base)
    for of_role in texts.values():
        refuse_unscorable(of_role, max_length=spec.max_length)
    return {role: _lengths_of(of_role) for role, of_role in texts.items()}


def refuse_own_marks(lengths: Mapping[tuple[str, str], Mapping[Role, Lengths]]) -> None:
    """Raise DataError where texts bring their own BOS or EOS (keyed by base and corpus): a masked language model, which
    knows other marks, would take pieces of them for words.
    """
    for (_, corpus), roles in lengths.items():
        if any(one.own_bos or one.own_eos for one in roles.values()):
            raise DataError(
                f"Corpus '{printable(corpus)}': its texts bring their own BOS or EOS, and masked_lm would replace "
                "words within these marks. Remove the marks from the texts, or leave masked_lm out: words are "
                "then swapped."
            )


def _lengths_of(texts: Sequence[Encoded]) -> Lengths:
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
    readings = [_contents(examples, tokenizer, max_length=max_length) for tokenizer in tokenizers.values()]
    met: set[tuple[int, bytes]] = set()
    left_out: list[str] = []
    for example, *contents in zip(examples, *readings, strict=True):
        own = {(base, content) for base, content in enumerate(contents) if content}
        if met & own:
            left_out.append(example.id)
        else:
            met |= own
    return tuple(left_out)


def _contents(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Iterator[bytes]:
    """What tells each example from others; empty where nothing of it is trained: it is neither member nor not."""
    for some in _slices(examples):
        yield from map(_digest, trained_ids(some, tokenizer, max_length=max_length))


def _digest(ids: Ints) -> bytes:
    return blake2b(ids.tobytes(), digest_size=16).digest() if len(ids) else b""


def _refuse_same_after_cut(
    examples: Sequence[Example], texts: Sequence[Encoded], *, spec: CorpusSpec, base: str
) -> None:
    """Raise DataError, with the ids, where two texts of different groups are one to the model."""
    pairs = repeated(examples, [_digest(text.ids) if text.first < len(text.ids) else None for text in texts])
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
        met = set(_contents(shadow, tokenizer, max_length=source.max_length)) - {b""}
        contents = _contents(attacked, tokenizer, max_length=corpus.max_length)
        shared |= {example.id for example, content in zip(attacked, contents, strict=True) if content in met}
    if shared:
        ids = [example.id for example in attacked if example.id in shared]
        raise DataError(
            f"train_on = {{ corpus = '{printable(source.name)}' }}: its role `shadow` shares texts with the corpus "
            f"'{printable(corpus.name)}', {listed(ids)}, and an attack model would know them again. Remove them from "
            "one of the two, or leave this transfer out."
        )


def _refuse_unknown_ids(
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
