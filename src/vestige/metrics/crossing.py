"""Which checkpoints a comparison at equal utility looks at: those next to where a loss first falls to a level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vestige.metrics.comparison import LEVELS

BESIDE: Final = 2
"""Checkpoints on each side of a crossing."""

HALFWAY: Final = 0.5
"""A method whose gain is a smaller share of the largest gain never gets there, and is compared with no other."""


def common_reach(gains: Iterable[float]) -> float:
    """The gain that all methods reach, those left out that never get there; `gains`: L_base − min L of each method, in
    nats per token. NaN where there is none.
    """
    known = list(gains)
    largest = max(known, default=float("nan"))
    return min((gain for gain in known if gain >= HALFWAY * largest), default=float("nan"))


def around_crossings(
    losses: Mapping[float, float], *, base: float, reach: float, levels: Sequence[float] = LEVELS
) -> set[float]:
    """The epochs next to where a trajectory first falls to `base` − φ · `reach`, two on each side, for each level φ.

    `losses`: the validation loss at each checkpoint by its epoch, nats per token. The one at which it is there counts
    as after the crossing. A level that it never reaches asks for nothing, as do all where nothing is gained at all.
    """
    epochs = sorted(losses)
    return (
        {epoch for level in levels for epoch in _around(epochs, losses, loss=base - level * reach)}
        if reach > 0
        else set()
    )


def _around(epochs: Sequence[float], losses: Mapping[float, float], *, loss: float) -> Sequence[float]:
    first = next((place for place, epoch in enumerate(epochs) if losses[epoch] <= loss), None)
    return [] if first is None else epochs[max(0, first - BESIDE) : first + BESIDE]


def most_around_crossings(epochs: Sequence[float], *, levels: Sequence[float] = LEVELS) -> set[float]:
    """As many checkpoints as a trajectory that is not known yet can have next to its crossings, the lowest one
    included: the first ones.
    """
    return set(sorted(epochs)[: 2 * BESIDE * len(levels) + 1])
