"""A text that brings its own BOS and EOS has one of each, and its EOS is trained and not scored."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import AddedToken
from transformers import ByT5Tokenizer, PreTrainedTokenizerBase

from vestige.data.encode import encode, encode_behind, encode_prompts
from vestige.data.marks import settled
from vestige.records import Example
from vestige.testing.models import tiny_tokenizer

HABIT, PLAIN, BYTES = tiny_tokenizer(bos=True), tiny_tokenizer(), ByT5Tokenizer()


def one_mark_for_both() -> PreTrainedTokenizerBase:
    """As GPT-2's."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"bos_token": AddedToken("<|end|>", special=True)})
    tokenizer.eos_token = tokenizer.bos_token
    return tokenizer


BOTH = one_mark_for_both()


def rows(prompt: str, completion: str, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    text = encode([Example("x", prompt, completion)], tokenizer, max_length=60)[0]
    return text.ids.tolist(), text.ids[text.first : text.end].tolist()


@pytest.mark.parametrize(
    ("tokenizer", "prompt", "completion", "bare"),
    [
        (HABIT, "", "<bos>Ada sold a boat<eos>", ("", "Ada sold a boat")),
        (HABIT, "<bos>user: Ada sold", " a boat<eos>", ("user: Ada sold", " a boat")),
        (HABIT, "<bos><bos>Who?\n", "Ada<eos><eos>", ("Who?\n", "Ada")),
        (HABIT, "\n<bos>Who?\n", "Ada<eos>\n", ("Who?\n", "Ada")),
        (HABIT, "", "Ada\n<eos> \n<eos>\n", ("", "Ada\n")),
        (HABIT, "<bos>", "<bos>Ada<eos>", ("", "Ada")),
        (PLAIN, "", "Ada sold a boat<eos>", ("", "Ada sold a boat")),
        (PLAIN, "Who?\n", "Ada<eos>\n", ("Who?\n", "Ada")),
        (BYTES, "Who?\n", "Ada</s>\n", ("Who?\n", "Ada")),
    ],
)
def test_a_mark_that_the_text_brings_is_not_doubled(
    tokenizer: PreTrainedTokenizerBase, prompt: str, completion: str, bare: tuple[str, str]
) -> None:
    assert rows(prompt, completion, tokenizer) == rows(*bare, tokenizer)


@pytest.mark.parametrize("tokenizer", [PLAIN, BOTH])
def test_bos_of_the_text_stays_once_where_the_tokenizer_has_not_the_habit(tokenizer: PreTrainedTokenizerBase) -> None:
    bos, eos = tokenizer.bos_token, tokenizer.eos_token
    said = tokenizer("Ada sold a boat", add_special_tokens=False)["input_ids"]
    for text in (f"{bos}Ada sold a boat{eos}", f"{bos}{bos}Ada sold a boat"):
        assert rows("", text, tokenizer) == ([tokenizer.bos_token_id, *said, tokenizer.eos_token_id], said)
    asked = encode_prompts(
        [Example("x", bos, "Ada", ("Ada",)), Example("y", f"{bos}Who?", "Ada", ("Ada",))], tokenizer, max_length=60
    )
    assert [prompt.reason for prompt in asked] == ["no_prompt", ""]
    assert asked[1].ids[0] == tokenizer.bos_token_id


def test_marks_inside_a_text_stay_what_they_are() -> None:
    for prompt, completion in (("Who?<eos>", "A<eos>B"), ("Who?", "<bos>A"), ("", "A<bos>B<eos>C")):
        ids, _ = rows(prompt, completion, HABIT)
        parts = [HABIT(text, add_special_tokens=False)["input_ids"] for text in (prompt, completion)]
        assert ids == [1, *parts[0], *parts[1], 2]


def test_what_the_tokenizer_reads_as_text_is_text() -> None:
    tokenizer = tiny_tokenizer(bos=True)
    tokenizer.eos_token = None
    assert not settled([Example("x", "", "A<eos>")], tokenizer)[0].own_eos


def test_bytes_are_those_of_what_is_scored_and_references_are_bare() -> None:
    example = Example("x", "<bos>Who?", "Ada<eos>", ("Ada<eos>", "Ines<eos>\n"))
    text = encode([example], HABIT, max_length=60)[0]
    assert (text.n_bytes, text.own_bos, text.own_eos) == (3, True, True)
    (found,) = settled([example], HABIT)
    assert found.example == Example("x", "Who?", "Ada", ("Ada", "Ines"))
    assert settled([found.example], HABIT)[0].example == found.example


def test_a_text_that_just_fits_without_its_own_eos_is_not_cut() -> None:
    length = len(PLAIN("Ada sold a boat", add_special_tokens=False)["input_ids"])
    text = encode([Example("x", "", "Ada sold a boat<eos>")], PLAIN, max_length=length)[0]
    assert (text.was_cut, text.end, len(text.ids)) == (False, length, length)


def test_a_beginning_of_texts_with_marks_has_none() -> None:
    context = [Example("a", "<bos>Who?", " Ada<eos>"), Example("b", "", "<bos>Ines<eos>")]
    bare = [Example("a", "Who?", " Ada"), Example("b", "", "Ines")]
    for tokenizer in (HABIT, PLAIN):
        texts = encode([Example("x", "", "<bos>Jonas sold<eos>")], tokenizer, max_length=60)
        behind = encode_behind(context, texts, tokenizer, tokens=6)
        expected = encode_behind(bare, encode([Example("x", "", "Jonas sold")], HABIT, max_length=60), HABIT, tokens=6)
        assert np.array_equal(behind.beginning, expected.beginning)
        assert np.array_equal(behind.texts[0].ids, expected.texts[0].ids)
        assert behind.texts[0].ids.tolist().count(1) == 0
