"""The files of a report: the page, and its numbers for whoever wants to go on with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige.errors import StoreError
from vestige.outcome.at_utility import differences
from vestige.outcome.frames import Results, as_arrow
from vestige.outcome.growth import slopes
from vestige.report.html import render
from vestige.store.io import read_json, refuse_link, write_json, write_parquet, write_text
from vestige.store.layout import REPORTED

_OF_RUNS = ("primaries", "attacked_since")


def write_report(results: Results, folder: Path) -> Path:
    """Write `report.html`, `estimates.csv`, `differences.csv`, `scores.parquet` and `facts.json` into `folder`, and
    `slopes.csv` where leakage is followed along sizes; return the page's path.

    Each file is whole or absent, and the same results give the same bytes. They are their owner's alone (0600), like
    all that a store holds; the page carries no text of a record, and to share it is to copy it.

    Raises:
        StoreError: a file cannot be written, or the folder is a symbolic link; the message names it.
    """
    refuse_link(folder)
    page = render(results)
    write_text(folder / "estimates.csv", results.estimates.write_csv())
    write_text(folder / "differences.csv", differences(results.facts).write_csv())
    if results.facts.scalings:
        write_text(folder / "slopes.csv", slopes(results.facts).write_csv())
    write_parquet(folder / "scores.parquet", as_arrow(results.scores))
    write_json(folder / REPORTED, _without_nan(results.facts.as_json()))
    write_text(folder / "report.html", page)
    return folder / "report.html"


def changed_since(results: Results, folder: Path) -> list[str]:
    """The parts of the study that are not as the report in `folder` has them; none where no report can be read."""
    try:
        old, new = _as_asked(read_json(folder / REPORTED)), _as_asked(_without_nan(results.facts.as_json()))
    except (StoreError, AttributeError, TypeError):
        return []
    # A part that reports of before know nothing of is as they have it where there is nothing in it.
    return sorted(name for name in new if (old.get(name) or None) != (new[name] or None))


def _as_asked(facts: Any) -> dict[str, Any]:
    """What was asked of a study, without what was found."""
    kept = {"bases": ("name", "dtype"), "corpora": ("name", "max_length", "sha256"), "attacks": ("label",)}
    kept["methods"] = ("label", "spec", "learning_rates")
    parts = {part: [[one.get(name) for name in names] for one in facts.get(part, [])] for part, names in kept.items()}
    return {name: value for name, value in facts.get("study", {}).items() if name not in _OF_RUNS} | parts


def _without_nan(value: object) -> object:
    """The same JSON value with null in place of what JSON cannot say."""
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
