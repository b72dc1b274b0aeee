"""Records of a file with one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vestige.data.streams import text_lines
from vestige.errors import DataError, printable


class _NamedTwiceError(Exception):
    """A key that an object has twice; which value is meant, nobody can say."""


def json_records(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line that is not blank; DataError, with the place, for anything else."""
    for number, line in enumerate(text_lines(file), start=1):
        if line.strip():
            yield number, _object(line.rstrip("\r\n"), f"line {number} of {printable(file.name)}")


def _object(line: str, where: str) -> dict[str, Any]:
    expected = "Expected one JSON object ({…}) per line."
    try:
        value = json.loads(line, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        # `from None`: the original error carries the line.
        raise DataError(f"Malformed JSON in {where}, column {error.colno}. {expected}") from None
    except _NamedTwiceError as error:
        raise DataError(f"An object in {where} has the key '{error}' twice. Keep one of the two.") from None
    except RecursionError:
        raise DataError(f"The JSON in {where} is nested too deeply to be read. Leave that field out.") from None
    except ValueError:
        raise DataError(
            f"A number in {where} has more digits than can be read. Write it in quotes, or leave it out."
        ) from None
    if isinstance(value, list):
        raise DataError(f"JSON of type list in {where}. {expected} An array becomes that by `jq -c '.[]' OLD > NEW`.")
    if not isinstance(value, dict):
        raise DataError(f"JSON of type {type(value).__name__} in {where}. {expected}")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _NamedTwiceError(printable(next(key for key in keys if keys.count(key) > 1), limit=40))
    return value
