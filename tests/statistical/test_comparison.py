"""Is the comparison at equal utility as often right as it says? 200 studies of two designs, whose truth is known.

`benchmarks/operating_characteristics.py` counts a thousand of each of thirty (docs/results/
operating-characteristics.md); here is the least that must hold, with room for two Monte Carlo errors.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from operating_characteristics import count
from operating_page import faults
from simulated_studies import DESIGNS

pytestmark = pytest.mark.slow

STUDIES = 200


def _quiet(_: str) -> None:
    """Say nothing."""


def test_three_seeds_on_one_frontier_are_told_apart_no_oftener_than_said(tmp_path: Path) -> None:
    """At equal epochs every such study tells them apart, and at their best losses most do."""
    piece = count(DESIGNS["3-seeds"], studies=STUDIES, path=tmp_path / "piece.json", say=_quiet)
    assert piece.said.studies > 0.95 * STUDIES
    assert not faults(DESIGNS["3-seeds"], piece)
    assert piece.equal_epochs.different == STUDIES
    assert piece.equal_epochs.error / STUDIES > 0.15
    assert piece.best.different > 0.4 * STUDIES


def test_a_gap_as_large_as_the_margin_is_seen_and_seldom_called_equivalent(tmp_path: Path) -> None:
    """Power .98 in the thousand studies of the recipe, ± 2 · .010, and our texts are a little noisier."""
    piece = count(DESIGNS["5-seeds-gap-05"], studies=STUDIES, path=tmp_path / "piece.json", say=_quiet)
    assert piece.said.studies > 0.95 * STUDIES
    assert not faults(DESIGNS["5-seeds-gap-05"], piece)
    assert piece.said.different > 0.85 * piece.said.studies
