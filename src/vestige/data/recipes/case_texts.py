"""The generated case notes as plain texts, without their records. Invented people; licence: that of vestige
(Apache-2.0).

No prompt: all of a note is trained on. Group: the note. The records are those of `case_notes`, and half as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vestige.data.recipes import Recipe
from vestige.data.recipes.case_notes import generator, rows
from vestige.data.rows import Row
from vestige.records import Example


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per note."""
    for row in rows:
        name = row.label("id")
        yield Example(name, "", row.texts("notes")[0], group=name)


RECIPE = Recipe(
    name="case_texts",
    about="Generated private case notes as plain texts, without their records",
    licence="Apache-2.0 (generated)",
    examples=examples,
    generate=rows,
    generator=generator,
)
