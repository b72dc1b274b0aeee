"""How good a model is at its task: validation loss and perplexity, from the losses of texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from vestige.metrics.intervals import t_interval
from vestige.metrics.losses import TextLosses
from vestige.metrics.uncertainty import Bootstrap, Resampled, mean_over_cells, own_groups, trainings_of
from vestige.records import Counts, Estimate, Floats, Texts

_VERSION = "v:2"
"""Raise it with any change that moves a value or an interval."""

_BOOTSTRAP = Bootstrap()


def validation_loss(
    cells: Sequence[TextLosses], *, groups: Texts, seeds: Sequence[int] = (), bootstrap: Bootstrap = _BOOTSTRAP
) -> Estimate:
    """Mean −log-probability per scored token, nats: all tokens of the validation texts alike, averaged over the cells.

    `cells`: the losses of the texts of the `validation` role, one per cell; all with the same texts in the same order,
    ValueError otherwise. `groups`: shape (texts,), empty for a text that is its own group; a bootstrap sample draws
    them for all cells at once. `seeds`: the seed of each cell. The interval is value ± t·SE and knows of the choice of
    groups and, over several cells, of training again (`uncertainty`, `intervals`). A text without a scored token is
    counted as unscored. Refused where no text has one, where a log-probability is not finite, and where the texts are
    of fewer than two groups.
    """
    seeds = seeds or [0] * len(cells)
    _check(cells, groups=groups, seeds=seeds)
    units = own_groups(groups, ids=cells[0].ids)
    drawn = [_resampled(cell, groups=units, seed=seed) for cell, seed in zip(cells, seeds, strict=True)]
    again = trainings_of(drawn)
    recipe = f"cells:{len(cells)}|seeds:{len(set(seeds))}|{bootstrap.signature}|t|trainings:{again.name}|{_VERSION}"
    counts, signature = _counts(cells[0], groups=units), f"loss|{recipe}"
    value = mean_over_cells(drawn)
    refusal = _refusal(value, counts=counts)
    if refusal:
        return Estimate(value=None, low=None, high=None, counts=counts, signature=signature, reason=refusal)
    parts = [bootstrap.group_part(drawn, pool=units, of="validation"), *again.parts]
    interval = t_interval(value, parts=parts, level=bootstrap.level)
    return Estimate(value=value, low=interval.low, high=interval.high, counts=counts, signature=signature)


def perplexity(
    cells: Sequence[TextLosses], *, groups: Texts, seeds: Sequence[int] = (), bootstrap: Bootstrap = _BOOTSTRAP
) -> Estimate:
    """exp(`validation_loss`): over several cells a geometric mean; the interval is that of the loss.

    Arguments, errors and refusals as in `validation_loss`; also refused where the exponential overflows.
    """
    loss = validation_loss(cells, groups=groups, seeds=seeds, bootstrap=bootstrap)
    signature = loss.signature.replace("loss|", "perplexity|", 1)
    if loss.value is None or loss.low is None or loss.high is None:
        return replace(loss, signature=signature)
    try:
        value, low, high = math.exp(loss.value), math.exp(loss.low), math.exp(loss.high)
    except OverflowError:
        reason = f"the perplexity of a loss of {loss.value:.0f} nats is too large a number"
        return Estimate(value=None, low=None, high=None, counts=loss.counts, signature=signature, reason=reason)
    return Estimate(value=value, low=low, high=high, counts=loss.counts, signature=signature)


def _check(cells: Sequence[TextLosses], *, groups: Texts, seeds: Sequence[int]) -> None:
    if not cells or len(seeds) != len(cells):
        raise ValueError(f"expected one or more cells and a seed for each, got {len(cells)} and {len(seeds)}")
    first = cells[0]
    if groups.shape != first.ids.shape:
        raise ValueError(f"expected a group for each of {len(first.ids)} texts, got {groups.shape}")
    if not all(np.array_equal(cell.ids, first.ids) for cell in cells):
        raise ValueError("the cells must hold the same validation texts in the same order")
    if not all(np.array_equal(cell.tokens, first.tokens) for cell in cells):
        raise ValueError("the cells scored different tokens of the same texts: their losses cannot be averaged")


def _resampled(cell: TextLosses, *, groups: Texts, seed: int) -> Resampled:
    """The texts in the order of their ids, so that the order they come in decides nothing, not even the last digit."""
    order = np.argsort(cell.ids)
    metric = partial(_mean_loss, cell.sums[order], cell.tokens[order].astype(np.float64))
    return Resampled(metric=metric, groups=groups[order], seed=seed)


def _mean_loss(losses: Floats, lengths: Floats, weights: Floats) -> Floats:
    tokens = weights @ lengths
    means: Floats = np.divide(weights @ losses, tokens, out=np.full(len(tokens), np.nan), where=tokens > 0)
    return means


def _refusal(value: float, *, counts: Counts) -> str:
    if counts.texts == 0:
        return "no text has a scored token"
    if not math.isfinite(value):
        return "a log-probability is not finite: the training has diverged"
    if counts.groups < 2:
        return "the texts are of one group: at least two are needed for an interval"
    return ""


def _counts(cell: TextLosses, *, groups: Texts) -> Counts:
    filled = cell.tokens > 0
    empty = int(np.sum(~filled))
    unscored = {"too_short": empty} if empty else {}
    return Counts(texts=int(np.sum(filled)), groups=len(np.unique(groups[filled])), unscored=unscored)
