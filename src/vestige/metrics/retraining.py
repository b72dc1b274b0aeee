"""How much a number would differ if everything were trained again: from seeds, or with one seed from its two folds.

The mean of n units has the variance s²/n with n − 1 degrees of freedom; with the folds of one seed that is
(D_A − D_B)²/4 with one. Where four or more methods are taken at the same utility, their noise is pooled: the residual
mean square of the table unit × method has (n − 1)(M − 1) degrees of freedom (two-way layout without replication;
Scheffé 1959, The Analysis of Variance, ch. 4), and the mean of a difference has twice it over n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vestige.metrics.intervals import Part, training_part
from vestige.metrics.replicated import Replicated
from vestige.records import Floats

POOLED_FROM: Final = 4
"""Methods at one utility from which their noise is pooled."""


@final
@dataclass(frozen=True, eq=False)
class Retraining:
    """The noise of methods that are taken at the same utility. `table`: method → its units, shape (units,)."""

    table: Mapping[str, Floats]

    @classmethod
    def of(cls, numbers: Mapping[str, Replicated]) -> Retraining:
        """The noise of one quantity of these methods."""
        return cls({method: number.units for method, number in numbers.items()})

    @property
    def is_pooled(self) -> bool:
        """Whether the methods lend each other degrees of freedom."""
        return len(self.table) >= POOLED_FROM and self._units > 1

    def of_difference(self, method: str, other: str) -> list[Part]:
        """The variance of the difference of two methods; empty with one unit, which says nothing of it."""
        if self._units < 2:
            return []
        if not self.is_pooled:
            return [training_part((self.table[method] - self.table[other]).tolist())]
        residual, df, _ = self._squares()
        return [Part(2 * residual / self._units, df)]

    def of_method(self, method: str) -> list[Part]:
        """The variance of the number of one method: what units have in common varies beside what is its own."""
        if self._units < 2:
            return []
        if not self.is_pooled:
            return [training_part(self.table[method].tolist())]
        residual, df, between = self._squares()
        methods = len(self.table)
        own = Part(residual * (methods - 1) / methods / self._units, df)
        return [own, Part(between / methods / self._units, self._units - 1)]

    @property
    def _units(self) -> int:
        return len(next(iter(self.table.values())))

    def _squares(self) -> tuple[float, int, float]:
        """Residual mean square of the table and its degrees of freedom, and the mean square between units."""
        values = np.array(list(self.table.values())).T
        units, methods = values.shape
        by_unit = values.mean(axis=1, keepdims=True)
        residuals = values - by_unit - values.mean(axis=0) + values.mean()
        df = (units - 1) * (methods - 1)
        between = methods * float(np.sum((by_unit - values.mean()) ** 2)) / (units - 1)
        return float(np.sum(residuals**2)) / df, df, between
