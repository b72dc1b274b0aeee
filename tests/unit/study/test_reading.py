"""Study files as editors save them, and what is no study file at all."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

import pytest

from vestige.errors import ConfigError
from vestige.study.reading import LARGEST, read_tables
from vestige.study.spec import load_study
from vestige.testing.studies import as_toml, tiny_study

TEXT = '[study]\r\nname = "naïve"\r\n'


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        TEXT.replace("\r\n", "\n").encode(),
    ],
)
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "study.toml").write_bytes(data)
    assert read_tables(tmp_path / "study.toml") == {"study": {"name": "naïve"}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (TEXT.encode("latin-1"), "it is not UTF-8: byte 19 (line 2) cannot be decoded. Save it as UTF-8"),
        (TEXT.encode("utf-16-le"), "as UTF-16 without a byte order mark does. Save it as UTF-8"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a", "it is not UTF-16"),
        (b"a = " + b"[" * 5000, "nested too deep"),
        (b"a = " + b"1" * 5000, "4300 digits"),
        (b"a = 1\n" * 2, "line 2"),
        (b'model = "C:\\models\\tiny"', "in single quotes, 'C:\\models\\tiny'"),
        (b'model = "C:\\Users\\me"', "in single quotes"),
        (b"#" * (LARGEST + 1), "more than 1,048,576 bytes"),
        (b'"\x1b]0;a" = ', "cannot be read as TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "study.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=r"study\.toml cannot be read as TOML") as caught:
        read_tables(tmp_path / "study.toml")
    assert expected in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(sys.platform == "win32", reason="other systems, other limits")
@pytest.mark.parametrize("name", ["x" * 5000 + ".toml", "a\0b.toml", "/".join(["deep"] * 2000)])
def test_a_path_that_the_system_does_not_take(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_tables(tmp_path / name)
    assert len(str(caught.value)) < 700
    assert str(caught.value).isprintable()


def test_a_folder_is_no_study_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        read_tables(tmp_path)


def test_a_path_may_be_a_string(tiny_llama: Path, tiny_notes: Path, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(as_toml(tiny_study(model=tiny_llama, corpus=tiny_notes)), encoding="utf-8")
    assert load_study(str(file)) == load_study(file)
    with pytest.raises(ConfigError, match="Is a directory"):
        load_study(str(tmp_path))
