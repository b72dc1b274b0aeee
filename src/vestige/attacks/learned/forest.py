"""The random forest as attack model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

from vestige.attacks.learned.tabular import Arrays, TabularAttack
from vestige.attacks.learned.trees import mean_of_trees, tree_arrays
from vestige.attacks.seeds import in_32_bits
from vestige.records import Floats


@final
class Forest(TabularAttack):
    """Share of members in the leaves that a text falls into, averaged over the 300 trees of a random forest.

    Between 0 and 1; fitted on a shadow, where the smallest size of a leaf is chosen. Unscorable: no scored token
    (`too_short`).
    Attack models on a shadow: Shokri et al. 2017, arXiv:1610.05820, section V. Differs from the authors' code, which
    learns from the probabilities of classes: a language model has none, and figures of the tokens stand in for them.
    """

    name: Literal["forest"] = "forest"

    def estimator(self, seed: int) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_estimators=300, random_state=in_32_bits(seed))

    def grid(self) -> Mapping[str, Sequence[Any]]:
        return {"min_samples_leaf": [3, 10]}

    def arrays(self, fitted: Any) -> Arrays:
        return tree_arrays(fitted.estimators_)

    def margins(self, arrays: Arrays, values: Floats) -> Floats:
        return mean_of_trees(arrays, values)
