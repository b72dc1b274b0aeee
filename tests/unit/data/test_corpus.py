"""What a corpus may say, and what identifies it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vestige.data.corpus import CorpusSpec, identity, load_examples
from vestige.errors import DataError

SIZES = {"pool": 4, "validation": 2}


def spec(**values: Any) -> CorpusSpec:
    return CorpusSpec.model_validate({**SIZES, **values})


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"recipe": "webnlg"}, "webnlg"),
        ({"recipe": "webnlg", "path": "far/train.jsonl"}, "webnlg"),
        ({"path": "far/letters.jsonl"}, "letters"),
        ({"path": ["far/letters.jsonl", "more.jsonl"]}, "letters"),
        ({"hub": "someone/letters"}, "letters"),
        ({"hub": "letters"}, "letters"),
        ({"hub": "someone/letters", "name": "mine"}, "mine"),
    ],
)
def test_default_name(values: dict[str, Any], name: str) -> None:
    assert spec(**values).name == name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no source"),
        ({"recipe": "webnlgg"}, "Did you mean 'webnlg'"),
        ({"path": "a.txt", "hub": "b"}, "both given"),
        ({"path": ""}, "`path` is empty"),
        ({"recipe": "webnlg", "path": []}, "`path` is empty"),
        ({"recipe": "webnlg", "fields": {"completion": "x"}}, "sources without a recipe"),
        ({"recipe": "webnlg", "separator": " "}, "sources without a recipe"),
        ({"recipe": "case_notes", "path": "a.txt"}, "reads no source: remove path"),
        ({"recipe": "case_notes", "fields": {"completion": "x"}}, "sources without a recipe"),
        ({"recipe": "case_notes", "size": 5}, "less than the 6 texts"),
        ({"recipe": "webnlg", "size": 50}, "belongs to a generated corpus"),
        ({"path": "a.txt", "hub_config": "en"}, "belong to a hub set"),
        ({"path": "a.txt", "hub_split": "test"}, "belong to a hub set"),
        ({"recipe": "case_notes", "pool": 3}, "greater than or equal to 4"),
        ({"recipe": "case_notes", "pools": 30}, "pools"),
        ({"path": "a.txt", "fields": {"completoin": "x"}}, "completoin"),
        ({"recipe": "case_notes", "per_group": 0}, "per_group"),
        ({"recipe": "case_notes", "duplicates": "keep"}, "duplicates"),
    ],
)
def test_specs_that_make_no_sense(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spec(**values)


def test_spec_survives_json_and_can_be_a_key() -> None:
    original = spec(path=["a.jsonl", "b.jsonl"], fields={"prompt": "q"}, per_group=3)
    again = CorpusSpec.model_validate_json(original.model_dump_json())
    assert again == original
    assert hash(again) == hash(original)


def test_sizes_and_total() -> None:
    corpus = spec(recipe="case_notes", shadow=5)
    assert corpus.sizes == {"pool": 4, "validation": 2, "calibration": 0, "context": 0, "shadow": 5}
    assert corpus.total == len(load_examples(corpus)) == 11


def test_identity_follows_contents_not_places(tmp_path: Path) -> None:
    here, there = tmp_path / "here.txt", tmp_path / "sub" / "there.txt"
    here.write_text("one\ntwo\n", encoding="utf-8")
    there.parent.mkdir()
    shutil.copy(here, there)
    first, second = identity(spec(path=str(here))), identity(spec(path=str(there)))
    assert first == second
    assert str(tmp_path) not in json.dumps(first)
    there.write_text("one\nthree\n", encoding="utf-8")
    assert identity(spec(path=str(there))) != first


@pytest.mark.parametrize("change", [{"seed": 1}, {"pool": 6}, {"hub_revision": "abc"}, {"hub": "my/web_nlg"}])
def test_identity_changes_with_what_decides_the_texts(change: dict[str, Any]) -> None:
    assert identity(spec(recipe="webnlg", **change)) != identity(spec(recipe="webnlg"))


def test_identity_ignores_the_name() -> None:
    assert identity(spec(recipe="webnlg", name="mine")) == identity(spec(recipe="webnlg"))


def test_identity_of_a_generated_corpus_names_its_generator() -> None:
    assert set(identity(spec(recipe="case_notes"))["generator"]) == {"case_notes", "faker"}


def test_identity_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        identity(spec(path=str(tmp_path / "a.txt")))


def test_importing_the_folder_is_light() -> None:
    heavy = ("torch", "transformers", "datasets", "polars", "faker", "sklearn")
    code = (
        "import sys, vestige.data.corpus, vestige.data.splits, vestige.data.case_notes;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _of_lengths(folder: Path, *lengths: int) -> str:
    path = folder / "texts.jsonl"
    lines = [json.dumps({"id": str(n), "text": "x" * n}) for n in lengths]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_texts_longer_than_asked_are_left_out_whole(tmp_path: Path) -> None:
    path = _of_lengths(tmp_path, 10, 11, 12, 40)
    kept = load_examples(spec(path=path, most_characters=11))
    assert [len(one.prompt + one.completion) for one in kept] == [10, 11]
    assert len(load_examples(spec(path=path))) == 4


def test_a_length_that_leaves_no_text_says_the_shortest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of its 2 texts has at most 9 characters; the shortest has 10"):
        load_examples(spec(path=_of_lengths(tmp_path, 10, 11), most_characters=9))
