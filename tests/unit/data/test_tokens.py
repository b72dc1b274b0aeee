"""No more of a text is tokenized than is needed, and nobody can tell; where a token ends, offsets or not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import ByT5Tokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from vestige.data.encode import encode, encode_behind
from vestige.data.tokens import Tokens, covered, first_tokens
from vestige.records import Example
from vestige.testing.models import tiny_texts, tiny_tokenizer


def _trained(model: Any, trainer: Any, *, normalizer: Any = None, splitter: Any = None) -> PreTrainedTokenizerBase:
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if splitter is not None:
        tokenizer.pre_tokenizer = splitter
    tokenizer.train_from_iterator(tiny_texts(300), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<eos>")


def _word_piece() -> PreTrainedTokenizerBase:
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["<unk>", "<eos>"], show_progress=False)
    lower, words = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    return _trained(models.WordPiece(unk_token="<unk>"), trainer, normalizer=lower, splitter=words)


def _unigram() -> PreTrainedTokenizerBase:
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>", "<eos>"], unk_token="<unk>", show_progress=False
    )
    blanks = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip(), normalizers.Replace("  ", " ")])
    return _trained(models.Unigram(), trainer, normalizer=blanks, splitter=pre_tokenizers.Metaspace())


def _unsplit() -> PreTrainedTokenizerBase:
    """As Llama 2's: a whole text is one word, and blanks are letters."""
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "<eos>"], show_progress=False)
    blanks = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return _trained(models.BPE(unk_token="<unk>", fuse_unk=True), trainer, normalizer=blanks)


MAKERS: dict[str, Callable[[], PreTrainedTokenizerBase]] = {
    "bytes": tiny_tokenizer,
    "word_piece": _word_piece,
    "unigram": _unigram,
    "unsplit": _unsplit,
    "python": ByT5Tokenizer,
}


@functools.cache
def made(kind: str) -> PreTrainedTokenizerBase:
    return MAKERS[kind]()


def ids_of(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


piece = st.one_of(st.sampled_from([*tiny_texts(20), " ", "\n", "  a", "東京", "e\u0301", "<eos>"]), st.text(max_size=6))
long_text = st.lists(st.tuples(piece, st.integers(1, 900)), min_size=1, max_size=5)


@pytest.mark.parametrize("kind", MAKERS)
@given(parts=long_text, needed=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_the_first_tokens_are_those_of_the_whole_text(kind: str, parts: list[tuple[str, int]], needed: int) -> None:
    text = "".join(part * times for part, times in parts)
    (found,) = first_tokens([text], made(kind), needed=needed)
    assert text.startswith(found.text)
    assert found.ids[: needed + 1] == ids_of(text, made(kind))[: needed + 1]


class Counting:
    """A tokenizer that counts the characters it is given."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.asked, self._tokenizer = 0, tokenizer

    def __call__(self, texts: Any, **how: Any) -> Any:
        self.asked += sum(map(len, [texts] if isinstance(texts, str) else texts))
        return self._tokenizer(texts, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


@pytest.mark.parametrize("kind", MAKERS)
def test_of_ten_megabytes_a_few_kilobytes_are_tokenized(kind: str) -> None:
    text = " ".join(tiny_texts(200) * 1000)
    assert len(text) > 5e6
    tokenizer: Any = Counting(made(kind))
    (encoded,) = encode([Example("x", "", text)], tokenizer, max_length=40)
    behind = encode_behind([Example("y", text, text)], [], tokenizer, tokens=40)
    assert tokenizer.asked < 100_000
    whole, few = ids_of(text[:20_000], made(kind)), first_tokens([text], made(kind), needed=40)[0]
    assert encoded.ids.tolist() == behind.beginning.tolist() == whole[:40] == few.ids[:40]
    assert (encoded.was_cut, behind.used) == (True, 1)
    assert encoded.n_bytes == covered(few, made(kind), kept=40)


@pytest.mark.parametrize("kind", MAKERS)
@given(text=st.one_of(st.sampled_from(tiny_texts(30)), st.text(min_size=1, max_size=30)), data=st.data())
@settings(max_examples=20, deadline=None)
def test_what_some_tokens_cover_begins_with_them(kind: str, text: str, data: st.DataObject) -> None:
    tokens = Tokens(text, ids_of(text, made(kind)))
    kept = data.draw(st.integers(0, len(tokens.ids)))
    end = covered(tokens, made(kind), kept=kept)
    assert 0 <= end <= len(text)
    if kind in ("bytes", "python"):
        assert ids_of(text[:end], made(kind))[:kept] == tokens.ids[:kept]
        assert kept == 0 or ids_of(text[: end - 1], made(kind))[:kept] != tokens.ids[:kept]


def test_bytes_of_a_tokenizer_that_exists_in_python_alone() -> None:
    """ByT5 has a token for each byte: ten of them are ten bytes, and a letter that they break counts whole."""
    for text, size in (
        ("Ada sold a boat", 10),
        ("na\u00efve \u00e9t\u00e9 in Lund", 10),
        ("\u6771\u4eac\u90fd\u5e81", 12),
    ):
        (encoded,) = encode([Example("x", "", text)], made("python"), max_length=10)
        assert (len(encoded.ids), encoded.was_cut, encoded.n_bytes) == (10, True, size)
    behind = encode_behind([Example("x", "a", "bc"), Example("y", "", "de")], [], made("python"), tokens=4)
    assert (len(behind.beginning), behind.used) == (4, 1)
    assert encode_behind([Example("x", "a", "bc"), Example("y", "", "de")], [], made("python"), tokens=5).used == 2
