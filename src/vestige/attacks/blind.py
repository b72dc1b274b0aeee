"""Floors that never see a model: whether members can be told from non-members by their texts alone.

Above ½ the split itself leaks, and every attack's figure on it is inflated (arXiv:2406.16201). A floor is no `Attack`:
it learns from labels, which an attack must not see, and would know a text again that it was fitted on. Each text is
therefore scored by a classifier fitted on texts of other groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import rankdata

from vestige.attacks.seeds import in_32_bits
from vestige.records import Bools, Floats, Scores, Texts, TokenStats

PERMUTED: Final = "blind_permuted"
"""The bag of words, fitted on and held against labels that were dealt out anew: ½ where the procedure is sound."""

_PARTS: Final = 5

Features = Any
"""Shape (texts, features), dense or sparse."""


def _length(table: TokenStats) -> Features:
    """Scored tokens and bytes, each also as its logarithm."""
    sizes = np.column_stack([table.lengths, table.texts["n_bytes"]]).astype(np.float64)
    return np.hstack([sizes, np.log1p(sizes)])


def _zlib(table: TokenStats) -> Features:
    """Bytes of the compressed text, and their share of the bytes of the text."""
    packed, plain = (table.texts[name].astype(np.float64) for name in ("zlib_bytes", "n_bytes"))
    return np.column_stack([packed, packed / np.maximum(plain, 1)])


def _bag_of_words(table: TokenStats) -> Features:
    """Which tokens occur, each text scaled to length 1: sparse, shape (texts, distinct tokens)."""
    names, columns = np.unique(table.tokens["token_id"], return_inverse=True)
    bag = csr_matrix((np.ones(len(columns)), columns, table.offsets), shape=(len(table.ids), len(names)))
    bag.sum_duplicates()
    bag.data = np.repeat(1 / np.sqrt(np.maximum(np.diff(bag.indptr), 1)), np.diff(bag.indptr))
    return bag


FLOORS: Mapping[str, Callable[[TokenStats], Features]] = MappingProxyType(
    {"blind_length": _length, "blind_zlib": _zlib, "blind_bow": _bag_of_words, PERMUTED: _bag_of_words}
)
"""Name → features. They are read from a table of the base, whose tokens and sizes are the same whoever scored them."""


def floor_labels(name: str, is_member: Bools, *, groups: Texts, seed: int) -> Bools:
    """The labels that a floor is fitted on and held against, shape (texts,): those of the cell, or for `PERMUTED` the
    same ones dealt out anew among the groups.

    `groups`: shape (texts,); membership is one for all texts of a group.
    """
    if name != PERMUTED:
        return is_member
    names, first, index = np.unique(groups, return_index=True, return_inverse=True)
    dealt: Bools = np.random.default_rng((seed, len(names))).permutation(is_member[first])[index]
    return dealt


def floor_scores(name: str, table: TokenStats, *, labels: Bools, groups: Texts, seed: int) -> Scores:
    """Out-of-sample scores of one floor, higher = more like the members, each between 0 and 1.

    A logistic regression is fitted five times (less where a class has fewer groups), each time leaving out some whole
    groups, which it then scores; scores are ranks within such a part, so that parts are comparable. `labels` (from
    `floor_labels`) and `groups` have shape (texts,); `seed` deals out the parts. Unscorable: no scored token
    (`too_short`), or a class of fewer than two groups (`too_few_groups`, all texts). KeyError for an unknown name.
    """
    features, usable = FLOORS[name](table), table.lengths > 0
    parts = min((len(np.unique(groups[usable & (labels == one)])) for one in (True, False)), default=0)
    reasons = np.where(usable, "" if parts > 1 else "too_few_groups", "too_short")
    values = np.full(len(table.ids), np.nan)
    if parts > 1:
        kept = np.flatnonzero(usable)
        values[kept] = _out_of_sample(features[kept], labels[kept], groups[kept], parts=min(parts, _PARTS), seed=seed)
    return Scores(ids=table.ids, values=values, reasons=reasons)


def _out_of_sample(features: Features, labels: Bools, groups: Texts, *, parts: int, seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = np.full(len(labels), np.nan)
    # Scaling in place of centring keeps the bag of words sparse.
    scaler = StandardScaler(
        with_mean=not isinstance(features, csr_matrix), with_std=not isinstance(features, csr_matrix)
    )
    model = make_pipeline(scaler, LogisticRegression(class_weight="balanced", max_iter=2000))
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=in_32_bits(seed))
    for fitted, left_out in splitter.split(features, labels, groups):
        margins = model.fit(features[fitted], labels[fitted]).decision_function(features[left_out])
        scores[left_out] = rankdata(margins) / (len(left_out) + 1)
    return scores
