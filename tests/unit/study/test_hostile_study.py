"""No table of a study, however odd, ends in anything but one message that can be read: nothing crashes, hangs, fills
the terminal or reaches it with an escape sequence.
"""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from vestige.errors import ConfigError
from vestige.study.plain import LONGEST, MOST
from vestige.study.spec import make_study

Table = dict[str, Any]

HOSTILE: tuple[Any, ...] = (
    *(0, -1, 2**31, 2**63, 10**12, 10**4000, 1e308, 5e-324, float("nan"), float("inf"), True, None),
    *("", " ", "x" * 300, "y" * 10**6, "a\0b", "\ud800", "\x1b]0;evil\x07", "\u202e", "nan", "[/bold]", "{}", "é" * 99),
    *("/", "/dev/zero", "~nobody-of-that-name/x", "a/" * 3000, "C:\\models", "organisation/name", "case_notes"),
    *([], [[]], {}, {"a": 1}, [{}], [1] * 999, ["x"] * 999, [0.1, 0.1], range(10**12), {1: 2}, {"\x1b[31m": 1}),
    *(b"x", {1, 2}, itertools.count(), dt.date(2026, 1, 1), np.arange(3), np.float64("nan"), object()),
)


def places(table: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a table are, all the way down."""
    inner = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in inner:
        yield (*above, key)
        yield from places(value, (*above, key))


def mutated(table: Table, chance: random.Random) -> Table:
    """The table with one value replaced, added under an odd key, or taken away."""
    whole = copy.deepcopy(table)
    *above, last = chance.choice(list(places(whole)))
    inner: Any = whole
    for key in above:
        inner = inner[key]
    if chance.random() < 0.1:
        del inner[last]
    elif chance.random() < 0.15 and isinstance(inner, dict):
        inner[chance.choice(["\x1b[31m", "k" * 3000, "rank", "", "name"])] = chance.choice(HOSTILE)
    else:
        inner[last] = chance.choice(HOSTILE)
    return whole


def whole_study(table: Table) -> Table:
    """A study with every section and kind of value in it."""
    table["generate"] = {"max_new_tokens": 4, "texts": 4}
    table["training"] |= {"weight_decay": 0.1, "clip": 1.0, "gradient_accumulation": 2, "gradient_checkpointing": False}
    table["corpus"][0] |= {"name": "notes", "calibration": 4, "per_group": 2, "seed": 3, "separator": "\n"}
    table["corpus"].append({"recipe": "case_notes", "pool": 8, "validation": 4, "size": 20})
    table["method"] += [{"name": "lora+prompt", "lora": {"r": [2, 4]}, "ratio": 10.0}, {"name": "prompt", "text": "a"}]
    masked = {"name": "neighbourhood", "versions": 2, "masked_lm": "organisation/name"}
    learned = {"name": "logistic", "train_on": {"method": "prompt(tokens=4)"}}
    table["attacks"]["use"] += [{"name": "min_k", "k": 0.1}, masked, {"name": "wbc", "windows": [2, 3]}, learned]
    return table


def test_the_study_that_is_mutated_is_sound(table: Table) -> None:
    assert len(make_study(whole_study(table)).method) == 5


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", range(4))
def test_a_mutated_study_is_taken_or_refused_in_a_few_lines(table: Table, part: int) -> None:
    sound, chance = whole_study(table), random.Random(part)
    for _ in range(150):
        study = mutated(sound, chance)
        for _ in range(chance.randrange(3)):
            study = mutated(study, chance)
        try:
            make_study(study)
        except ConfigError as error:
            message = str(error)
            assert len(message) < 3000
            assert all(line.isprintable() for line in message.splitlines())


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("report", "samples", 10**9, "report.samples: should be less than or equal to 100000"),
        ("report", "fpr", [0.001 * n for n in range(1, 300)], "report.fpr: should have at most 20 values, and has 299"),
        ("report", "fpr", [1] * (MOST + 1), "more than 20,000 values"),
        ("training", "epochs", 1e300, "training.epochs: should be less than or equal to 10000"),
        ("training", "clip", float("inf"), "training.clip: inf is not a finite number"),
        ("training", "clip", np.float32("nan"), "training.clip: nan is not a finite number"),
        ("training", "batch_size", 10**4000, "training.batch_size: a whole number is at most"),
        ("study", "seeds", range(10**15), "more than 20,000 values"),
        ("study", "seeds", np.zeros(10**6, dtype=int), "more than 20,000 values"),
        ("study", "seeds", {1, 2}, "study.seeds: expected a list, got set"),
        ("study", "name", "x" * (LONGEST + 1), "study.name: a text of 20,001 characters"),
        ("study", "name", "a\0b", "study.name: a text with a zero byte"),
        ("study", "\x1b[2J", 1, "study.\\x1b[2J: unknown key"),
    ],
)
def test_bounds(table: Table, section: str, key: str, value: Any, expected: str) -> None:
    table[section][key] = value
    with pytest.raises(ConfigError) as caught:
        make_study(table)
    assert expected in str(caught.value)


@pytest.mark.parametrize("role", ["pool", "validation", "calibration", "context", "shadow", "size"])
def test_a_generated_corpus_is_bounded(table: Table, role: str) -> None:
    table["corpus"] = [{"recipe": "case_notes", "pool": 8, "validation": 4, role: 10**12}]
    with pytest.raises(
        ConfigError, match=rf"corpus\.1\.{role}: should be less than or equal to \d+ \(got 1000000000000\)"
    ):
        make_study(table)
    table["corpus"][0][role] = 60_000
    with pytest.raises(
        ConfigError, match=r"at most 50,000 texts, and this one's roles need|less than or equal to 50000"
    ):
        make_study(table)


def test_tables_without_end(table: Table) -> None:
    table["study"]["more"] = table
    with pytest.raises(ConfigError, match="nested too deep"):
        make_study(table)


def test_what_a_notebook_has_at_hand_is_taken(table: Table) -> None:
    table["study"]["seeds"] = np.arange(2)
    table["method"] = ({"name": "lora", "r": np.int32(4), "learning_rate": np.array([1e-3, 1e-2])},)
    table["report"] = {"fpr": np.float64(0.1)}
    study = make_study(table)
    assert study.study.seeds == (0, 1)
    assert study.method[0].learning_rate == (1e-3, 1e-2)
    assert study.report.fpr == (0.1,)
    table["study"]["seeds"] = range(2)
    assert make_study(table) == study
