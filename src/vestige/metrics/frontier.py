"""Curves along a training, and the first place at which one is low enough.

What is measured at a few checkpoints is joined over x = log(epoch + first epoch) by a cubic that overshoots nowhere
(PCHIP; Fritsch and Butland 1984, SIAM J. Sci. Stat. Comput. 5(2)): between two neighbours it rises or falls as they
do, so that the first crossing lies between the first checkpoint that is low enough and the one before. Losses are such
a curve, and so is d′ = √2·Φ⁻¹(AUC), which is nearer to a straight line than the AUC (Green and Swets 1966).

All is done for many columns at once: bootstrap samples, seeds, or the study itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr, ndtri

from vestige.records import Floats, Ints

_HALVINGS = 50
"""Of the gap between two checkpoints: what is left is below the rounding of a float64."""


def training_axis(epochs: Floats) -> Floats:
    """x = log(epoch + first epoch), the shape of `epochs`; the first is the lowest above 0, and 0 has a place too."""
    places: Floats = np.log(epochs + epochs[epochs > 0].min())
    return places


def d_prime(auc: Floats, *, texts: int) -> Floats:
    """√2·Φ⁻¹(AUC), where an AUC is held within [1/4n, 1 − 1/4n] of n = `texts`, those of the smaller class: beyond that
    a sample of their size tells nothing.
    """
    least = 1 / (4 * texts)
    distance: Floats = np.sqrt(2) * ndtri(np.clip(auc, least, 1 - least))
    return distance


def auc_of(d: Floats) -> Floats:
    """Φ(d′ / √2): the AUC of a d′."""
    auc: Floats = ndtr(d / np.sqrt(2))
    return auc


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity along a training.

    * `x`: shape (knots,), rising. `y`: shape (knots, columns).
    * `coefficients`: shape (4, knots − 1, columns), of (x − knot)³ … 1; NaN in a column that holds a NaN.
    """

    x: Floats
    y: Floats
    coefficients: Floats

    @classmethod
    def through(cls, x: Floats, y: Floats) -> Curve:
        """The curve through at least two knots."""
        whole = np.isfinite(y).all(axis=0)
        coefficients = PchipInterpolator(x, np.where(whole, y, 0.0), axis=0).c.copy()
        coefficients[:, :, ~whole] = np.nan
        return cls(x, y, coefficients)

    def at(self, place: Floats) -> Floats:
        """Its value at a place of each column, shape (columns,); a place beyond the knots is taken for the nearest
        knot, NaN gives NaN. One column serves many places, one place many columns.
        """
        within = np.clip(place, self.x[0], self.x[-1])
        piece = self._piece(within)
        return self._cubic(piece, within - self.x[piece])

    def first_reach(self, target: Floats) -> Floats:
        """The first x of each column at which the curve is at most `target`, both of shape (columns,); NaN where it
        nowhere is. Never beyond the lowest knot: who wants that much stops earlier.
        """
        enough = self.y <= target
        knot = np.argmax(enough, axis=0)
        found = np.where(enough.any(axis=0), self.x[knot], np.nan)
        between = np.maximum(knot - 1, 0)
        inside: Floats = np.where(knot > 0, self.x[between] + self._solve(between, target), self.x[0])
        return np.where(np.isnan(found), np.nan, inside)

    def _solve(self, piece: Ints, target: Floats) -> Floats:
        """Where in its piece each column comes down to the target, by halving."""
        low = np.zeros(np.broadcast_shapes(piece.shape, target.shape))
        high = low + np.diff(self.x)[piece]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = self._cubic(piece, middle) > target
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return high

    def _piece(self, place: Floats) -> Ints:
        return np.clip(np.searchsorted(self.x, place, side="right") - 1, 0, len(self.x) - 2)

    def _cubic(self, piece: Ints, beyond: Floats) -> Floats:
        columns = np.arange(self.y.shape[1]) if self.y.shape[1] > 1 else 0
        a, b, c, d = self.coefficients[:, piece, columns]
        value: Floats = ((a * beyond + b) * beyond + c) * beyond + d
        return value
