"""What an attack model is shown of a text: per-token columns of target and base, and figures that sum them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from vestige.attacks.base import (
    BASE_LOGP,
    BASE_MEAN,
    BASE_RANK,
    BASE_VARIANCE,
    TARGET_LOGP,
    TARGET_MEAN,
    TARGET_RANK,
    TARGET_VARIANCE,
    Tables,
)
from vestige.attacks.ez import EZ
from vestige.attacks.min_k import MinK
from vestige.attacks.min_k_pp import MinKPP, standardized
from vestige.attacks.min_k_pp_ref import MinKPPRef
from vestige.attacks.min_k_ref import MinKRef
from vestige.attacks.ragged import Ragged
from vestige.attacks.ratio import Ratio
from vestige.attacks.wbc import WBC
from vestige.attacks.zlib import Zlib
from vestige.records import Bools, Floats

READS = (
    *(TARGET_LOGP, TARGET_MEAN, TARGET_VARIANCE, TARGET_RANK),
    *(BASE_LOGP, BASE_MEAN, BASE_VARIANCE, BASE_RANK),
)

_QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_SINGLE = (Ratio(), Zlib(), MinK(), MinKRef(), MinKPP(), MinKPPRef(), EZ(), WBC())


@final
@dataclass(frozen=True, eq=False)
class Features:
    """Figures of each text: `values`, shape (texts, figures), finite where `usable`, shape (texts,), is True."""

    values: Floats
    usable: Bools


def token_channels(tables: Tables) -> Mapping[str, Ragged]:
    """What is known of each scored token, by name: log p, rank (as log(1 + rank)), mean and standard deviation of log p
    over the vocabulary, and the standardized log p, of target and base; and the gain of log p over the base.
    """
    channels: dict[str, Ragged] = {}
    for logp, mean, variance, rank in (READS[:4], READS[4:]):
        model = logp.view.model
        ranks, spread = tables.read(rank), tables.read(variance)
        channels |= {
            f"{model}_logp": tables.read(logp),
            f"{model}_mean": tables.read(mean),
            f"{model}_spread": Ragged(np.sqrt(np.maximum(spread.values, 0)), spread.offsets),
            f"{model}_rank": Ragged(np.log1p(ranks.values), ranks.offsets),
            f"{model}_standardized": standardized(tables, logp, mean, variance),
        }
    return channels | {"gain": channels["target_logp"] - channels["base_logp"]}


def text_features(tables: Tables) -> Features:
    """Mean, standard deviation and seven quantiles of every channel, eight scores of single attacks, and the logarithm
    of the number of tokens. A text without tokens, or with a value that is not finite, is not usable.
    """
    channels = token_channels(tables)
    lengths = channels["gain"].lengths
    columns = [column for channel in channels.values() for column in _summary(channel)]
    scores = [attack.score(tables).values for attack in _SINGLE]
    values = np.column_stack([*columns, *scores, np.log(np.maximum(lengths, 1))])
    usable = np.isfinite(values).all(axis=1) & (lengths > 0)
    return Features(values=np.where(usable[:, None], values, 0.0), usable=usable)


def _summary(channel: Ragged) -> list[Floats]:
    means = channel.means()
    with np.errstate(invalid="ignore"):
        squares = Ragged((channel.values - channel.per_token(means)) ** 2, channel.offsets).means()
    return [means, np.sqrt(squares), *channel.quantiles(shares=_QUANTILES).T]
