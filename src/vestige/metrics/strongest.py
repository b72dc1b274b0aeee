"""What the strongest attack achieves, without the bonus of having been picked for it.

The attack that does best on some texts does so by luck too. So one half of the groups picks and the other half reads,
and the other way round, over many halvings (cross-fitting; Chernozhukov et al. 2018, Econometrics Journal 21(1)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vestige.metrics.replicated import Replicated, combined


def strongest(attacks: Mapping[str, Replicated]) -> Replicated:
    """The level of the best attack, cross-fitted. Its samples are those of the attacks, each weighing as often as it
    was picked: how often is taken as given.
    """
    halves = np.array([one.halves for one in attacks.values()])
    picked = np.argmax(np.nan_to_num(halves, nan=-np.inf), axis=0)
    # Columns stand in pairs, one half and the other: each is read where the other picked.
    swapped = np.arange(len(picked)).reshape(-1, 2)[:, ::-1].ravel()
    read = halves[picked[swapped], np.arange(len(picked))]
    shares = np.bincount(picked, minlength=len(attacks)) / len(picked)
    mixed = combined(list(attacks.values()), weights=shares.tolist())
    points = mixed.points + np.where(np.arange(len(mixed.points)) == 0, np.mean(read) - mixed.points[0], 0.0)
    return replace(mixed, points=points)
