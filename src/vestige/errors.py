"""One tree of errors. Each message says what happened, what was expected, and how to mend it.

Messages carry record ids, paths and numbers, never the text of a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

# Controls (C0, DEL, C1), line and paragraph separators, bidirectional overrides, zero-width marks, lone surrogates.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\ud800-\udfff]")
_TYPED = 200  # characters of a name that somebody may have mistyped
_COMPARED = 2000
_LINE = 300  # characters of what another library says
_KNOWN = 30  # names listed where none is near: all attacks, all keys of a table


class VestigeError(Exception):
    """Anything that vestige raises on purpose; `exit_status` is what the command line answers with."""

    exit_status = 1


class ConfigError(VestigeError):
    """The study file or a command-line argument is wrong."""

    exit_status = 2


class DataError(VestigeError):
    """The texts cannot be used: missing file or field, empty text, too few texts, duplicates across roles."""

    exit_status = 2


class ModelError(VestigeError):
    """A base model cannot be found, fetched or loaded."""

    exit_status = 2


class TuningError(VestigeError):
    """A training failed, for example because its loss became NaN; the other cells go on."""


class ScoringError(VestigeError):
    """A scoring pass failed; the other cells go on."""


class StoreError(VestigeError):
    """The store cannot be written, or a stored file is damaged; the message names the file."""


class StoreVersionError(StoreError):
    """The store was written by a newer vestige."""

    exit_status = 2


def printable(text: str, *, limit: int = 80) -> str:
    r"""A name as a message may show it: on one line, harmless to a terminal, and no longer than `limit` characters.

    Control characters, line separators, marks that turn the direction of writing, marks that cannot be seen and halves
    of surrogate pairs appear as Python writes them (`\x1b`, `\u202e`); other letters of the world stay. What is too
    long ends in `…`, since a name can be a whole text (a JSON object keyed by texts).
    """
    shown = _UNPRINTABLE.sub(lambda mark: mark[0].encode("unicode_escape").decode(), text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def named(names: Sequence[str], *, most: int = 20, limit: int = 80) -> str:
    """Names for a message, separated by commas: the first `most`, each printable, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(printable(name, limit=limit) for name in names[:most]) + more


def reason(error: BaseException, *, with_kind: bool = False) -> str:
    """What the error of another library says, on one line: its first one, and what that breaks off before. A bare key
    or number says nothing without the kind of error that carries it; `with_kind`, the kind is always told.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else ""
    for line in lines[1:]:
        if not said.endswith((":", ",", " or")):
            break
        said = f"{said} {line}"
    kind = type(error).__name__ if with_kind or " " not in said else ""
    return printable(": ".join(filter(None, (kind, said))), limit=_LINE)


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that are near, the nearest first; capitals and surrounding blanks do not count.

    Looked for among the names of the most similar length: to compare a text with thousands of others takes minutes.
    """
    if len(name) > _TYPED:
        return []
    typed = sorted((one for one in known if len(one) <= _TYPED), key=lambda one: (abs(len(one) - len(name)), one))
    names = {one.strip().casefold(): one for one in reversed(typed[:_COMPARED])}
    return [names[one] for one in get_close_matches(name.strip().casefold(), names, n=3, cutoff=0.55)]


class Stopped(KeyboardInterrupt):
    """The process was asked to end (Ctrl-C, or another signal); what it says is what a training has kept.

    No `VestigeError`, so that nothing takes it for a failure and goes on.
    """

    def __init__(self, message: str = "", *, number: int = 2) -> None:
        super().__init__(message)
        self.exit_status = 128 + number


def near_misses(name: str, known: Iterable[str]) -> str:
    """`" Did you mean 'lora'?"`, or the known names where none is near; ready to end a message."""
    names = sorted(known)
    close = close_names(name, names)
    if close:
        return " Did you mean " + " or ".join(f"'{printable(one)}'" for one in close) + "?"
    return f" Known: {named(names, most=_KNOWN, limit=60)}."
