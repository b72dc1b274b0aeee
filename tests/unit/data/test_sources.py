"""Local files and hub rows become Rows; every bad input is refused with the place and the remedy, never with a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from vestige.data.corpus import CorpusSpec, load_examples
from vestige.data.rows import Row
from vestige.data.sources import file_rows, hub_rows
from vestige.errors import DataError
from vestige.records import Example

SECRET = "the walrus sleeps at noon"


def rows_of(*files: Path, raw_lines: bool = False) -> list[Row]:
    return list(file_rows([str(file) for file in files], raw_lines=raw_lines))


def load(file: Path, **fields: str) -> list[Example]:
    mapped: dict[str, Any] = {"fields": fields} if fields else {}
    return load_examples(CorpusSpec.model_validate({"path": str(file), "pool": 4, "validation": 1, **mapped}))


def jsonl(file: Path, *records: object) -> Path:
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return file


def test_each_kind_of_file_gives_the_same_rows(tmp_path: Path) -> None:
    texts = ["one, two", 'a "quoted" word', "naïve – café"]
    frame = pl.DataFrame({"text": texts})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    jsonl(tmp_path / "a.jsonl", *({"text": text} for text in texts))
    for suffix in ("csv", "parquet", "txt", "jsonl"):
        assert [row.values["text"] for row in rows_of(tmp_path / f"a.{suffix}")] == texts


def test_values_of_a_csv_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n007,12.50\n", encoding="utf-8")
    assert dict(rows_of(tmp_path / "a.csv")[0].values) == {"id": "007", "text": "12.50"}


def test_lines_are_split_at_newlines_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffone\u2028still one\r\n\r\ntwo".encode())
    rows = rows_of(tmp_path / "a.txt")
    assert [row.values["text"] for row in rows] == ["one\u2028still one", "two"]
    assert [row.where for row in rows] == ["line 1 of a.txt", "line 3 of a.txt"]


def test_raw_lines_keep_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    assert [row.values["text"] for row in rows_of(tmp_path / "a.txt", raw_lines=True)] == ["one", "", "two"]


def test_ids_of_several_files_differ_by_position_not_by_name(tmp_path: Path) -> None:
    first, second = (jsonl(tmp_path / name, {"id": "x", "text": name}) for name in ("b.jsonl", "a.jsonl"))
    spec = CorpusSpec.model_validate(
        {"path": [str(first), str(second)], "pool": 4, "validation": 1, "fields": {"id": "id"}}
    )
    assert [example.id for example in load_examples(spec)] == ["1:x", "2:x"]


def test_missing_file_names_the_near_miss(tmp_path: Path) -> None:
    jsonl(tmp_path / "train.jsonl", {"text": "x"})
    with pytest.raises(DataError, match=r"no file .*trian\.jsonl.*Did you mean 'train\.jsonl'"):
        rows_of(tmp_path / "trian.jsonl")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere/a.jsonl", "folder .*nowhere does not exist"),
        (".", r"is a folder; name the files in it\. Known: train\.jsonl"),
        ("notes.docx", r"unknown kind; expected one of \.jsonl, \.csv, \.parquet, \.txt"),
    ],
)
def test_unusable_paths(tmp_path: Path, path: str, message: str) -> None:
    jsonl(tmp_path / "train.jsonl", {"text": "x"})
    (tmp_path / "notes.docx").touch()
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path / path)


def test_a_folder_without_data_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \.jsonl"):
        rows_of(tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", ["jsonl", "txt", "csv"])
def test_not_utf8_names_file_and_byte(tmp_path: Path, suffix: str) -> None:
    good = b'text\n{"text": "fine"}\n' if suffix == "csv" else b'{"text": "fine"}\n'
    (tmp_path / f"a.{suffix}").write_bytes(good + SECRET.encode() + b" caf\xe9\n")
    with pytest.raises(DataError, match=rf"a\.{suffix} is not UTF-8: byte {len(good) + len(SECRET) + 4} ") as caught:
        rows_of(tmp_path / f"a.{suffix}")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_malformed_json_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n{"text": "' + SECRET + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2 of a\.jsonl, column 10") as caught:
        rows_of(tmp_path / "a.jsonl")
    assert SECRET not in str(caught.value)


def test_json_that_is_no_object(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"JSON of type list in line 1 of a\.jsonl"):
        rows_of(jsonl(tmp_path / "a.jsonl", [SECRET]))


@pytest.mark.parametrize(
    ("suffix", "message"),
    [("csv", r"record in line 3 of a\.csv has 4 fields, and the header 2"), ("parquet", "cannot be read as parquet")],
)
def test_damaged_tables(tmp_path: Path, suffix: str, message: str) -> None:
    (tmp_path / f"a.{suffix}").write_text(f"id,text\n1,x\n2,{SECRET},y,z\n", encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        rows_of(tmp_path / f"a.{suffix}")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt"])
def test_empty_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").touch()
    with pytest.raises(DataError):
        load(tmp_path / f"a.{suffix}")


def test_mapped_fields(tmp_path: Path) -> None:
    record = {"q": "Why?", "a": "So.", "others": ["So.", "Because."], "topic": 7, "key": 12}
    file = jsonl(tmp_path / "a.jsonl", record, {**record, "q": None, "key": 13})
    first, second = load(file, prompt="q", completion="a", references="others", group="topic", id="key")
    assert first == Example("12", "Why?\n", "So.", ("So.", "Because."), "7")
    assert second.prompt == ""


def test_defaults_of_an_unmapped_file(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", {"text": " padded "}, {"text": "two"})
    assert load(file) == [Example("line-1", "", "padded", (), "line-1"), Example("line-2", "", "two", (), "line-2")]


def test_missing_field_names_near_misses_and_what_exists(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", {"txt": SECRET, "label": 1})
    with pytest.raises(DataError, match=r"no field 'text' in line 1 of a\.jsonl\. Did you mean 'txt'\?") as caught:
        load(file)
    assert "label" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("record", "fields", "message"),
    [
        ({"text": 3}, {}, "holds int, expected a text"),
        ({"text": "x", "r": [1]}, {"references": "r"}, "holds list, expected a text or a list of texts"),
        ({"text": "x", "id": ""}, {"id": "id"}, "'id' is empty in line 1"),
        ({"text": "x", "id": 1.5}, {"id": "id"}, "holds float"),
        ({"text": "x", "g": True}, {"group": "g"}, "holds bool"),
    ],
)
def test_wrong_types(tmp_path: Path, record: object, fields: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(jsonl(tmp_path / "a.jsonl", record), **fields)


def test_empty_completions_are_refused_with_their_lines(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", {"text": "x"}, {"text": "  "}, {"text": None})
    with pytest.raises(DataError, match=r"'a': the completion is empty in 2 records \(line-2, line-3\)"):
        load(file)


def test_many_bad_records_are_counted_and_ten_named(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", *({"text": ""} for _ in range(25)))
    with pytest.raises(DataError, match=r"25 records \(line-1, .*line-10 and 15 more\)"):
        load(file)


def test_duplicate_ids_are_refused(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", *({"text": str(i), "id": f"r{i % 2}"} for i in range(3)))
    with pytest.raises(DataError, match=r"1 record \(r0\)"):
        load(file, id="id")


def test_half_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "id": "a"}\n{"text": "\\ud800", "id": "\\ud801"}\n')
    with pytest.raises(DataError, match=r"UTF-8 cannot hold") as caught:
        load(tmp_path / "a.jsonl", id="id")
    assert str(caught.value).encode()


def fake_hub(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    import datasets

    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def load_dataset(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        value = answer(len(calls)) if callable(answer) else answer
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


def test_hub_rows_bear_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_hub(monkeypatch, [{"text": "a"}, {"text": "b"}])
    rows = list(hub_rows("some/set", config="c", split="train", revision="abc"))
    assert [row.where for row in rows] == ["row 1 of some/set (train)", "row 2 of some/set (train)"]
    assert calls == [(("some/set", "c"), {"split": "train", "revision": "abc"})]


def test_a_set_defined_by_a_script_is_read_from_its_parquet_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    script = RuntimeError("Dataset scripts are no longer supported, but found web_nlg.py")
    calls = fake_hub(monkeypatch, lambda count: script if count == 1 else [{"text": "a"}])
    assert len(list(hub_rows("some/set", config="en", split="train", revision=None))) == 1
    assert calls[1] == (("some/set",), {"data_dir": "en", "split": "train", "revision": "refs/convert/parquet"})


def test_an_unreachable_hub_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hub(monkeypatch, ConnectionError("no route\nand a long tail"))
    with pytest.raises(DataError, match=r"'some/set' .*ConnectionError: no route .*as `path`") as caught:
        list(hub_rows("some/set", config=None, split="train", revision=None))
    assert "long tail" not in str(caught.value)


def test_a_recipe_knows_its_hub_set(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_hub(monkeypatch, [{"gem_id": "1", "input": ["a | b | c"], "target": "A b c.", "references": []}])
    load_examples(CorpusSpec(recipe="webnlg", pool=4, validation=1))
    assert calls[0][0] == ("GEM/web_nlg", "en")
