"""What a study can decide, said before it is run: how far apart two methods must be to be told apart at equal utility.

A difference of two AUCs at 90% of the common reach scatters with the texts of the pool, with those of the validation
set and with the trainings. The first two come from simulated studies whose intervals are as wide as on real ones
(docs/results/operating-characteristics.md), for an AUC near .67; the last is σ²·2/folds a seed, where σ, the standard
deviation of the AUC of one training at equal utility, is that measured for LoRA over five seeds
(docs/results/comparison.md). What the interval
will make of them is the rule of `compare`: variances over groups of texts and over seeds, added, with Welch's degrees
of freedom. Learning rates that are chosen anew widen it further, and are not counted here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm, t

from vestige.metrics.comparison import FEWEST_GROUPS
from vestige.metrics.intervals import Part
from vestige.metrics.retraining import POOLED_FROM
from vestige.records import Floats, Ints

RETRAINING: Final = 0.017
"""SD of a training's AUC at equal utility: LoRA on WebNLG, 95% interval .010 to .050."""

POWER: Final = 0.8

_POOL, _HALVED, _VALIDATION = 0.09, 0.07, 0.02
"""Variance times texts, AUC²: of one seed with both folds; added with one fold alone, where what a method finds easy
does not cancel; of the crossing.
"""

_OF_GROUP = 0.2
"""Correlation of two texts of a group, in what scatters."""

_LEVEL = 0.95
_QUANTILES = (np.arange(200) + 0.5) / 200
_WIDEST = 5.0


@final
@dataclass(frozen=True, eq=False)
class Design:
    """A study of one base and corpus.

    * `pool`, `validation`: texts in each group, shape (groups,).
    * `retraining`: SD of the AUC of one training around its method's, at equal utility.
    """

    seeds: int
    folds: int
    methods: int
    pool: Ints
    validation: Ints
    retraining: float = RETRAINING


@final
@dataclass(frozen=True)
class Resolution:
    """What a design decides of two methods, AUC at equal utility.

    * `half_width`: of the 95% interval of their difference; half of the studies have a narrower one.
    * `gap`: the difference that four studies of five tell from none.
    * `margin`: within which four studies of five show two methods on one frontier to be equivalent.
    * `retrainings`: whether it counts that other trainings would come out otherwise; one seed with one fold cannot.
    """

    half_width: float
    gap: float
    margin: float
    retrainings: bool


def too_few_groups(design: Design) -> str:
    """Why `compare` would refuse the design; empty where it would not."""
    if len(design.pool) < 2 * FEWEST_GROUPS:
        needed = f"{2 * FEWEST_GROUPS}: {FEWEST_GROUPS} in each fold"
        return f"{len(design.pool)} groups in the pool, and a comparison needs {needed}"
    if len(design.validation) < FEWEST_GROUPS:
        return f"{len(design.validation)} groups in the validation set, and a comparison needs {FEWEST_GROUPS}"
    return ""


def resolution(design: Design) -> Resolution:
    """What a design decides."""
    noise = _Noise.of(design)
    lengths = noise.reach(_LEVEL)
    return Resolution(
        half_width=float(np.median(lengths)),
        gap=_where(lambda gap: noise.beyond(lengths, gap=gap)),
        margin=_where(lambda margin: noise.within(margin - noise.reach(2 * _LEVEL - 1))),
        retrainings=noise.trainings is not None,
    )


def seeds_for(design: Design, *, gap: float, most: int = 20) -> int | None:
    """The fewest seeds with which the design tells a difference of `gap`; None where `most` do not."""
    asked = range(max(design.seeds, 2), most + 1)
    at = bisect_left(asked, True, key=lambda seeds: resolution(replace(design, seeds=seeds)).gap <= gap)
    return asked[at] if at < len(asked) else None


@final
@dataclass(frozen=True)
class _Noise:
    """What the difference of two methods scatters by.

    * `texts`: the parts of pool and validation set. `trainings`: what is expected for s²/S, which holds what a text
      does in one training as well; None where nothing can be known of it.
    * `scatter`: the SD that the difference has in truth.
    """

    texts: tuple[Part, Part]
    trainings: Part | None
    scatter: float

    @classmethod
    def of(cls, design: Design) -> _Noise:
        pool, validation = _effective(design.pool), _effective(design.validation)
        alone = _HALVED / pool if design.folds == 1 else 0.0
        of_texts = _POOL / pool * 2 / design.folds + alone
        of_training = 2 * design.retraining**2 / design.folds
        texts = (
            Part(of_texts / design.seeds, len(design.pool) - 1),
            Part(_VALIDATION / validation, len(design.validation) - 1),
        )
        true = sum(part.variance for part in texts) + of_training / design.seeds
        replicates = design.seeds if design.seeds > 1 else design.folds
        if replicates == 1:
            return cls(texts, None, np.sqrt(true))
        # Between the folds of one seed lies also what a method finds easy, with opposite signs.
        apart = (of_training + of_texts + (_HALVED / pool if design.seeds == 1 else 0.0)) / design.seeds
        pooled = design.methods - 1 if design.methods >= POOLED_FROM else 1
        return cls(texts, Part(apart, (replicates - 1) * pooled), np.sqrt(true))

    def reach(self, level: float) -> Floats:
        """How far intervals of that level go to either side, as s² comes out: its quantiles, equally likely."""
        total = np.full(1, sum(part.variance for part in self.texts))
        squares = np.full(1, sum(part.variance**2 / part.df for part in self.texts))
        if self.trainings is not None:
            of_trainings = self.trainings.variance * chi2.ppf(_QUANTILES, self.trainings.df) / self.trainings.df
            total, squares = total + of_trainings, squares + of_trainings**2 / self.trainings.df
        reach: Floats = t.ppf((1 + level) / 2, total**2 / squares) * np.sqrt(total)
        return reach

    def beyond(self, lengths: Floats, *, gap: float) -> float:
        """How often a true difference of `gap` comes out further from 0 than the interval is long."""
        above, below = norm.sf((lengths - gap) / self.scatter), norm.cdf((-lengths - gap) / self.scatter)
        return float(np.mean(above + below))

    def within(self, room: Floats) -> float:
        """How often no difference comes out nearer to 0 than `room`."""
        return float(np.mean(np.maximum(2 * norm.cdf(room / self.scatter) - 1, 0.0)))


def _where(share: Callable[[float], float]) -> float:
    """Where a rising share comes to `POWER`."""
    return float(brentq(lambda at: share(at) - POWER, 0.0, _WIDEST, xtol=1e-5))


def _effective(sizes: Ints) -> float:
    """As many single texts would scatter as much: n² / Σ n_g · (1 + ρ · (n_g − 1)) (Kish 1965, Survey Sampling)."""
    return float(sizes.sum() ** 2 / (sizes * (1 + _OF_GROUP * (sizes - 1))).sum())
