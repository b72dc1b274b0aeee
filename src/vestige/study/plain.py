"""The tables of a study as a study file would give them: what a notebook has at hand made plain, and what no study file
could hold refused.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Final, final

from vestige.errors import ConfigError, printable

DEEPEST: Final = 8
"""Tables and lists in one another; a study has five."""

MOST: Final = 20_000
"""Values of one study, those of lists counted."""

LONGEST: Final = 20_000
"""Characters of one text, such as that which a prompt begins as."""

LARGEST: Final = 2**63 - 1
"""TOML's whole numbers have 64 bits."""


def plain(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables in dicts, lists, texts and numbers: paths become texts, numbers and arrays of NumPy Python's own,
    tuples and ranges lists. What is of no such kind (a `Method`, a date) stays as it is.

    Raises:
        ConfigError: too deep, too many or too long values, a number that is not finite or has more than 64 bits, text
            that cannot be stored; the message says where.
    """
    result: dict[str, Any] = _Walk().table(tables, ())
    return result


@final
class _Walk:
    """One pass over the tables, which counts the values that it meets."""

    def __init__(self) -> None:
        self._met = 0

    def value(self, value: Any, place: tuple[object, ...]) -> Any:
        self._met += 1
        if self._met > MOST:
            raise ConfigError(f"The study holds more than {MOST:,} values, of which a study file has a few dozen.")
        if len(place) > DEEPEST:
            raise ConfigError(f"{_named(place[:DEEPEST])}: tables and lists are nested too deep.")
        value = _unwrapped(value)
        if isinstance(value, Mapping):
            return self.table(value, place)
        if isinstance(value, str):
            return _text(value, place)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _number(value, place)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return [self.value(one, (*place, number)) for number, one in enumerate(value, start=1)]
        if isinstance(value, Iterator | Set | bytes | bytearray):
            raise ConfigError(f"{_named(place)}: expected a list, got {type(value).__name__}.")
        return value

    def table(self, table: Mapping[Any, Any], place: tuple[object, ...]) -> dict[str, Any]:
        for key in table:
            if not isinstance(key, str):
                raise ConfigError(f"{_named((*place, key))}: a key is text, got {type(key).__name__}.")
            _text(key, place)
        return {key: self.value(value, (*place, key)) for key, value in table.items()}


def _unwrapped(value: Any) -> Any:
    """Python's own value behind a path, and behind numbers, arrays and columns of NumPy, polars and their like."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping | str | int | float | list | tuple):
        return value
    for convert in ("tolist", "to_list"):
        if hasattr(value, convert):
            return getattr(value, convert)() if getattr(value, "size", 0) <= MOST else range(MOST + 1)
    return value


def _text(text: str, place: tuple[object, ...]) -> str:
    if len(text) > LONGEST:
        raise ConfigError(f"{_named(place)}: a text of {len(text):,} characters; {LONGEST:,} are the most.")
    if "\0" in text or any("\ud800" <= mark <= "\udfff" for mark in text):
        raise ConfigError(f"{_named(place)}: a text with a zero byte or half a character in it: '{printable(text)}'.")
    return text


def _number(number: float, place: tuple[object, ...]) -> float:
    if isinstance(number, float):
        if not math.isfinite(number):
            raise ConfigError(f"{_named(place)}: {number} is not a finite number.")
        return float(number)
    if abs(number) > LARGEST:
        raise ConfigError(
            f"{_named(place)}: a whole number is at most 2⁶³ − 1 = {LARGEST}; got one of {number.bit_length()} bits."
        )
    return int(number)


def _named(place: Iterable[object]) -> str:
    return ".".join(printable(str(part), limit=60) for part in place) or "The study"
