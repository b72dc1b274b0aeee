"""What the fields of a file of one's own may be: which holds the texts, which the prompts, a name, a group. A guess, by
the names of the fields and the shape of what they hold, to be looked over by who knows the data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from vestige.data.fields import FieldMap
from vestige.data.sources import file_rows
from vestige.errors import DataError, named, printable

# Words by which people name their fields, the surest first. Those of the second lists name other things too.
_ANSWERS = ("completion", "response", "answer", "reply", "output", "target", "summary", "note", "notes")
_TEXTS = ("text", "texts", "body", "content", "message", "letter", "story", "article", "document", "comment")
_PROMPTS = ("prompt", "instruction", "question", "query", "request", "input")
_HEADINGS = ("source", "context", "title", "subject")
_GROUPS = (
    *("group", "customer", "client", "user", "patient", "person", "author", "account", "speaker", "employee", "member"),
    *("case", "household", "family", "company", "conversation", "session", "thread", "document", "doc", "source"),
)
_IDS = ("id", "uuid", "guid", "key", "number", "nr", "no", "index", "reference", "ref", "ticket")
_TEXT = 12  # characters on average, from which a field may be a text without being named like one
_NAME = 64  # characters of the longest value, up to which a field may name something
_GROUP_COUNT = 8  # groups below which roles and halves cannot be cut


@final
@dataclass
class Column:
    """What one field holds over all records. `texts`: how many are texts that are not blank; `names`: those, and whole
    numbers, which could name something; `characters`: of them together; `values`: how often each name occurs.
    """

    name: str
    texts: int = 0
    names: int = 0
    characters: int = 0
    longest: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def add(self, value: object) -> None:
        """Count one more value."""
        is_text = isinstance(value, str) and bool(value.strip())
        if not is_text and (not isinstance(value, int) or isinstance(value, bool)):
            return
        shown = str(value).strip()
        self.names += 1
        self.texts += is_text
        self.characters += len(shown)
        self.longest = max(self.longest, len(shown))
        self.values[shown[: _NAME + 1]] += 1

    @property
    def mean(self) -> float:
        """Characters of a text, on average."""
        return self.characters / max(1, self.texts)

    def says(self, words: Sequence[str]) -> int:
        """Where in `words` the first stands that the field's name contains; `len(words)` where it contains none."""
        own = set(re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name).casefold()))
        return next((place for place, word in enumerate(words) if word in own), len(words))


@final
@dataclass(frozen=True)
class Guess:
    """The fields of a file: their roles, and why (by role); `unused` have none."""

    records: int
    fields: FieldMap
    why: Mapping[str, str]
    unused: tuple[str, ...]


def guess_fields(path: Path) -> Guess:
    """Read a file and guess its fields.

    Raises:
        DataError: it cannot be read, or no field holds texts; the message names what the fields are.
    """
    columns: dict[str, Column] = {}
    records, chat = 0, ""
    for row in file_rows([str(path)]):
        records += 1
        for name in row.values:
            columns.setdefault(name, Column(name)).add(row.values[name])
        chat = chat or (row.chat_hint() if records == 1 else "")
    if not records:
        raise DataError(f"{printable(path.name)} holds no record. Check that it is the right file.")
    if not any(map(_is_text, columns.values())):
        raise DataError(
            f"No field of {printable(path.name)} holds texts. Fields there: {named(list(columns), limit=40)}."
            f"{chat or ' Name another file, or add a field with the texts.'}"
        )
    return _guess(list(columns.values()), records)


def _is_text(column: Column) -> bool:
    return 0 < column.texts == column.names


def _guess(columns: Sequence[Column], records: int) -> Guess:
    completion = _completion(columns)
    rest = [column for column in columns if column is not completion and column.name.strip()]
    prompt = _prompt(rest, columns, completion)
    rest = [column for column in rest if column is not prompt and column.names == records and column.longest <= _NAME]
    group = _group(rest, records)
    own = _own_name([column for column in rest if column is not group], records)
    roles = {"completion": completion, "prompt": prompt, "group": group, "id": own}
    used = {role: column.name for role, column in roles.items() if column is not None}
    return Guess(
        records=records,
        fields=FieldMap.model_validate(used),
        why=_why(completion, prompt, group, rest, records),
        unused=tuple(column.name for column in columns if column.name not in used.values()),
    )


def _completion(columns: Sequence[Column]) -> Column:
    """A field that is named like one and holds more than single words; else the one with the longest texts."""
    texts = list(filter(_is_text, columns))
    longest = max(texts, key=lambda column: column.mean)
    called = min(texts, key=lambda column: column.says(_ANSWERS + _TEXTS))
    is_sure = called.says(_ANSWERS) < len(_ANSWERS)
    return called if is_sure or (called.says(_TEXTS) < len(_TEXTS) and called.mean >= _TEXT / 2) else longest


def _prompt(rest: Sequence[Column], columns: Sequence[Column], completion: Column) -> Column | None:
    """A field that is named like one; else the longest text that stands before the completion."""
    texts = list(filter(_is_text, rest))
    differing = [column for column in texts if 2 * len(column.values) > max(column.texts, 1)]
    for candidates, words in ((texts, _PROMPTS), (differing, _HEADINGS)):
        called = min(candidates, key=lambda column: column.says(words), default=None)
        if called is not None and called.says(words) < len(words):
            return called
    before = columns[: columns.index(completion)]
    written = [column for column in texts if column in before and column.mean >= 2 * _TEXT]
    return max(written, key=lambda column: column.mean, default=None)


def _group(rest: Sequence[Column], records: int) -> Column | None:
    """A field that is named after people or things which have several records each, and enough of them."""
    called = [column for column in rest if _GROUP_COUNT <= len(column.values) < records]
    found = min(called, key=lambda column: column.says(_GROUPS), default=None)
    return found if found is not None and found.says(_GROUPS) < len(_GROUPS) else None


def _own_name(rest: Sequence[Column], records: int) -> Column | None:
    """A field named like an id that differs in every record. By its name alone: what is merely unique, such as an
    address, should not stand in reports.
    """
    called = [column for column in rest if len(column.values) == records and column.says(_IDS) < len(_IDS)]
    return min(called, key=lambda column: column.says(_IDS), default=None)


def _why(
    completion: Column, prompt: Column | None, group: Column | None, rest: Sequence[Column], records: int
) -> dict[str, str]:
    why = {"completion": f"texts of {completion.mean:.0f} characters on average"}
    if prompt is not None:
        why["prompt"] = f"texts of {prompt.mean:.0f} characters on average"
    if group is not None:
        why["group"] = f"{len(group.values)} values in {records} records"
        return why
    few = next((one for one in rest if one.says(_GROUPS) < len(_GROUPS) and len(one.values) < _GROUP_COUNT), None)
    if few is not None:
        why["group"] = f"{printable(few.name, limit=40)} has only {len(few.values)} values, too few to cut roles from"
    return why
