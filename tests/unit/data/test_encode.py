"""Which tokens a model sees, which are trained and which are scored."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from vestige.data.encode import Encoded, decode, encode, encode_prompts, refuse_unscorable, stop_ids
from vestige.data.marks import adds_bos
from vestige.errors import DataError
from vestige.records import Example
from vestige.testing.models import tiny_tokenizer

PLAIN = tiny_tokenizer()
WITH_BOS = tiny_tokenizer(bos=True)
EOS, BOS = PLAIN.eos_token_id, PLAIN.bos_token_id


def ids_of(text: str) -> list[int]:
    ids: list[int] = PLAIN(text, add_special_tokens=False)["input_ids"]
    return ids


def one(
    completion: str, *, prompt: str = "", max_length: int = 64, tokenizer: PreTrainedTokenizerFast = PLAIN
) -> Encoded:
    return encode([Example("x", prompt, completion)], tokenizer, max_length=max_length)[0]


def scored(text: Encoded) -> list[int]:
    ids: list[int] = text.ids[text.first : text.end].tolist()
    return ids


def trained(text: Encoded) -> list[int]:
    ids: list[int] = text.ids[text.first :].tolist()
    return ids


def test_the_first_token_is_never_trained_or_scored() -> None:
    text = one("Ada sold a boat")
    assert text.ids.tolist() == [*ids_of("Ada sold a boat"), EOS]
    assert scored(text) == ids_of("Ada sold a boat")[1:]


def test_bos_takes_the_first_place_where_it_is_the_tokenizers_habit() -> None:
    assert adds_bos(WITH_BOS)
    assert not adds_bos(PLAIN)
    text = one("Ada sold a boat", tokenizer=WITH_BOS)
    assert text.ids.tolist() == [BOS, *ids_of("Ada sold a boat"), EOS]
    assert scored(text) == ids_of("Ada sold a boat")


def test_eos_is_trained_and_not_scored() -> None:
    text = one("Ada sold a boat")
    assert trained(text) == [*scored(text), EOS]


def test_a_tokenizer_without_eos_ends_nothing() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    text = one("Ada sold a boat", tokenizer=tokenizer)
    assert trained(text) == scored(text) == ids_of("Ada sold a boat")[1:]


@pytest.mark.parametrize("tokenizer", [PLAIN, WITH_BOS])
def test_the_prompt_is_never_trained_or_scored(tokenizer: PreTrainedTokenizerFast) -> None:
    text = one("a boat", prompt="What did Ada sell?\n", tokenizer=tokenizer)
    assert text.ids.tolist() == [
        *([BOS] if tokenizer is WITH_BOS else []),
        *ids_of("What did Ada sell?\n"),
        *trained(text),
    ]
    assert scored(text) == ids_of("a boat")


def test_prompt_and_completion_are_tokenized_apart() -> None:
    assert ids_of("sold") != [*ids_of("s"), *ids_of("old")]
    assert one("old", prompt="s").ids.tolist() == [*ids_of("s"), *ids_of("old"), EOS]


def test_a_text_is_cut_at_its_end_and_loses_eos() -> None:
    whole = ids_of("Ada sold a boat in Lund")
    text = one("Ada sold a boat in Lund", max_length=4)
    assert text.was_cut
    assert text.ids.tolist() == whole[:4]
    assert scored(text) == trained(text) == whole[1:4]


def test_a_text_that_just_fits_loses_eos_but_is_not_cut() -> None:
    whole = ids_of("Ada sold a boat")
    text = one("Ada sold a boat", max_length=len(whole))
    assert not text.was_cut
    assert trained(text) == scored(text) == whole[1:]


def test_bytes_are_those_of_the_completion_as_far_as_it_was_kept() -> None:
    completion = "Ada sold a boat in Lund"
    kept = str(PLAIN.decode(ids_of(completion)[:4]))
    assert completion.startswith(kept)
    whole, cut = one(completion, prompt="Q: "), one(completion, prompt="Q: ", max_length=4 + len(ids_of("Q: ")))
    assert (whole.n_bytes, whole.zlib_bytes) == (len(completion), len(zlib.compress(completion.encode())))
    assert (cut.n_bytes, cut.zlib_bytes) == (len(kept), len(zlib.compress(kept.encode())))


def test_nothing_is_trained_or_scored_where_the_prompt_fills_the_length() -> None:
    text = one("a boat", prompt="What did Ada sell in Lund?\n", max_length=5)
    assert (text.n_scored, trained(text), text.was_cut, text.n_bytes) == (0, [], True, 0)


def test_a_single_token_leaves_nothing_to_score() -> None:
    assert len(ids_of("a")) == 1
    assert one("a").n_scored == 0


def test_the_order_of_the_examples_is_kept() -> None:
    examples = [Example(f"x{i}", "", "Ada sold a boat" * (1 + i % 3)) for i in range(7)]
    assert [text.id for text in encode(examples, PLAIN, max_length=32)] == [example.id for example in examples]
    assert encode([], PLAIN, max_length=32) == []


def test_only_a_corpus_without_any_scorable_text_is_refused() -> None:
    none, some = one("a"), one("Ada sold a boat")
    refuse_unscorable([none, some], max_length=64)
    refuse_unscorable([], max_length=64)
    with pytest.raises(DataError, match=r"All 2 texts are too short.*max_length = 64"):
        refuse_unscorable([none, none], max_length=64)


@given(prompt=st.text(max_size=20), completion=st.text(min_size=1, max_size=40), max_length=st.integers(2, 30))
def test_any_text_in_any_script(prompt: str, completion: str, max_length: int) -> None:
    text = one(completion, prompt=prompt, max_length=max_length)
    before = ids_of(prompt)
    whole = [*before, *ids_of(completion)]
    assert text.ids.tolist() == [*whole, EOS][:max_length]
    assert 1 <= text.first <= max(1, text.end) <= max(1, len(text.ids))
    assert scored(text) == whole[: text.end][max(1, len(before)) :]
    assert text.was_cut == (len(whole) > max_length)
    assert text.n_bytes <= len(completion.encode())
    assert np.array_equal(text.ids, one(completion, prompt=prompt, max_length=max_length).ids)


@pytest.mark.parametrize("tokenizer", [PLAIN, WITH_BOS])
def test_a_prompt_is_what_stands_before_the_completion(tokenizer: PreTrainedTokenizerFast) -> None:
    example = Example("x", "Who sold it?\n", " Ada", references=(" Ada", " Ines"))
    prompt = encode_prompts([example], tokenizer, max_length=64)[0]
    whole = encode([example], tokenizer, max_length=64)[0]
    assert (prompt.id, prompt.reason) == ("x", "")
    assert prompt.ids.tolist() == whole.ids[: whole.first].tolist()


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        (Example("x", "", " Ada", references=(" Ada",)), "no_prompt"),
        (Example("x", "Who?", " Ada"), "no_references"),
        (Example("x", "Who sold a boat near Ghent?" * 4, " Ada", references=(" Ada",)), "prompt_too_long"),
    ],
)
def test_what_cannot_be_asked_bears_a_reason(example: Example, reason: str) -> None:
    prompt = encode_prompts([example], WITH_BOS, max_length=16)[0]
    assert (prompt.reason, prompt.ids.tolist()) == (reason, [])


def test_a_prompt_leaves_room_for_one_token() -> None:
    example = Example("x", "Who sold a boat?", " Ada", references=(" Ada",))
    length = len(ids_of("Who sold a boat?"))
    assert encode_prompts([example], PLAIN, max_length=length + 1)[0].reason == ""
    assert encode_prompts([example], PLAIN, max_length=length)[0].reason == "prompt_too_long"
    assert encode_prompts([], PLAIN, max_length=length) == []


def test_answers_are_texts_without_special_tokens_and_blanks_around() -> None:
    ids = np.asarray([BOS, *ids_of(" Ada sold a boat\n")])
    assert decode([ids, ids[:0]], PLAIN) == ["Ada sold a boat", ""]
    assert stop_ids(PLAIN) == (EOS,)
