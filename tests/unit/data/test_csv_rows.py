"""A csv file gives the records that Python's `csv` reads, or a refusal with the line; never other rows in silence."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.data.csv_rows import csv_records
from vestige.errors import DataError

SECRET = "the walrus sleeps at noon"


def read(folder: Path, content: str) -> list[dict[str, str]]:
    (folder / "a.csv").write_bytes(content.encode())
    found = list(csv_records(folder / "a.csv"))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [record for _, record in found]


def truth(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize(
    "content",
    [
        'id,text\n1,a 5" pipe broke\n2,second\n3,a 6" pipe held\n',
        'id,text,who\n1,a 5" pipe,Ann\n2,third "big" one,Cy\n',
        'id,text\n1,"line one\r\nline two"\n2,"a, ""b"""\n',
        "\ufeffid,text\r\n1,one\r\n2,two\r\n",
        'id,text\r1,"one\rmore"\r2,two\n\r',
        "id,text\n1,one\x0bmore\u2028and more\x85\n2, two \n",
        " id , my text \n\n1,first\n\n\n2,\n",
        'text\n"one"\n""\nthree\n',
        "id,text,,\n1,one,,\n2,two,,x\n",
        "\ufeff",
        '\ufeff"id","text"\n1,\ufeffone\n',
        "id,text\n1,NA\n2,null\n3,007\n",
    ],
)
def test_records_are_those_of_csv(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == truth(content)


@given(content=st.text('ab,"\n\r;é \ufeff\0', max_size=40))
def test_whatever_the_file_its_records_are_those_of_csv_or_none(content: str) -> None:
    with TemporaryDirectory() as folder:
        try:
            found = read(Path(folder), content)
        except DataError:
            return
    assert found == truth(content)


def test_random_tables_come_back(tmp_path: Path) -> None:
    rng = random.Random(0)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=rng.choice(["\n", "\r\n"]))
    rows = [["".join(rng.choices('ab ,"\n\ré;', k=rng.randint(0, 12))) for _ in range(3)] for _ in range(500)]
    writer.writerows([["a", "b", "c"], *rows])
    assert [list(record.values()) for record in read(tmp_path, stream.getvalue())] == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,text\n1,one\n2," + SECRET + ",more\n", r"line 3 of a\.csv has 3 fields, and the header 2"),
        ('id,text\n1,"one\ntwo"\n' + SECRET + "\n", r"line 4 of a\.csv has 1 field, and the header 2"),
        ('id,text\n1,one\n2,"' + SECRET + "\n3,three\n", r"begins in line 3 of a\.csv are not closed.*line 4"),
        ('id,text\n1,one\n2,"He said "' + SECRET + '" to us"\n', r"begins in line 3 of a\.csv"),
        ("id,text\n1,one\n2,t\0wo\n", r"NUL byte in line 3 of a\.csv"),
        ("text,id,text\n1,2,3\n", r"header of a\.csv names twice: text"),
        ("id;text\n1;one\n", r"one field, 'id;text': is the file separated by ';'"),
        ("id\ttext\n1\tone, two\n", r"is the file separated by tabs"),
        ("sep=;\nid;text\n1;one\n", r"line for spreadsheets"),
        ("sep=,\nid,text\n1,one\n", r"line for spreadsheets"),
        ("\nid,text\n1,one\n", r"Line 1 of a\.csv is empty"),
    ],
)
def test_refused_with_the_line_and_never_the_text(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content)
    assert SECRET not in str(caught.value)


def test_reading_leaves_the_limit_of_the_csv_module_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    long = "x" * (before + 1)
    (tmp_path / "a.csv").write_text(f"text\n{long}\nshort\n", encoding="utf-8")
    for (_, record), text in zip(csv_records(tmp_path / "a.csv"), [long, "short"], strict=True):
        assert record == {"text": text}
        assert csv.field_size_limit() == before
