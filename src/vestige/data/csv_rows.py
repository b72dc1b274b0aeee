"""Records of a csv file, exactly as Python's `csv` reads them, or a refusal with the line."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vestige.data.streams import refuse_nul, text_lines
from vestige.errors import DataError, named, printable

if TYPE_CHECKING:
    from _csv import Reader

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_OTHER_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


def csv_records(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Number and fields of every record, counted from 1; the first line names the fields, blank lines do not count.

    Raises DataError, with the line, for a record with more or fewer fields than the header, quotes that are not closed
    or followed by text, two fields of one name, and a header that is separated by anything but commas.
    """
    name = printable(file.name)
    reader = csv.reader(_lines(file, name), strict=True)
    header = _next(reader, name)
    if header is None:
        return
    _refuse_header(header, name)
    number, begins = 0, reader.line_num + 1
    while (record := _next(reader, name)) is not None:
        if record:
            number += 1
            if len(record) != len(header):
                raise _ragged(header, record, f"line {begins} of {name}")
            yield number, dict(zip(header, record, strict=True))
        begins = reader.line_num + 1


def _lines(file: Path, name: str) -> Iterator[str]:
    r"""Lines as csv wants them: the ends kept, and \r alone is one too."""
    number = 0
    for text in text_lines(file):
        for line in _parts(text):
            number += 1
            refuse_nul(line, f"line {number} of {name}")
            yield line


def _parts(text: str) -> Iterable[str]:
    if "\r" not in text.rstrip("\r\n"):
        return (text,)
    return filter(None, _LINE.findall(text))


def _next(reader: Reader, name: str) -> list[str] | None:
    """The next record, empty for a blank line; None after the last."""
    begins = reader.line_num + 1
    # The limit of a field's length is one for the whole process: it is lifted for the moment of reading alone.
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return next(reader, None)
    except csv.Error:
        raise DataError(_broken_quotes(name, begins=begins, ends=reader.line_num)) from None
    finally:
        csv.field_size_limit(limit)


def _broken_quotes(name: str, *, begins: int, ends: int) -> str:
    return (
        f"The quotes of the record that begins in line {begins} of {name} are not closed, or text follows where they "
        f'close (seen in line {ends}). Write a quote within quotes twice, as in "she said ""hi""".'
    )


def _refuse_header(header: list[str], name: str) -> None:
    first = header[0] if header else ""
    if not header:
        raise DataError(f"Line 1 of {name} is empty; expected the names of the fields. Remove the empty lines before.")
    if re.fullmatch(r"sep=.?", first) and len(header) <= 2:
        raise DataError(f"{name} begins with a line for spreadsheets, 'sep=…'. Remove this line; fields end in commas.")
    other = next((how for mark, how in _OTHER_SEPARATORS.items() if mark in first), "")
    if len(header) == 1 and other:
        raise DataError(
            f"The header of {name} has one field, {printable(first, limit=40)!r}: is the file separated by {other}? "
            "Expected commas: save it so."
        )
    twice = [field for field, count in Counter(header).items() if count > 1 and field]
    if twice:
        raise DataError(f"The header of {name} names twice: {named(twice, limit=40)}. Rename one of each.")


def _ragged(header: list[str], record: list[str], where: str) -> DataError:
    fields = "1 field" if len(record) == 1 else f"{len(record)} fields"
    return DataError(
        f"The record in {where} has {fields}, and the header {len(header)}. "
        "Put a text that has commas or line breaks in quotes, and leave no field out."
    )
