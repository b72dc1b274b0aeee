"""The difference between the losses of two models on the same texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vestige.metrics.intervals import Interval, jackknife_part, t_interval, training_part
from vestige.metrics.losses import TextLosses
from vestige.metrics.uncertainty import own_groups
from vestige.records import Texts


def loss_difference(
    one: Sequence[TextLosses], other: Sequence[TextLosses], *, groups: Texts, seeds: Sequence[int], level: float = 0.95
) -> Interval | None:
    """How much higher the mean loss of one arm is than that of another, nats per token: the interval.

    `one`, `other`: the losses of both on the same seats, whose seeds are `seeds`; all of the same texts. `groups`:
    shape (texts,), empty for a text that is its own group. Paired: what makes a text hard for both cancels. With
    several seeds the interval knows how much retraining varies. None where the texts are of fewer than two groups,
    or a loss is not finite.
    """
    tokens = one[0].tokens.astype(np.float64)
    kept = tokens > 0
    apart = np.asarray([mine.sums - theirs.sums for mine, theirs in zip(one, other, strict=True)])[:, kept]
    units = own_groups(groups, ids=one[0].ids)[kept]
    if len(np.unique(units)) < 2 or not np.isfinite(apart).all():
        return None
    total = tokens.sum()
    parts = [jackknife_part(apart.mean(axis=0), tokens[kept], groups=units)]
    if len(set(seeds)) > 1:
        by_seed = [float(apart[np.equal(seeds, seed)].mean(axis=0).sum() / total) for seed in sorted(set(seeds))]
        parts.append(training_part(by_seed))
    return t_interval(float(apart.mean(axis=0).sum() / total), parts=parts, level=level)
