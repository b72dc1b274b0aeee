"""What may be said of an error that nobody foresaw: its kind, its place, and its message without what the records say.

Messages of other libraries quote what they stumble over (`KeyError: 'the text'`), and a log is read by more people than
the data. So whatever stands in a message and in a record too is taken out, and so is what it puts in quotes at length.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import final

from vestige.errors import printable
from vestige.records import Example

_WINDOW = 12
"""Characters in a row that a message shares with a record before they count as taken from it."""

_QUOTED = re.compile(r"""(?<!\w)(['"`])(?P<said>.+?)\1(?!\w)""", re.DOTALL)
_LONG = 60
_READ = 1000
"""Characters of a message that are read; what follows is left out."""


_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def trace(error: BaseException, *, say: Callable[[BaseException], str]) -> str:
    """Where an error came from, as Python tells it: lines of code, and what `say` makes of every error of the chain."""
    return "".join(_told(error, say))


def kind(error: BaseException) -> str:
    """The kind of an error, where nothing is known of the texts that its message could quote."""
    return f"{type(error).__name__} (its message is left out, since it could quote a text)"


def _told(error: BaseException, say: Callable[[BaseException], str]) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _told(earlier, say)
        yield "\nThen:\n\n"
    yield from traceback.format_tb(error.__traceback__)
    yield say(error) + "\n"


@final
class Redactor:
    """Takes the texts of some records out of messages."""

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._examples = examples
        self._known: str | None = None

    def message(self, error: BaseException) -> str:
        """`KeyError: '(19 characters)'`: the kind of an error and what is left of its message, on one line."""
        text = re.sub(r"\\[nrt]|\s+", " ", _ESCAPED.sub(_unescaped, str(error)[:_READ])).strip()
        left = self._without_records(_QUOTED.sub(self._quoted, text))
        return f"{type(error).__name__}: {printable(left, limit=_READ)}" if left else type(error).__name__

    def _quoted(self, found: re.Match[str]) -> str:
        said, mark = found["said"], found[1]
        is_private = len(said) > _LONG or self._is_of_a_record(said)
        return f"{mark}({len(said)} characters){mark}" if is_private else found[0]

    def _without_records(self, text: str) -> str:
        """The message with every stretch of a dozen characters or more that a record has too cut out."""
        if not text or self._is_of_a_record(text) or self._is_of_a_record(text.rpartition(": ")[2]):
            return f"(a message of {len(text)} characters that quotes a record)" if text else ""
        folded = _folded(text)
        private = bytearray(len(text))
        for start in range(len(text) - _WINDOW + 1):
            if folded[start : start + _WINDOW] in self._texts:
                private[start : start + _WINDOW] = b"\1" * _WINDOW
        return "".join(_merged(text, private))

    def _is_of_a_record(self, said: str) -> bool:
        """Whether these words stand in a record."""
        folded = _folded(said).strip()
        return bool(folded) and re.search(rf"(?<!\w){re.escape(folded)}(?!\w)", self._texts) is not None

    @property
    def _texts(self) -> str:
        """All that the records say, in one line, read on the first error."""
        if self._known is None:
            said = (part for one in self._examples for part in (one.prompt, one.completion, *one.references))
            self._known = _folded(re.sub(r"\s+", " ", " \0 ".join(said)))
        return self._known


def _folded(text: str) -> str:
    """Small letters, one for one (`ß` stays), so that every place is what it was."""
    return "".join(small if len(small := letter.casefold()) == 1 else letter for letter in text)


def _unescaped(found: re.Match[str]) -> str:
    """The character that Python or JSON wrote with a backslash; as it stands where there is none."""
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code < 0x110000 else found[0]


def _merged(text: str, private: bytearray) -> Iterator[str]:
    """The characters of a text, each private stretch as one ellipsis."""
    for place, letter in enumerate(text):
        if not private[place]:
            yield letter
        elif not place or not private[place - 1]:
            yield "[…]"
