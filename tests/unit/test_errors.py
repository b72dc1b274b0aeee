"""What messages show of names that others chose: harmless, short, and found in no time."""

from __future__ import annotations

import random
import time
import unicodedata

import pytest

from vestige.errors import close_names, named, near_misses, printable, reason


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("notes", "notes"),
        ("naïve 笔记 🙂 [draft]", "naïve 笔记 🙂 [draft]"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("txt\u202egnp", "txt\\u202egnp"),
        ("a\u2028b\u2066c", "a\\u2028b\\u2066c"),
        ("half \ud83d", "half \\ud83d"),
        ("\ufefftext", "\\ufefftext"),
        ("x" * 81, "x" * 79 + "…"),
        ("x" * 80, "x" * 80),
    ],
)
def test_a_name_is_shown_on_one_line_and_short(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


def test_nothing_that_controls_is_left_of_any_character() -> None:
    shown = printable("".join(map(chr, range(0x110000))), limit=10**8)
    assert {"Cc", "Cs", "Zl", "Zp"}.isdisjoint(map(unicodedata.category, shown))
    assert not {unicodedata.bidirectional(one) for one in shown} & {"LRO", "RLO", "LRE", "RLE", "PDF", "LRI", "RLI"}


def test_the_limit_holds_for_what_is_escaped() -> None:
    assert len(printable("\x1b" * 1_000_000)) == 80


def test_many_names_are_counted_and_each_is_cut() -> None:
    assert named(["b", "a"]) == "b, a"
    shown = named([f"{i}" + "x" * 10_000 for i in range(500)], most=3, limit=10)
    assert shown == "0xxxxxxxx…, 1xxxxxxxx…, 2xxxxxxxx… and 497 more"


def test_near_names_regardless_of_capitals_and_blanks() -> None:
    assert close_names("Text", ["id", " text "]) == [" text "]
    assert near_misses("lroa", ["lora", "prompt"]) == " Did you mean 'lora'?"
    assert near_misses("zzz", ["lora", "prompt"]) == " Known: lora, prompt."


def test_a_near_miss_cannot_carry_a_control_character() -> None:
    assert "\x1b" not in near_misses("text", ["tex\x1bt"]) + near_misses("text", ["\x1b[31m" * 9])


def test_thousands_of_long_names_take_no_time_and_little_room() -> None:
    rng = random.Random(0)
    names = ["".join(rng.choices("etaoin ", k=rng.choice([30, 90, 3000]))) for _ in range(20_000)]
    began = time.process_time()
    shown = near_misses("question", names), near_misses("e" * 10**6, names)
    assert time.process_time() - began < 10
    assert max(map(len, shown)) < 2500


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no such thing\nhere is how it came about"), "no such thing"),
        (ValueError("it is one of:\n  a or\n  b\nand so on"), "it is one of: a or b"),
        (KeyError("gate"), "KeyError: 'gate'"),
        (OSError(), "OSError"),
        (ValueError("red \x1b[31m ink"), r"red \x1b[31m ink"),
    ],
)
def test_what_another_library_says_is_one_line(error: Exception, said: str) -> None:
    assert reason(error) == said
    assert reason(error, with_kind=True).count(type(error).__name__) == 1
