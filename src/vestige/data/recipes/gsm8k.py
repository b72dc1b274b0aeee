"""GSM8K: school problems in arithmetic, with solutions in steps that end in `#### ` and a number.

Source: Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems", arXiv:2110.14168. Licence: MIT; invented
people. Reads the hub's `openai/gsm8k` and local files with `question` and `answer`.

Prompt: the problem, then `Answer:`. Completion: a space and the solution. Group: the problem. The task is measured by
`utility = ["final_number"]`: solutions differ in their words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vestige.data.gathered import gathered
from vestige.data.recipes import Recipe
from vestige.data.rows import Row
from vestige.records import Example

SEPARATOR = "\nAnswer:"


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per problem."""
    problems = ((row.default_id, row.text("question") + SEPARATOR, row.texts("answer")) for row in rows)
    return gathered(problems, group="problem")


RECIPE = Recipe(
    name="gsm8k",
    about="School problems in arithmetic and their solutions",
    licence="MIT",
    examples=examples,
    hub="openai/gsm8k",
    hub_config="main",
)
