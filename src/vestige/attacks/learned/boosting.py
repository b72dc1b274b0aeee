"""Gradient boosting as attack model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

from vestige.attacks.learned.tabular import Arrays, TabularAttack
from vestige.attacks.learned.trees import mean_of_trees, tree_arrays
from vestige.attacks.seeds import in_32_bits
from vestige.records import Floats


@final
class Boosting(TabularAttack):
    """Mean of what the trees of a gradient boosting add to the log-odds of membership.

    No unit; the same order as the log-odds themselves. Fitted on a shadow, where depth and number of the trees are
    chosen. Unscorable: no scored token (`too_short`).
    Attack models on a shadow: Shokri et al. 2017, arXiv:1610.05820, section V; boosting: Friedman 2001. Differs from
    the authors' code, which learns from the probabilities of classes: a language model has none, and figures of the
    tokens stand in for them.
    """

    name: Literal["boosting"] = "boosting"

    def estimator(self, seed: int) -> Any:
        from sklearn.ensemble import GradientBoostingClassifier

        return GradientBoostingClassifier(
            learning_rate=0.05, subsample=0.7, max_features="sqrt", min_samples_leaf=5, random_state=in_32_bits(seed)
        )

    def grid(self) -> Mapping[str, Sequence[Any]]:
        return {"max_depth": [1, 3], "n_estimators": [100, 300]}

    def arrays(self, fitted: Any) -> Arrays:
        return tree_arrays(fitted.estimators_[:, 0])

    def margins(self, arrays: Arrays, values: Floats) -> Floats:
        return mean_of_trees(arrays, values)
