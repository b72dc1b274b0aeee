"""E2E: facts about a restaurant, and descriptions that say them (data to text).

Source: Novikova et al. 2017, "The E2E Dataset: New Challenges for End-to-End Generation", arXiv:1706.09254. Licence:
CC BY-SA 4.0; invented restaurants. Reads the hub's `GEM/e2e_nlg` (`gem_id`, `meaning_representation`, `target`,
`references`) and files as they were published (`mr`, `ref`), csv too.

Prompt: the facts, then `Text:`. Completion: a space and the first description; the others are references. Group: the
facts, which many rows share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vestige.data.gathered import gathered
from vestige.data.recipes import Recipe
from vestige.data.rows import Row
from vestige.records import Example

SEPARATOR = "\nText:"


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per set of facts."""
    return gathered(map(_entry, rows), group="facts")


def _entry(row: Row) -> tuple[str, str, tuple[str, ...]]:
    if "mr" in row.values:
        return row.default_id, row.text("mr") + SEPARATOR, row.texts("ref")
    given = row.texts("references") if "references" in row.values else ()
    name, facts = row.record_id("gem_id"), row.text("meaning_representation")
    return name, facts + SEPARATOR, given or row.texts("target")


RECIPE = Recipe(
    name="e2e",
    about="Facts about restaurants and the sentences that say them",
    licence="CC BY-SA 4.0",
    examples=examples,
    hub="GEM/e2e_nlg",
)
