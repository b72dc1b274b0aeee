"""What is said of the published numbers beside each claim is what they come to."""

from __future__ import annotations

import re

import pytest

from vestige.claims.known import CLAIMS
from vestige.claims.published import PAPER, apart, at_equal_utility, published

CORPORA = ("webnlg", "wikitext", "xsum")
SAID = {claim.name: claim.published for claim in CLAIMS[PAPER]}


def numbers(text: str) -> list[float]:
    """Every number with a point, as it is printed."""
    return [float(one) for one in re.findall(r"[+]?\d*\.\d+", text)]


def one(**where: object) -> float:
    (value,) = published().filter(**where)["value"]
    return float(value)


def test_all_six_say_what_was_published() -> None:
    assert list(SAID) == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert all(SAID.values())


def test_families_apart_and_what_is_left_at_equal_utility() -> None:
    found = [at_equal_utility(corpus, "lora", "p_tuning") for corpus in CORPORA]
    expected = [*(apart(corpus) for corpus in CORPORA), *(read.difference for read in found if read)]
    assert numbers(SAID["C1"]) == pytest.approx(expected, abs=0.005)
    assert "read off a plot, without interval" in SAID["C1"]


def test_growth_with_epochs() -> None:
    grown = [
        one(table="Figure 1", corpus=corpus, method=method, epoch=15.0)
        - one(table="Figure 1", corpus=corpus, method=method, epoch=1.0)
        for corpus, method in (("wikitext", "head"), ("wikitext", "lora"), ("webnlg", "p_tuning"))
    ]
    assert numbers(SAID["C2"]) == pytest.approx(grown, abs=0.005)


def test_growth_with_size() -> None:
    small, large = (
        [one(table="Table 3", base=base, method=method) for method in ("full", "head", "lora", "prompt")]
        for base in ("gpt2-117m", "gpt2-1.5b")
    )
    printed = numbers(SAID["C3"].replace("1.5B", ""))
    assert printed == pytest.approx([high - low for low, high in zip(small, large, strict=True)], abs=0.005)


def test_task_performance() -> None:
    perplexities = [
        one(table="Table 2", quantity="perplexity", corpus=corpus, method=method)
        for corpus in CORPORA
        for method in ("p_tuning", "lora")
    ]
    assert numbers(SAID["C4"]) == pytest.approx(perplexities, abs=0.005)


def test_structured_data() -> None:
    rows = published().filter(table="Table 2", attack="loss", family="prompt")
    means = [float(rows.filter(corpus=corpus)["value"].mean()) for corpus in CORPORA]  # type: ignore[arg-type]
    assert numbers(SAID["C5"]) == pytest.approx(means, abs=0.005)


def test_placements() -> None:
    aucs = [
        one(table="Table 4", corpus=corpus, attack="loss", method=f"lora(targets={placement})")
        for corpus in ("wikitext", "webnlg")
        for placement in ("attention", "projection", "all")
    ]
    assert numbers(SAID["C6"]) == pytest.approx(aucs, abs=0.0051)
