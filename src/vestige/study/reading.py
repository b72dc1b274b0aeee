"""A study file as TOML tables, whichever editor saved it."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vestige.errors import ConfigError, near_misses, printable

LARGEST: Final = 2**20
"""Bytes of the largest study file: a real one has a few thousand."""

_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the beginning of this one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order mark → encoding."""


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a study file in UTF-8, or in what its byte order mark says.

    Raises:
        ConfigError: there is no such file (near misses shown), it is none that can be read, or it is not TOML.
    """
    shown = printable(str(path), limit=200)
    try:
        text = _decoded(_bytes(path))
        return tomllib.loads(text)
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        hint = near_misses(path.name, beside) if beside else ""
        raise ConfigError(f"There is no study file {shown}.{hint}") from None
    except tomllib.TOMLDecodeError as error:
        problem = f"{error}.{_hint(str(error), text)}"
    except RecursionError:
        problem = "its tables or lists are nested too deep."
    except OSError as error:
        problem = f"{error.strerror or type(error).__name__}."
    except ValueError as error:  # no text, a zero in the path, a number of thousands of digits
        problem = f"{error}."
    raise ConfigError(f"The study file {shown} cannot be read as TOML: {printable(problem, limit=400)}")


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes, and a study file has a few thousand")
    return data


def _decoded(data: bytes) -> str:
    encoding = next((_MARKS[mark] for mark in _MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:200]:
        raise ValueError("it holds zero bytes, as UTF-16 without a byte order mark does. Save it as UTF-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        name = {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper())
        raise ValueError(
            f"it is not {name}: byte {error.start} (line {line}) cannot be decoded. Save it as UTF-8; editors ask for "
            "the encoding under `Save as`"
        ) from None


def _hint(message: str, text: str) -> str:
    """What to do about a Windows path between double quotes, where a backslash begins an escape."""
    found = re.search(r"at line (\d+)", message)
    lines = text.splitlines()
    line = lines[int(found[1]) - 1] if found and int(found[1]) <= len(lines) else ""
    if "\\" not in line:
        return ""
    return " Write a path with backslashes in single quotes, 'C:\\models\\tiny', or with slashes."
