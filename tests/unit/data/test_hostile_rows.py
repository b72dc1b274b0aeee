"""Rows that somebody chose to hurt, or that no one foresaw: refused with the place, in no time, and without a text."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vestige.data.corpus import CorpusSpec, load_examples
from vestige.data.rows import Row
from vestige.data.sources import file_rows
from vestige.errors import DataError
from vestige.records import Example

SECRET = "the walrus sleeps at noon, and nobody but the walrus and you may ever know of it"
CHAT = [{"role": "user", "content": "who?"}, {"role": "assistant", "content": SECRET}]
SHARED = [{"from": "human", "value": "who?"}, {"from": "gpt", "value": SECRET}]


def load(file: Path, **fields: str) -> list[Example]:
    mapped: dict[str, Any] = {"fields": fields} if fields else {}
    return load_examples(CorpusSpec.model_validate({"path": str(file), "pool": 4, "validation": 1, **mapped}))


def refusal(file: Path, **fields: str) -> str:
    with pytest.raises(DataError) as caught:
        load(file, **fields)
    message = str(caught.value)
    assert SECRET[:41] not in message
    assert len(message) < 2000
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "one", "x": ' + "[" * 5000 + "]" * 5000 + "}", "line 1 of a.jsonl is nested too deeply"),
        ('{"text": "one", "x": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}", "line 1 of a.jsonl is nested too deeply"),
        ('{"text": "one", "x": ' + "1" * 5000 + "}", "number in line 1 of a.jsonl has more digits"),
        ('{"text": ' + "1" * 5000 + "}", "number in line 1 of a.jsonl has more digits"),
        ('{"text": "one", "text": "other"}', "line 1 of a.jsonl has the key 'text' twice"),
        ('{"text": "one", "text": "a\0b"}', "Malformed JSON in line 1 of a.jsonl"),
        ('[{"text": "one"}]', "jq -c"),
    ],
)
def test_json_that_python_stumbles_over(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n", encoding="utf-8")
    assert message in refusal(tmp_path / "a.jsonl")


def test_a_missing_field_among_thousands_or_among_texts(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    began = time.process_time()
    for keys in ([f"column {i}" for i in range(20_000)], ["x" * 1_000_000], [f"{SECRET} {i}" for i in range(20_000)]):
        file.write_text(json.dumps(dict.fromkeys(keys, 1)) + "\n", encoding="utf-8")
        message = refusal(file, completion="completion")
        assert "There is no field 'completion' in line 1" in message
        assert SECRET[:20] not in message
    assert "…' in line 1" in refusal(file, completion=f"{SECRET} and more")
    assert time.process_time() - began < 20


def test_control_characters_are_shown_escaped(tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[2J\u202e.jsonl"
    file.write_text(json.dumps({"te\x1b[31mxt\u2028": 1, "id\n": "\x07"}) + "\n", encoding="utf-8")
    assert "Did you mean 'te\\x1b[31mxt\\u2028'" in refusal(file, completion="te31mxt")
    assert "a\\x1b[2J\\u202e.jsonl holds int" in refusal(file, completion="te\x1b[31mxt\u2028")
    repeated = tmp_path / "b.jsonl"
    repeated.write_text(json.dumps({"text": "one", "id": "\x1b]0;x\x07"}) + "\n" + '{"text": "", "id": "\\u001b"}')
    assert "(\\x1b)" in refusal(repeated, id="id")


def test_a_nul_at_the_end_of_a_name_would_make_two_groups_one(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "one", "g": "a\\u0000"}\n{"text": "two", "g": "a"}\n', encoding="utf-8")
    assert "Field 'g' holds a NUL in line 1" in refusal(file, group="g")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("chat", [CHAT, SHARED, CHAT[0]])
@pytest.mark.parametrize("completion", ["text", "dialogue", "dialogue.1.content"])
def test_chat_is_refused_with_the_way_to_bring_it_in(tmp_path: Path, kind: str, chat: Any, completion: str) -> None:
    file = tmp_path / f"a.{kind}"
    if kind == "jsonl":
        file.write_text(json.dumps({"dialogue": chat, "id": 1}) + "\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"dialogue": [chat], "id": [1]}), file)
    said = "value" if chat is SHARED else "content"
    part = "text" if chat is CHAT[0] else "completion"
    assert f"{part} = dialogue[-1]['{said}']" in refusal(file, completion=completion)


def test_chat_in_the_prompt_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    row = {"history": CHAT, "prompt": [{"speaker": "A", "text": SECRET}], "completion": "fine", "parts": [{"a": 1}]}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert "text = prompt[-1]['text']" in refusal(file, prompt="prompt", completion="completion")
    assert "Write its text into a field of its own" in refusal(file, completion="parts")


def test_fields_within_fields() -> None:
    row = Row({"answer": {"text": SECRET}}, 1, "a.jsonl", "line")
    with pytest.raises(DataError, match="Fields within fields are not looked into"):
        row.text("answer.text")


def parquet(file: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), file)
    return file


def test_parquet_cells_that_python_has_no_value_for(tmp_path: Path) -> None:
    far = pa.array([10**7, 0], pa.date32())
    fine = pa.array([1, 10**9 + 1], pa.timestamp("ns"))
    file = parquet(tmp_path / "a.parquet", text=["one", "two"], day=far, at=fine)
    assert [one.completion for one in load(file)] == ["one", "two"]
    assert "'day' in row 1 of a.parquet holds" in refusal(file, group="day")
    file = parquet(tmp_path / "b.parquet", text=["one"], day=pa.array([date(2026, 1, 1)]))
    assert "holds date, expected a text" in refusal(file, group="day")


def test_parquet_text_that_is_not_utf8(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    file = parquet(tmp_path / "a.parquet", text=bad, other=["fine"])
    assert [one.completion for one in load(file, completion="other")] == ["fine"]
    assert "holds bytes, expected a text" in refusal(file)


def test_damaged_parquet_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "whole.parquet", text=[f"{SECRET} {i}" for i in range(50)]).read_bytes()
    file = tmp_path / "a.parquet"
    for place in range(4, len(whole), 29):
        for content in (whole[:place], whole[:place] + bytes(8) + whole[place + 8 :]):
            file.write_bytes(content)
            with suppress(DataError):  # where nothing that is read is damaged, it is read
                load(file)


def test_float_names_come_with_the_remedy(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", text=["one", "two"], customer=[1.0, None])
    assert "astype('Int64')" in refusal(file, group="customer")


@pytest.mark.parametrize("path", ["x" * 5000 + ".jsonl", "~no_such_user/a.jsonl", "a\0b.jsonl", "\x1b[2J.jsonl"])
def test_paths_that_no_system_takes(path: str) -> None:
    with pytest.raises(DataError) as caught:
        list(file_rows([path]))
    assert len(str(caught.value)) < 1500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("name", "advice"), [("a.json", "rename it to .jsonl"), ("a.tsv", "with commas")])
def test_kinds_that_are_nearly_right(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / name).touch()
    assert advice in refusal(tmp_path / name)


def test_a_corpus_is_called_by_its_file_without_suffixes() -> None:
    assert CorpusSpec(path="far/letters.v2.jsonl.gz", pool=4, validation=1).name == "letters.v2"
