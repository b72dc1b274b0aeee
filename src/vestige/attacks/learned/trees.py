"""Decision trees as plain arrays: all nodes of all trees of a fitted ensemble, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vestige.records import Floats

_LEAF = -1


def tree_arrays(trees: Iterable[Any]) -> Mapping[str, Any]:
    """The nodes of scikit-learn's fitted trees: `left` and `right` (places of the children, or −1 in a leaf),
    `feature`, `threshold` and `value` (the last output of a leaf), each of shape (nodes,), and `roots`, shape (trees,).
    """
    inner = [tree.tree_ for tree in trees]
    roots = np.concatenate([[0], np.cumsum([tree.node_count for tree in inner])])[:-1].astype(np.int64)
    placed = list(zip(inner, roots, strict=True))
    return {
        "left": np.concatenate([_moved(tree.children_left, by=root) for tree, root in placed]),
        "right": np.concatenate([_moved(tree.children_right, by=root) for tree, root in placed]),
        "feature": np.concatenate([tree.feature for tree in inner]),
        "threshold": np.concatenate([tree.threshold for tree in inner]),
        "value": np.concatenate([tree.value[:, 0, -1] for tree in inner]),
        "roots": roots,
    }


def _moved(children: Any, *, by: int) -> Any:
    return np.where(children == _LEAF, _LEAF, children + by)


def mean_of_trees(arrays: Mapping[str, Any], values: Floats) -> Floats:
    """What the trees say of each row of `values`, shape (texts, figures), averaged over the trees: shape (texts,)."""
    single = values.astype(np.float32)  # scikit-learn compares single precision with its double thresholds
    texts = np.arange(len(values))[:, None]
    nodes = np.broadcast_to(arrays["roots"], (len(values), len(arrays["roots"])))
    while (inside := arrays["left"][nodes] != _LEAF).any():
        goes_left = single[texts, arrays["feature"][nodes]] <= arrays["threshold"][nodes]
        below = np.where(goes_left, arrays["left"][nodes], arrays["right"][nodes])
        nodes = np.where(inside, below, nodes)
    means: Floats = arrays["value"][nodes].mean(axis=1)
    return means
