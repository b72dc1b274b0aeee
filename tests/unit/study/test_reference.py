"""The page on the study file says what the models that read it say."""

from __future__ import annotations

from pathlib import Path

import pytest

from vestige.study.reference import page
from vestige.study.spec import Study


def test_the_page_is_what_the_models_say(repo: Path) -> None:
    stored = (repo / "docs" / "reference" / "study-file.md").read_text(encoding="utf-8")
    assert stored == page(), "docs/reference/study-file.md is stale: run `make reference`"


def test_every_section_and_every_key_of_it_is_explained() -> None:
    sections = page().split("\n## ")[1:]
    assert len(sections) == len(Study.model_fields)
    for section in sections:
        before_methods_and_attacks = section.split("\n### The ")[0]
        keys = [line for line in before_methods_and_attacks.splitlines() if line.startswith("| `")]
        assert all(not line.endswith("|  |") for line in keys)


@pytest.mark.parametrize(
    "row",
    [
        "| `folds` | `1`, `2` | `2` |",
        "| `pool` | whole number, ≥ 4, ≤ 1,000,000 | required |",
        "| `r` | whole number, > 0",
        "| `k` | number, > 0, ≤ 1 | `0.2` |",
        "| `gradient_checkpointing` | true or false | `false` |",
        "| `hidden` | whole number, > 0",
        "### The attack `zlib`",
        "### The method `lora+prompt`",
    ],
)
def test_values_bounds_and_defaults_are_given(row: str) -> None:
    assert row in page()
