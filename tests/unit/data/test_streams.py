"""Lines of compressed and of broken files; each encoding and each other kind of file is called by its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from vestige.data.sources import file_rows
from vestige.errors import DataError

LINES = '{"text": "one, naïve"}\n{"text": "two"}\n'


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstd,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def texts(file: Path) -> list[object]:
    return [row.values["text"] for row in file_rows([str(file)])]


@pytest.mark.parametrize("suffix", COMPRESSORS)
@pytest.mark.parametrize(
    ("kind", "content"),
    [("jsonl", LINES), ("csv", 'text\n"one, naïve"\ntwo\n'), ("txt", "\ufeffone, naïve\r\n\r\ntwo")],
)
def test_compressed_files_give_the_same_rows(tmp_path: Path, suffix: str, kind: str, content: str) -> None:
    file = tmp_path / f"a.{kind}{suffix.upper()}"
    file.write_bytes(COMPRESSORS[suffix](content.encode()))
    assert texts(file) == ["one, naïve", "two"]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_file_of_two_compressed_parts_is_read_whole(tmp_path: Path, suffix: str) -> None:
    parts = [COMPRESSORS[suffix](line.encode()) for line in LINES.splitlines(keepends=True)]
    (tmp_path / f"a.jsonl{suffix}").write_bytes(b"".join(parts))
    assert texts(tmp_path / f"a.jsonl{suffix}") == ["one, naïve", "two"]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_truncated_or_uncompressed_file_is_refused(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.jsonl{suffix}"
    for content in (COMPRESSORS[suffix](LINES.encode() * 99)[:-9], LINES.encode()):
        file.write_bytes(content)
        with pytest.raises(DataError, match=rf"a\.jsonl\{suffix} cannot be read to its end"):
            texts(file)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "txt"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_named_with_the_command(tmp_path: Path, kind: str, encoding: str) -> None:
    (tmp_path / f"a.{kind}").write_bytes(LINES.encode(encoding))
    plain = encoding.replace("-le", "le").replace("-be", "be")
    with pytest.raises(DataError, match=rf"a\.{kind} is {plain.upper()}.*`iconv -f {plain} -t utf-8") as caught:
        texts(tmp_path / f"a.{kind}")
    assert "latin1" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("un café noir".encode("latin1"), "iconv -f latin1 "),
        ("записка".encode("koi8-r"), "iconv -f ENCODING "),
        ("東京です".encode("shift-jis"), "iconv -f ENCODING "),
        (b"\x01\x02\xfe\x03", "does not look like a text file"),
    ],
)
def test_latin1_is_advised_where_it_may_be_that_alone(tmp_path: Path, line: bytes, advice: str) -> None:
    (tmp_path / "a.txt").write_bytes(b"fine\n" + line + b"\n")
    with pytest.raises(DataError, match=rf"a\.txt is not UTF-8: byte \d+ .*{advice}"):
        texts(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"x", mtime=0), r"end its name in \.gz"),
        (zstd(b"x"), r"end its name in \.zst"),
        (b"PK\x03\x04...", "a zip archive or a spreadsheet"),
        (b"one\ntw\0o\n", r"NUL byte in line 2 of a\.txt"),
    ],
)
def test_files_that_are_no_text_say_what_they_are(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        texts(tmp_path / "a.txt")


def test_a_line_that_no_memory_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vestige.data.streams._LONGEST", 1 << 20)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"fine\n" + b"a" * (1 << 20) + b"\n"))
    with pytest.raises(DataError, match=r"a\.txt\.gz has a line of more than 1 MB"):
        texts(tmp_path / "a.txt.gz")
