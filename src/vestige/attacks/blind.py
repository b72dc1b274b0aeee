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

from vestige.records import Bools, Floats, Scores, Texts, TokenStats

_PARTS: Final = 5

_FEWEST: Final = 4
"""Groups, two for each class."""

_PENALTY: Final = 1.0
"""Of the squared weights, where features vary by about one, or texts have length 1."""

Features = Any
"""Shape (texts, features), dense or sparse."""


def _length(table: TokenStats) -> Features:
    """Scored tokens and bytes, each also as its logarithm."""
    sizes = np.column_stack([table.lengths, table.texts["n_bytes"]]).astype(np.float64)
    return _standard(np.hstack([sizes, np.log1p(sizes)]))


def _zlib(table: TokenStats) -> Features:
    """Bytes of the compressed text, and their share of the bytes of the text."""
    packed, plain = (table.texts[name].astype(np.float64) for name in ("zlib_bytes", "n_bytes"))
    return _standard(np.column_stack([packed, packed / np.maximum(plain, 1)]))


def _standard(features: Floats) -> Floats:
    spread = features.std(axis=0)
    scaled: Floats = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def _bag_of_words(table: TokenStats) -> Features:
    """Which tokens occur, each text scaled to length 1: sparse, shape (texts, distinct tokens)."""
    names, columns = np.unique(table.tokens["token_id"], return_inverse=True)
    bag = csr_matrix((np.ones(len(columns)), columns, table.offsets), shape=(len(table.ids), len(names)))
    bag.sum_duplicates()
    bag.data = np.repeat(1 / np.sqrt(np.maximum(np.diff(bag.indptr), 1)), np.diff(bag.indptr))
    return bag


FLOORS: Mapping[str, Callable[[TokenStats], Features]] = MappingProxyType(
    {"blind_length": _length, "blind_zlib": _zlib, "blind_bow": _bag_of_words}
)
"""Name → features. They are read from a table of the base, whose tokens and sizes are the same whoever scored them."""


def floor_scores(name: str, table: TokenStats, *, labels: Bools, groups: Texts) -> list[Scores]:
    """Out-of-sample scores of one floor for each of several ways to label the texts, higher = more like the members.

    A ridge regression of the labels, which costs as much for a thousand labellings as for one, is fitted five times
    (less where there are fewer groups), each time leaving out some whole groups, which it then scores. Which groups
    leave together hangs on the groups alone. `labels`: shape (labellings, texts). `groups`: shape (texts,).
    Unscorable: no scored token (`too_short`), or fewer than four groups (`too_few_groups`, all texts). KeyError for
    an unknown name.
    """
    usable = table.lengths > 0
    number = len(np.unique(groups[usable]))
    reasons = np.where(usable, "" if number >= _FEWEST else "too_few_groups", "too_short")
    values = np.full(labels.shape, np.nan)
    if number >= _FEWEST:
        kept = np.flatnonzero(usable)
        alike = _alike(FLOORS[name](table.taken(kept)))
        values[:, kept] = _out_of_sample(alike, labels[:, kept], groups[kept], parts=min(number, _PARTS))
    return [Scores(ids=table.ids, values=row, reasons=reasons) for row in values]


def _out_of_sample(alike: Floats, labels: Bools, groups: Texts, *, parts: int) -> Floats:
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GroupKFold

    scores = np.full(labels.shape, np.nan)
    targets = np.where(labels, 1.0, -1.0).T
    for fitted, left_out in GroupKFold(parts).split(alike, groups=groups):
        # Without an intercept, which is high where few members were left out, and would turn the ranking round.
        centred = targets[fitted] - targets[fitted].mean(axis=0)
        model = KernelRidge(alpha=_PENALTY, kernel="precomputed").fit(alike[np.ix_(fitted, fitted)], centred)
        scores[:, left_out] = model.predict(alike[np.ix_(left_out, fitted)]).T
    return scores


def _alike(features: Features) -> Floats:
    """How alike each two texts are, less how alike each is to the mean text: the kernel of the ridge regression."""
    products = features @ features.T
    products = products.toarray() if isinstance(products, csr_matrix) else products
    rows = products.mean(axis=0)
    kernel: Floats = products - rows - rows[:, None] + rows.mean()
    return kernel
