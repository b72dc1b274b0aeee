"""DialogSum: everyday conversations and their summaries.

Source: Chen et al. 2021, "DialogSum: A Real-Life Scenario Dialogue Summarization Dataset", arXiv:2105.06762. Licence:
CC BY-NC-SA 4.0; speakers are numbered, and names within a conversation are those of textbooks and not of the speakers.
Reads the hub's `knkarthick/dialogsum` and local files with `id`, `dialogue` and `summary`.

Prompt: the conversation, then `Summary:`. Completion: a space and the summary; the test set's conversations have three.
Group: the conversation. It is long: set `max_length` well above its default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vestige.data.gathered import gathered
from vestige.data.recipes import Recipe
from vestige.data.rows import Row
from vestige.records import Example

SEPARATOR = "\nSummary:"


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per conversation."""
    entries = ((row.record_id("id"), row.text("dialogue") + SEPARATOR, row.texts("summary")) for row in rows)
    return gathered(entries, group="dialogue")


RECIPE = Recipe(
    name="dialogsum",
    about="Everyday conversations and their summaries",
    licence="CC BY-NC-SA 4.0",
    examples=examples,
    hub="knkarthick/dialogsum",
)
