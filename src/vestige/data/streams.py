"""The lines of a text file: decompressed where its name says so, decoded; refused in plain words where that fails."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vestige.errors import DataError, printable

# Bytes by which a file betrays that it is of another kind than its name says, longest first.
_SIGNATURES = {
    b"\x28\xb5\x2f\xfd": "compressed with zstd; end its name in .zst",
    b"\xfd7zXZ\x00": "compressed with xz; end its name in .xz",
    b"BZh91AY": "compressed with bzip2; end its name in .bz2",
    b"\x1f\x8b": "compressed with gzip; end its name in .gz",
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it, or save it as .csv",
    b"PAR1\x15": "Parquet; end its name in .parquet",
    b"SQLite format 3": "a data base; export the table as .csv",
    b"%PDF-": "a PDF; extract its text into a .txt or .jsonl",
}
_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_LONGEST = 1 << 28  # bytes of a line; a small compressed file can hold one that no memory takes
_SAMPLE = 65536  # bytes by which a file is judged


def _zstd(file: Path) -> Any:
    import pyarrow as pa

    return pa.input_stream(str(file), compression="zstd")


COMPRESSIONS: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".zst": _zstd,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
"""What opens a compressed file, by the last suffix of its name."""


def text_lines(file: Path) -> Iterator[str]:
    r"""The lines of a file with their ends, without a byte order mark. Split at \n alone: a JSON text may hold other
    separators of Unicode.

    Raises DataError, with the place, for a file that is not UTF-8, not text, or whose compression is damaged.
    """
    name = printable(file.name)
    opener = COMPRESSIONS.get(file.suffix.lower(), io.FileIO)
    offset = 0
    try:
        with io.BufferedReader(opener(file), buffer_size=_SAMPLE) as stream:
            sample = stream.peek(_SAMPLE)
            _refuse_other_kinds(sample, name)
            if sample.startswith(BOM_UTF8):
                offset = len(stream.read(len(BOM_UTF8)))
            while line := stream.readline(_LONGEST + 1):
                if len(line) > _LONGEST:
                    raise DataError(f"{name} has a line of more than {_LONGEST >> 20} MB. Break it, or leave it out.")
                yield _decoded(line, name, offset)
                offset += len(line)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        # Only the kind of error is passed on, as everywhere in this folder: messages of readers can quote a text.
        raise DataError(
            f"{name} cannot be read to its end ({type(error).__name__}): it is damaged, was cut off, or is not what "
            "its suffix says. Copy or compress it again."
        ) from None


def _refuse_other_kinds(sample: bytes, name: str) -> None:
    for signature, what in _SIGNATURES.items():
        if sample.startswith(signature):
            raise DataError(f"{name} is not text: its first bytes say that it is {what}.")
    encoding = next((known for mark, known in _MARKS.items() if sample.startswith(mark)), _wide_encoding(sample))
    if encoding:
        raise DataError(
            f"{name} is {encoding.upper()}, expected UTF-8. Convert it: `iconv -f {encoding} -t utf-8 OLD > NEW`."
        )


def _wide_encoding(sample: bytes) -> str:
    """UTF-16 without a byte order mark shows by a zero in every other byte; empty for anything else."""
    pairs = len(sample) // 2
    for encoding, first in (("utf-16be", 0), ("utf-16le", 1)):
        zeros, others = sample[first : 2 * pairs : 2].count(0), sample[1 - first : 2 * pairs : 2].count(0)
        if pairs >= 2 and zeros > 0.4 * pairs and others < 0.1 * pairs:
            return encoding
    return ""


def _decoded(line: bytes, name: str, offset: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        # `from None`: the original error carries the bytes of the text.
        raise DataError(
            f"{name} is not UTF-8: byte {offset + error.start} cannot be decoded. {_remedy(line)}"
        ) from None


def _remedy(line: bytes) -> str:
    """How to save the file anew. A byte above 127 that stands alone is a Western letter (`é` in Latin-1); where several
    follow each other the encoding is another, and read as Latin-1 the text would be garbled: none is guessed.
    """
    if re.search(rb"[\x00-\x08\x0e-\x1f]", line):
        return "It does not look like a text file."
    encoding = "ENCODING" if re.search(rb"[\x80-\xff]{2}", line) else "latin1"
    which = "with the encoding that it was saved in" if encoding == "ENCODING" else "for example"
    return f"Save the file as UTF-8 (`iconv -f {encoding} -t utf-8 OLD > NEW`, {which})."


def refuse_nul(line: str, where: str) -> None:
    """Raise DataError where a line of text holds a NUL, which only files of another kind do."""
    if "\0" in line:
        raise DataError(f"There is a NUL byte in {where}: is it a text file, whole, and UTF-8? Remove the byte.")
