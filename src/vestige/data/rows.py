"""A row of a source, before a recipe makes an `Example` of it: its fields and the place to name in an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vestige.errors import DataError, close_names, named, printable

Unit = Literal["line", "row"]
_NAME = 40  # characters of a field's name in a message; a longer one may be a text
_CHAT = (("role", "content"), ("from", "value"), ("role", "text"), ("author", "content"), ("speaker", "text"))


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a source.

    `number` counts from 1 within its file or split. `source` is the file's name or the hub id. `prefix` keeps ids
    unique where a corpus has several files; it is the file's position, not its name, so that ids do not depend on
    where files lie.
    """

    values: Mapping[str, object] = field(repr=False)
    number: int
    source: str
    unit: Unit = "row"
    prefix: str = ""

    @property
    def where(self) -> str:
        """The place to name in a message, for example `line 7 of train.jsonl`."""
        return f"{self.unit} {self.number} of {printable(self.source)}"

    @property
    def default_id(self) -> str:
        """The id of a record that brings none, for example `line-7`."""
        return f"{self.prefix}{self.unit}-{self.number}"

    def field(self, name: str) -> object:
        """The value of a field; DataError with the fields that exist where it is missing."""
        if name in self.values:
            return self.values[name]
        raise DataError(
            f"There is no field {_quoted(name)} in {self.where}.{self._known_fields(name)}{self._hint(name)}"
        )

    def text(self, name: str) -> str:
        """A field as text, stripped; missing values are empty. DataError where it holds something else."""
        value = self.field(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong_type(name, value, expected="a text")
        return value.strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """A field that holds one text or a list of them, stripped, blanks left out."""
        value = self.field(name)
        if value is None:
            return ()
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise self._wrong_type(name, value, expected="a text or a list of texts")
        return tuple(one.strip() for one in value if one.strip())

    def record_id(self, name: str) -> str:
        """A field as the record's id, with the prefix of its file; numbers are allowed. DataError where it is empty."""
        return self.prefix + self.label(name)

    def label(self, name: str) -> str:
        """A field that names something: a text or a whole number, not empty."""
        value = self.field(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        label = self.text(name)
        if not label or "\0" in label:
            problem = "holds a NUL" if label else "is empty"
            raise DataError(
                f"Field {_quoted(name)} {problem} in {self.where}; it must name something. "
                "Mend it or map another field."
            )
        return label

    def _wrong_type(self, name: str, value: object, *, expected: str) -> DataError:
        return DataError(
            f"Field {_quoted(name)} in {self.where} holds {type(value).__name__}, expected {expected}."
            f"{self.chat_hint(name) if _messages(value) else _conversion(value)}"
        )

    def _known_fields(self, name: str) -> str:
        close = [_quoted(one) for one in close_names(name, self.values)]
        # Names of which one is too long are texts, as in an object keyed by them: a glimpse is enough.
        most, limit = (20, _NAME) if max(map(len, self.values), default=0) <= _NAME else (3, _NAME // 2)
        return (f" Did you mean {' or '.join(close)}?" if close else "") + (
            f" Fields there: {named(sorted(self.values), most=most, limit=limit)}."
        )

    def _hint(self, name: str) -> str:
        """What to do about a field that is missing or of the wrong kind."""
        if chat := self.chat_hint(name):
            return chat
        if name.partition(".")[0] in self.values:
            return " Fields within fields are not looked into: write the text into a field of its own."
        return " Check the recipe, or map the fields of a source without a recipe under `fields`."

    def chat_hint(self, name: str = "") -> str:
        """How to bring in the chat messages that a field holds, `name` before others; empty where none does."""
        chat = next((field for field in (name, *self.values) if _messages(self.values.get(field))), None)
        if chat is None:
            return ""
        field, messages = printable(chat, limit=_NAME), _messages(self.values[chat])
        said = next(said for who, said in _CHAT if {who, said} <= {*messages[-1]})
        last = f"{field}[-1]['{said}']"
        recipe = f"prompt = {field}[-2]['{said}'] and completion = {last}" if len(messages) > 1 else f"text = {last}"
        return (
            f" The field '{field}' holds chat messages, which cannot be used yet. Until they can, write their texts "
            f"into fields of their own, say {recipe}, "
            "and map these under `fields`."
        )


def _quoted(name: str) -> str:
    return f"'{printable(name, limit=_NAME)}'"


def _messages(value: object) -> list[Mapping[str, object]]:
    """The messages of a chat, as data sets have them: a list of objects, each with who speaks and what is said."""
    parts = value if isinstance(value, list | tuple) else [value]
    return [part for part in parts if isinstance(part, Mapping) and any({*pair} <= {*part} for pair in _CHAT)]


def _conversion(value: object) -> str:
    if isinstance(value, float):
        return " Whole numbers with gaps become that in pandas: `.astype('Int64')` mends them. Or write texts."
    if isinstance(value, list | tuple | Mapping):
        return " Write its text into a field of its own, and map that one under `fields`."
    return " Convert it, or map another field under `fields`."
