"""The texts of a pretraining: every token in its place, and every fiftieth text held out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from vestige.errors import DataError
from vestige.pretraining.spec import Pretraining
from vestige.pretraining.texts import HELD_OUT_OF, Blocks, blocks_of, texts_of
from vestige.testing.models import tiny_texts, tiny_tokenizer


def written(folder: Path, texts: list[str], *, field: str = "text") -> Pretraining:
    path = folder / "texts.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({field: text}) + "\n" for text in texts)
    return Pretraining(path=(str(path),), field=field, tokens=10**6, context=16)


def test_every_token_is_in_one_block_and_every_text_ends(tmp_path: Path) -> None:
    texts, tokenizer = tiny_texts(2 * HELD_OUT_OF + 7), tiny_tokenizer()
    trained, held_out = blocks_of(written(tmp_path, texts), tokenizer)
    ids = [[*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id] for text in texts]
    apart = [own for place, own in enumerate(ids) if place in (HELD_OUT_OF - 1, 2 * HELD_OUT_OF - 1)]
    kept = [own for own in ids if own not in apart]
    for blocks, whole in ((trained, np.concatenate(kept)), (held_out, np.concatenate(apart))):
        assert len(blocks) == len(whole) // 16
        assert np.concatenate([block.ids for block in blocks]).tolist() == whole[: 16 * len(blocks)].tolist()
        assert {(block.first, block.end, len(block.ids)) for block in blocks} == {(1, 16, 16)}


def test_no_more_is_read_than_is_trained_on(tmp_path: Path) -> None:
    many = written(tmp_path, tiny_texts(500)).model_copy(update={"tokens": 2000})
    trained, held_out = blocks_of(many, tiny_tokenizer())
    assert 2000 <= 16 * len(trained) < 2100
    assert len(held_out) > 0


def test_enough_is_held_out_however_little_is_trained_on(tmp_path: Path) -> None:
    little = written(tmp_path, tiny_texts(600)).model_copy(update={"tokens": 1000, "context": 64})
    _, held_out = blocks_of(little, tiny_tokenizer())
    assert len(held_out) == 1


def test_blocks_are_a_sequence() -> None:
    blocks = Blocks(np.arange(35, dtype=np.uint32), 10)
    assert [block.id for block in blocks] == ["block-0", "block-1", "block-2"]
    assert blocks[-1].ids.tolist() == list(range(20, 30))
    assert [block.id for block in blocks[1:]] == ["block-1", "block-2"]
    with pytest.raises(IndexError):
        blocks[3]


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few for one block of 16 tokens"):
        blocks_of(written(tmp_path, tiny_texts(HELD_OUT_OF - 1)), tiny_tokenizer())


def test_texts_are_read_from_the_field_that_is_named(tmp_path: Path) -> None:
    pretraining = written(tmp_path, ["one", "", "two"], field="story")
    assert list(texts_of(pretraining)) == ["one", "two"]
    with pytest.raises(DataError, match=r"no field 'text'.*story"):
        list(texts_of(pretraining.model_copy(update={"field": "text"})))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "a `path`, or a `hub` id"),
        ({"path": "a.txt", "hub": "a/b"}, "not both"),
        ({"path": "a.txt", "hub_split": "train[:1%]"}, "belong to a hub set"),
    ],
)
def test_one_source_is_named(table: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Pretraining.model_validate(table)
