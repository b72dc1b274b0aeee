"""What an estimate is uncertain by: groups of texts, drawn again by bootstrap, and trainings, where several were run.

One draw of groups is shared by everything it concerns. The pool of texts is fixed: both folds of a seed, and all
seeds, weigh a group alike, because a text that is easy for one model is easy for the next, and drawing it anew for
each cell would pretend to more evidence than there is (simulated: coverage 85–88% instead of 92–97%).

The variance of the samples is one part of that of the estimate, that between trainings the other (`intervals`); their
t interval covers 93–97% with as few as seven groups, where the percentile interval covers 87%
(`tests/statistical/test_coverage.py`, docs/decisions/0033). No resampling makes up for a training that was not run:
with one training an interval holds for that one alone, and its signature says so.

A TPR at a fixed FPR keeps the percentile interval of samples that each choose the threshold anew: it jumps too much
for a variance to describe it (at 1% the basic interval covers 78–90%, the bias-corrected one 88–95%, this one 94–98%).
There several seeds are drawn beside the groups (the pigeonhole bootstrap of Owen 2007, Annals of Applied Statistics
1(2)), their deviations widened by √(S / (S − 1)), without which S seeds give (S − 1) / S of the variance between
trainings. No draw is stratified by class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from vestige.metrics.intervals import Interval, Part, Trainings, group_part, trainings
from vestige.records import Floats, Texts

Drawn = Literal["pool", "validation", "seeds"]
"""What is drawn: groups of the pool, groups of the validation texts, seeds. Each has random numbers of its own."""

FEWEST_GROUPS: Final = 3
"""Of a class: of two an interval of 95% covers 83% in simulation, of three 96%."""

_STREAM: Final[dict[Drawn, int]] = {"pool": 0, "validation": 1, "seeds": 2}

_BLOCK = 2**20
"""Weights held at a time: bounds the memory to a few times 8 MiB, whatever the number of texts."""


@final
@dataclass(frozen=True, eq=False)
class Resampled:
    """One cell of an estimate: a metric as a function of how much each of its texts weighs.

    * `metric`: weights of shape (samples, texts) → values of shape (samples,), NaN where they leave nothing to measure.
    * `groups`: group of each text, shape (texts,).
    * `seed`: the seed of the cell.
    """

    metric: Callable[[Floats], Floats]
    groups: Texts
    seed: int

    def value(self) -> float:
        """The metric with every text weighing one."""
        return float(self.metric(np.ones((1, len(self.groups))))[0])


@final
class Bootstrap(BaseModel):
    """How intervals are made: number of bootstrap samples, level, and the seed that makes them repeatable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    samples: Annotated[int, Field(ge=100)] = 1000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def signature(self) -> str:
        """The part of a signature that names the interval: `boot:1000|unit:group|level:0.95|seed:0`."""
        return f"boot:{self.samples}|unit:group|level:{self.level:g}|seed:{self.seed}"

    def replicates(
        self, cells: Sequence[Resampled], *, pool: Texts, of: Drawn = "pool", with_seeds: bool = False
    ) -> Floats:
        """`mean_over_cells` of each bootstrap sample, shape (samples,); NaN where a class of a cell was not drawn.

        `pool` names the groups that can be drawn, repeats allowed: as many are drawn as it has different ones. Give the
        same pool for every attack and method, and sample i means the same texts for all of them: differences are then
        paired. `with_seeds`: seeds are drawn too; a sample can then lie a little outside the range of the metric.
        """
        seeds = len({cell.seed for cell in cells})
        weight_of_seed = self._seed_weights(seeds=seeds) if with_seeds else np.ones((self.samples, seeds))
        by_seed = _by_seed(self.of_cells(cells, pool=pool, of=of), cells=cells)
        means: Floats = np.mean(by_seed * weight_of_seed, axis=1)
        return means

    def of_cells(self, cells: Sequence[Resampled], *, pool: Texts, of: Drawn = "pool") -> Floats:
        """The metric of each cell in each bootstrap sample, shape (samples, cells); arguments as above."""
        names = np.unique(pool)
        places = [np.searchsorted(names, cell.groups) for cell in cells]
        blocks = [
            np.column_stack([cell.metric(draws[:, place]) for cell, place in zip(cells, places, strict=True)])
            for draws in self.draws(len(names), of=of)
        ]
        return np.vstack(blocks)

    def group_part(self, cells: Sequence[Resampled], *, pool: Texts, of: Drawn = "pool") -> Part:
        """The part of the variance of `mean_over_cells` that the choice of groups gives to it; arguments as above."""
        return group_part(self.replicates(cells, pool=pool, of=of), groups=len(np.unique(pool)))

    def percentiles(self, replicates: Floats) -> Interval:
        """Percentile interval of `replicates`, NaNs excluded."""
        tail = (1 - self.level) / 2
        low, high = np.nanquantile(replicates, [tail, 1 - tail])
        return Interval(low=float(low), high=float(high))

    def draws(self, units: int, *, of: Drawn) -> Iterator[Floats]:
        """How often each unit comes up in as many draws with replacement, one block of samples after the other, each of
        shape (rows, units).

        They hang on the seed of the bootstrap, on what is drawn and on the number of units alone. So sample i weighs
        the groups of a pool alike for every method, attack and number of seeds, and pool and validation texts, which
        are independent, are drawn independently even where both have as many groups.
        """
        generator = np.random.default_rng([self.seed, _STREAM[of]])
        rows = max(1, _BLOCK // units)
        for start in range(0, self.samples, rows):
            yield _draw(generator, samples=min(rows, self.samples - start), units=units)

    def _seed_weights(self, *, seeds: int) -> Floats:
        """How much each seed weighs, shape (samples, seeds), each row summing to `seeds`."""
        draws = np.vstack(list(self.draws(seeds, of="seeds")))
        widening = np.sqrt(seeds / (seeds - 1)) if seeds > 1 else 1.0
        weights: Floats = 1 + (draws - 1) * widening
        return weights


def own_groups(groups: Texts, *, ids: Texts) -> Texts:
    """The group of each text, shape (texts,); a text whose group is empty is a group of its own."""
    named: Texts = np.where(groups == "", np.strings.add("id:", ids), groups)
    return named


def mean_over_cells(cells: Sequence[Resampled]) -> float:
    """The metric of each cell, averaged over the folds of a seed and then over the seeds; every text weighs one."""
    values = np.array([[cell.value() for cell in cells]])
    return float(np.mean(_by_seed(values, cells=cells)))


def trainings_of(cells: Sequence[Resampled]) -> Trainings:
    """What cells, every text weighing one, tell of the noise of training again."""
    return trainings([cell.value() for cell in cells])


def _by_seed(values: Floats, *, cells: Sequence[Resampled]) -> Floats:
    """Values of shape (samples, cells) averaged over the cells of each seed, shape (samples, seeds)."""
    seeds = np.array([cell.seed for cell in cells])
    return np.column_stack([values[:, seeds == seed].mean(axis=1) for seed in np.unique(seeds)])


def _draw(generator: np.random.Generator, *, samples: int, units: int) -> Floats:
    """How often each unit comes up in `units` draws with replacement, shape (samples, units)."""
    drawn = generator.integers(0, units, size=(samples, units)) + units * np.arange(samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=samples * units).reshape(samples, units).astype(np.float64)
