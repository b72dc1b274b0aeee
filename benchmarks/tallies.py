"""What is kept of many simulated studies of one design, and the small file that it is kept in."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulated_studies import MARGIN, Compared, Judged
from vestige.store.io import write_text


@dataclass
class Tally:
    """What one way of comparing came to over many studies: counts, and sums of its errors and their squares.

    `covered`: the 95% interval holds the truth; `different`: it does not hold 0; `equivalent`: the 90% one lies within
    the margin. `halves`: half-width of the 95% interval in thousandths → studies.
    """

    studies: int = 0
    error: float = 0.0
    squared: float = 0.0
    covered: int = 0
    different: int = 0
    equivalent: int = 0
    halves: Counter[str] = field(default_factory=Counter)

    def add(self, one: Compared, *, truth: float) -> None:
        """Count one study."""
        error = one.value - truth
        self.studies += 1
        self.error += error
        self.squared += error**2
        self.covered += abs(error) <= one.half
        self.different += abs(one.value) > one.half
        self.equivalent += abs(one.value) + one.half_90 < MARGIN
        self.halves[str(round(1000 * one.half))] += 1

    @property
    def half_width(self) -> float:
        """The median."""
        widths = sorted(self.halves.items(), key=lambda item: int(item[0]))
        middle = np.searchsorted(np.cumsum([number for _, number in widths]), self.studies / 2)
        return int(widths[int(middle)][0]) / 1000


@dataclass
class Piece:
    """All that is kept of the studies of one design.

    `said`: at equal utility, where the rules let it be said; `unsaid`: what they refused, had it been said;
    `reserved`: studies that were said with a reserve.
    """

    truth: float
    studies: int = 0
    signature: str = ""
    reserved: int = 0
    said: Tally = field(default_factory=Tally)
    unsaid: Tally = field(default_factory=Tally)
    equal_epochs: Tally = field(default_factory=Tally)
    best: Tally = field(default_factory=Tally)

    def add(self, one: Judged) -> None:
        """Count one study; ValueError where it was computed in another way than those before."""
        if self.signature not in ("", one.signature):
            raise ValueError(f"the piece counts {self.signature}, and this study is {one.signature}: remove the piece")
        self.signature = one.signature
        self.studies += 1
        self.reserved += bool(one.reserve)
        (self.unsaid if one.refused else self.said).add(one.equal_utility, truth=self.truth)
        self.equal_epochs.add(one.equal_epochs, truth=self.truth)
        self.best.add(one.best, truth=self.truth)


def read_piece(path: Path, *, truth: float) -> Piece:
    """What is counted already; nothing where there is no such file."""
    if not path.exists():
        return Piece(truth)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    ways = ("said", "unsaid", "equal_epochs", "best")
    tallies = {way: Tally(**{**found[way], "halves": Counter(found[way]["halves"])}) for way in ways}
    return Piece(**{**found, **tallies})


def write_piece(piece: Piece, path: Path) -> None:
    """One line of JSON, whole or not at all."""
    write_text(path, json.dumps(piece, default=vars, sort_keys=True) + "\n")
