"""MetaMathQA: problems in mathematics, rephrased from GSM8K and MATH, with solutions in words.

Source: Yu et al. 2023, "MetaMath: Bootstrap Your Own Mathematical Questions", arXiv:2309.12284. Licence: MIT; made by a
language model from public problems, no people. Reads the hub's `meta-math/MetaMathQA` and local files with `query`,
`response` and `original_question`, which are also the rows of peft's method comparison.

Prompt: `Question: … Think step by step.` and `Answer:`, as that comparison has it. Completion: the response. Group: the
problem that the query is rephrased from, so that no two wordings of one are parted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vestige.data.gathered import group_named
from vestige.data.recipes import Recipe
from vestige.data.rows import Row
from vestige.records import Example

TEMPLATE = "Question: {query} Think step by step.\nAnswer:"


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per row that has a response."""
    for row in rows:
        if response := row.text("response"):
            yield Example(
                id=row.default_id,
                prompt=TEMPLATE.format(query=row.text("query")),
                completion=response,
                references=(response,),
                group=group_named("problem", row.text("original_question")),
            )


RECIPE = Recipe(
    name="metamathqa",
    about="Problems in mathematics in several wordings, and their solutions",
    licence="MIT",
    examples=examples,
    hub="meta-math/MetaMathQA",
)
