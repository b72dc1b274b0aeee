"""How a cell's name is read."""

from __future__ import annotations

import re

import pytest

from vestige.errors import ConfigError
from vestige.study.cells import find_folds
from vestige.study.grid import parts_of
from vestige.testing.studies import Outcome

BASE = "/my models, v2 [draft]/m [bold]x[/bold] [/red] (a, b)"
KNOWN = (
    BASE,
    "no[/]tes <i>&, x",
    "notes",
    "lora(r=2, targets=['q', 'k'])",
    "lora",
    "fold A",
    "fold B",
    "last",
    "a\x1b[1mb",
)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (f"{BASE}, lora, fold A, last", [BASE, "lora", "fold A", "last"]),
        (f"fold A,{BASE},no[/]tes <i>&, x", ["fold A", BASE, "no[/]tes <i>&, x"]),
        ("lora(r=2, targets=['q', 'k']),fold B", ["lora(r=2, targets=['q', 'k'])", "fold B"]),
        ("  last  ", ["last"]),
        ("", []),
        (r"a\x1b[1mb, last", ["a\x1b[1mb", "last"]),
    ],
)
def test_parts_may_have_commas_brackets_and_what_cannot_be_typed(name: str, parts: list[str]) -> None:
    assert parts_of(name, KNOWN) == parts


def test_the_reading_that_comes_out_counts() -> None:
    """`a, b` is a base, and a corpus is called `b, c`: the longer first part would leave a part that is none."""
    assert parts_of("a, b, c", ["a, b", "a", "b, c"]) == ["a", "b, c"]


def test_what_is_not_known_is_named_alone() -> None:
    with pytest.raises(ConfigError, match=r"no cell is called 'fold C'\. Did you mean 'fold "):
        parts_of(f"{BASE}, fold C, last", KNOWN)
    with pytest.raises(ConfigError, match=r"no cell is called 'lora\(r=3, targets=\[\]\)'"):
        parts_of("lora(r=3, targets=[]), last", KNOWN)


def test_a_name_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 5,000"):
        parts_of("last, " * 3000, KNOWN)
    with pytest.raises(ConfigError, match="no cell is called"):
        parts_of("last," * 900 + "x", KNOWN)


def test_without_a_name_one_that_would_do_is_said(finished: Outcome) -> None:
    with pytest.raises(ConfigError, match=r"several cells: say which, as in --cell '.*lora\(r=2\)") as caught:
        find_folds(finished.plan, "")
    example = re.search(r"--cell '(.*)'", str(caught.value).splitlines()[0])
    assert example
    assert find_folds(finished.plan, example[1])
