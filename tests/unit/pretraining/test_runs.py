"""Which texts occur in a pretraining: whole, in the midst of others, or nearly."""

from __future__ import annotations

import pytest

from vestige.pretraining.runs import RUN, Runs
from vestige.testing.models import tiny_texts

TEXT = (
    "The keeper of the light at Skerryvore wrote down every ship that passed between March and October, and when the "
    "ledger was full he began again on the backs of old charts."
)
AROUND = ["Nobody had asked him to.", "They were found a century later, in a tin box under the stairs."]


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs.of([*tiny_texts(50), f"{AROUND[0]} {TEXT} {AROUND[1]}"])


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.upper().replace(",", " -"),
        TEXT.removeprefix("The keeper of "),
        TEXT.replace("charts", "maps"),
    ],
    ids=["as it is", "in capitals", "a part", "one word changed at its end"],
)
def test_what_occurs_is_found(runs: Runs, text: str) -> None:
    assert runs.hold(text)


@pytest.mark.parametrize(
    "text",
    [
        " ".join(reversed(TEXT.split())),
        TEXT[:40] + " and nothing else of it is the same as what was written there, for all that it begins alike.",
        "the light at Skerryvore",
        "",
    ],
    ids=["the same words", "the same beginning", "fewer words than a run", "nothing"],
)
def test_what_does_not_is_not(runs: Runs, text: str) -> None:
    assert not runs.hold(text)


def test_the_share_is_that_of_the_runs_of_a_text(runs: Runs) -> None:
    words = TEXT.split()
    own = len(words) - RUN + 1
    longer = TEXT + " " + " ".join(f"word{i}" for i in range(own))
    assert runs.share(longer) == pytest.approx(own / (2 * own))
    assert runs.share(TEXT) == 1


def test_scripts_without_blanks_have_runs_of_characters() -> None:
    text = "灯台守は三月から十月までに通ったすべての船を書き留めた"
    assert Runs.of([f"はじめに。{text}。おわりに。"]).hold(text)
    assert not Runs.of(["春の海ひねもすのたりのたりかな"]).hold(text)


def test_a_text_that_is_cut_into_lines_is_found() -> None:
    words = TEXT.split()
    lines = [" ".join(words[start : start + 8]) for start in range(0, len(words), 8)]
    assert Runs.of(["Before it.", *lines, "After it."]).share(TEXT) == 1


def test_nothing_holds_nothing() -> None:
    assert not Runs.of([]).hold(TEXT)
