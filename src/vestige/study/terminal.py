"""The terminal: what is shown there is shown as it is, brackets and colons too, and no character of it steers anything.

Everything that vestige prints goes through here, so that there is one way of doing it.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from vestige.errors import printable

_PADDING = (0, 2, 0, 0)


def console(
    *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None, plain: bool = False
) -> Console:
    """A console that takes no markup: `[red]` and `:smile:` in a name are part of the name. A `plain` one writes text
    in a notebook too.
    """
    is_jupyter = False if plain else None
    return Console(
        stderr=stderr, file=file, width=width, markup=False, highlight=False, emoji=False, force_jupyter=is_jupyter
    )


def safe(text: str) -> str:
    """The same lines with control characters escaped, of any length."""
    return "\n".join(printable(line, limit=sys.maxsize - 1) for line in text.split("\n"))


def say(message: str) -> None:
    """A line for people on standard error, so that standard output can be piped."""
    sys.stderr.write(f"vestige: {safe(message)}\n")


def table(*head: str) -> Table:
    """An empty table without lines; its rows go through `add`. What is too wide is broken into lines, never cut."""
    rows = Table(box=None, padding=_PADDING)
    for name in head:
        rows.add_column(safe(name), overflow="fold")
    return rows


def add(rows: Table, *cells: str) -> None:
    """Add a row."""
    rows.add_row(*map(safe, cells))


def json_text(value: Any) -> str:
    """JSON for people and programs: indented, letters of all languages as they are, what steers a terminal escaped."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    # What is left unprintable stands inside a string, where JSON has its own spelling for it.
    return text if safe(text) == text else "".join(map(_in_json, text))


def _in_json(letter: str) -> str:
    return letter if safe(letter) == letter else json.dumps(letter)[1:-1]
