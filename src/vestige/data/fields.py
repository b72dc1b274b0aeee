"""Sources that no recipe knows: which field is the prompt, the completion, the references, the group, the id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from vestige.data.rows import Row
from vestige.records import Example
from vestige.store.keyed import Keyed


class FieldMap(Keyed):
    """Names of fields in the source. Only the completion is needed."""

    always_keyed: ClassVar[frozenset[str]] = frozenset({"completion", "prompt", "references", "group", "id"})

    completion: str = "text"
    """The text that is trained and scored."""

    prompt: str | None = None
    """What stands before it: read, neither trained nor scored."""

    references: str | None = None
    """Other completions that are right, for BLEU and its like."""

    group: str | None = None
    """What belongs together (a customer, a document): never split between members and non-members."""

    id: str | None = None
    """The record's name in tables. Left out: its line or row."""


def mapped_examples(rows: Iterable[Row], *, fields: FieldMap, separator: str) -> Iterator[Example]:
    """One Example per row; a record without an id is named by its line or row, one without a group is a group of its
    own.

    `separator` ends every prompt that is not empty. Raises DataError for a missing field.
    """
    for row in rows:
        name = row.record_id(fields.id) if fields.id else row.default_id
        completion = row.text(fields.completion)
        yield Example(
            id=name,
            prompt=_prompt(row, fields, separator),
            completion=completion,
            references=_references(row, fields, completion),
            group=row.label(fields.group) if fields.group else name,
        )


def _prompt(row: Row, fields: FieldMap, separator: str) -> str:
    prompt = row.text(fields.prompt) if fields.prompt else ""
    return prompt + separator if prompt else ""


def _references(row: Row, fields: FieldMap, completion: str) -> tuple[str, ...]:
    """The completion first; none where the source has neither prompt nor references, as there is no task then."""
    if fields.prompt is None and fields.references is None:
        return ()
    others = row.texts(fields.references) if fields.references else ()
    return tuple(dict.fromkeys((completion, *others)))
