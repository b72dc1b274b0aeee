"""What a study can decide of its methods at equal utility, in sentences, before an hour is spent on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from vestige.metrics.power import Design, Resolution, resolution, seeds_for, too_few_groups
from vestige.metrics.uncertainty import own_groups
from vestige.records import Example, Ints, Role
from vestige.study.grid import Grid

Texts = Callable[[Role], Sequence[Example]]

_AIMS = (0.05, 0.03, 0.02)
"""Differences of AUC that people ask for."""

_NOTHING = 0.5


def decided(grid: Grid, corpus: str, texts: Texts) -> Iterator[str]:
    """What the methods of a study can be told apart by on one corpus, and what it would take to tell more.

    `texts` has those of a role, and none where they are not known yet: nothing is said then, nor of a single method.
    """
    methods = len(grid.study.method)
    if methods < 2 or not texts("pool") or not texts("validation"):
        return
    pool, validation = _sizes(texts("pool")), _sizes(texts("validation"))
    design = Design(len(grid.study.study.seeds), grid.study.study.folds, methods, pool, validation)
    if reason := too_few_groups(design):
        yield f"At equal utility '{corpus}' decides nothing between methods: {reason}."
        return
    found = resolution(design)
    if found.gap >= _NOTHING:
        least = _written(_NOTHING)
        yield f"At equal utility '{corpus}' tells no two methods apart whose AUC differs by less than {least}."
        return
    yield (
        f"At equal utility, with {_counted(design.seeds, 'seed')}, {_counted(design.folds, 'fold')} and "
        f"{pool.sum():,} texts, '{corpus}' tells methods apart whose AUC differs by {_up(found.gap)} or more (in 4 "
        f"studies of 5), and shows equivalence within {_up(found.margin)}{_scope(found)}. {_for_less(design, found)} "
        f"This takes trainings of one method to differ by {f'{design.retraining:.3f}'.lstrip('0')} (SD of AUC)"
        f"{_rates(grid)}."
    )


def _for_less(design: Design, found: Resolution) -> str:
    aim = next((one for one in _AIMS if one < found.gap), None)
    if aim is None:
        return ""
    twice = replace(design, pool=np.tile(design.pool, 2), validation=np.tile(design.validation, 2))
    seeds, fewer = seeds_for(design, gap=aim), seeds_for(twice, gap=aim)
    told = f"{_counted(seeds, 'seed')}" if seeds else "more than 20 seeds"
    cheaper = f", or {fewer} with twice the texts in twice the groups" if fewer and fewer < (seeds or 99) else ""
    return f"To tell {_written(aim)} takes {told}{cheaper}."


def _scope(found: Resolution) -> str:
    return (
        "" if found.retrainings else ", of these trainings alone: with a second seed or fold it could speak of others"
    )


def _rates(grid: Grid) -> str:
    return (
        "; choosing between learning rates that are nearly tied widens it by about a fifth"
        if any(len(one.learning_rate) > 1 for one in grid.study.method)
        else ""
    )


def _sizes(examples: Sequence[Example]) -> Ints:
    """Texts of each group, shape (groups,)."""
    groups = own_groups(np.array([one.group for one in examples]), ids=np.array([one.id for one in examples]))
    sizes: Ints = np.unique(groups, return_counts=True)[1]
    return sizes


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("s" if number != 1 else "")


def _up(value: float) -> str:
    """Rounded up to .01: a study promises no more than it holds."""
    return _written(math.ceil(100 * value - 1e-9) / 100)


def _written(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
