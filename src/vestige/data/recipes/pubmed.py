"""PubMed: titles and abstracts of biomedical articles (plain text).

Source: the U.S. National Library of Medicine. Rights: the publishers' and authors' own; research use. An abstract
describes patients in numbers and never by name, yet case reports come near a person: treat them as sensitive. Reads
local rows (`id`, `text`) and the hub's `MedRAG/pubmed` (`id`, `title`, `content`).

An example is the title, a line break and the abstract; there is no prompt. Group: the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vestige.data.recipes import Recipe
from vestige.data.rows import Row
from vestige.records import Example


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per row that has a text."""
    for row in rows:
        name = row.record_id("id")
        text = row.text("text") if "text" in row.values else f"{row.text('title')}\n{row.text('content')}".strip()
        if text:
            yield Example(name, "", text, group=name)


RECIPE = Recipe(
    name="pubmed",
    about="Titles and abstracts of biomedical articles",
    licence="the publishers' own, research use",
    examples=examples,
    hub="MedRAG/pubmed",
)
