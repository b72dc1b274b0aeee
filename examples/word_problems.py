"""Rows of the form of MetaMathQA, made up: word problems in two wordings each, with their answers.

`python examples/word_problems.py rows.jsonl 600` writes 600 of them, for a trial of `vestige import peft-comparison`
where the real rows are not at hand.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("Ada", "Bo", "Chen", "Dara", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kim", "Lea", "Max", "Nia", "Ole")
THINGS = ("apples", "books", "coins", "eggs", "kites", "lamps", "nails", "pens", "shells", "tiles")


def rows(count: int, *, seed: int = 0) -> Iterator[dict[str, str]]:
    """So many rows; one after another two wordings of one problem, which is their `original_question`."""
    draw = random.Random(seed)
    while count > 0:
        name, thing = draw.choice(NAMES), draw.choice(THINGS)
        first, each, days = draw.randint(2, 90), draw.randint(2, 30), draw.randint(2, 12)
        total = first + each * days
        asked = f"{name} has {first} {thing} and gets {each} more a day. How many are there after {days} days?"
        again = (
            f"If {name} begins with {first} {thing} and adds {each} every day, how many are there after {days} days?"
        )
        steps = (
            f"In {days} days {name} gets {each} * {days} = {each * days} {thing}. {first} + {each * days} = {total}."
        )
        for query in (asked, again)[:count]:
            response = f"{steps} The answer is: {total}"
            yield {"query": query, "response": response, "original_question": asked, "type": "GSM_Rephrased"}
        count -= 2


def main() -> None:
    """Write them."""
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(count)), encoding="utf-8")


if __name__ == "__main__":
    main()
