"""Counterfactual memorization: how much better a text is known to the models that were trained on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vestige.records import Bools, Floats, TokenStats


def counterfactual_memorization(tables: Sequence[TokenStats], *, is_member: Sequence[Bools]) -> Floats:
    """Mean loss under the models not trained on a text minus that under those trained on it, shape (texts,), nats per
    token.

    `tables`: the target's view of the same texts under models that differ in their training texts alone (the folds and
    seeds of one method at one checkpoint), with column `logp`. `is_member`: for each table what its model was trained
    on, shape (texts,). NaN where a text has no scored token, or all models saw it, or none. Zhang et al. 2021,
    arXiv:2112.12938, eq. 1, with the mean log-probability for the accuracy; Feldman 2020, arXiv:1906.05271. ValueError
    where tables and `is_member` do not match.
    """
    inside = np.asarray(is_member, dtype=np.bool_)
    losses = np.asarray([_mean_losses(table) for table in tables])
    if inside.shape != losses.shape:
        raise ValueError(f"expected the membership of {losses.shape} (tables, texts), got {inside.shape}")
    return _mean_where(losses, ~inside) - _mean_where(losses, inside)


def _mean_losses(table: TokenStats) -> Floats:
    """Mean −log-probability of each text, shape (texts,); NaN without a scored token."""
    totals = np.concatenate([[0.0], np.cumsum(-table.tokens["logp"].astype(np.float64))])
    sums = totals[table.offsets[1:]] - totals[table.offsets[:-1]]
    means: Floats = np.divide(sums, table.lengths, out=np.full(len(sums), np.nan), where=table.lengths > 0)
    return means


def _mean_where(losses: Floats, chosen: Bools) -> Floats:
    """Mean over the chosen tables, shape (texts,); NaN where none is."""
    numbers = chosen.sum(axis=0)
    sums = np.where(chosen, losses, 0.0).sum(axis=0)
    means: Floats = np.divide(sums, numbers, out=np.full(losses.shape[1], np.nan), where=numbers > 0)
    return means
