"""The logistic attack model: a weighted sum of the figures of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

from vestige.attacks.learned.tabular import Arrays, TabularAttack
from vestige.records import Floats


@final
class Logistic(TabularAttack):
    """Log-odds of membership by a logistic regression, fitted on a shadow, over 108 figures of target and base.

    No unit. The strength of its L2 penalty is chosen on the shadow. Unscorable: no scored token (`too_short`).
    Attack models on a shadow: Shokri et al. 2017, arXiv:1610.05820, section V. Differs from the authors' code, which
    learns from the probabilities of classes: a language model has none, and figures of the tokens stand in for them.
    """

    name: Literal["logistic"] = "logistic"

    def estimator(self, seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=5000)

    def grid(self) -> Mapping[str, Sequence[Any]]:
        return {"C": [1e-4, 1e-3, 1e-2, 1e-1, 1.0]}

    def arrays(self, fitted: Any) -> Arrays:
        return {"weights": fitted.coef_[0], "bias": fitted.intercept_}

    def margins(self, arrays: Arrays, values: Floats) -> Floats:
        margins: Floats = values @ arrays["weights"] + arrays["bias"]
        return margins
