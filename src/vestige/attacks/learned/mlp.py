"""The multilayer perceptron as attack model: one hidden layer over the figures of a text."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import numpy as np

from vestige.attacks.base import Tables
from vestige.attacks.learned.tabular import Arrays, TabularAttack
from vestige.attacks.seeds import in_32_bits
from vestige.records import AttackModel, Bools, Floats, Texts

_HIDDEN = 32
_ROUNDS = 60


@final
class MLP(TabularAttack):
    """Log-odds of membership by a perceptron with one hidden layer of 32 rectified units, fitted on a shadow.

    No unit. The strength of its L2 penalty is chosen on the shadow. Unscorable: no scored token (`too_short`).
    Attack models on a shadow: Shokri et al. 2017, arXiv:1610.05820, section V. Differs from the authors' code, which
    learns from the probabilities of classes: a language model has none, and figures of the tokens stand in for them.
    """

    name: Literal["mlp"] = "mlp"

    def estimator(self, seed: int) -> Any:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(hidden_layer_sizes=(_HIDDEN,), max_iter=_ROUNDS, random_state=in_32_bits(seed))

    def fit(self, tables: Tables, is_member: Bools, *, groups: Texts, seed: int = 0) -> AttackModel:
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
            return super().fit(tables, is_member, groups=groups, seed=seed)

    def grid(self) -> Mapping[str, Sequence[Any]]:
        return {"alpha": [0.1, 1.0, 10.0]}

    def arrays(self, fitted: Any) -> Arrays:
        (first, last), (shift, bias) = fitted.coefs_, fitted.intercepts_
        return {"first": first, "shift": shift, "last": last[:, 0], "bias": bias}

    def margins(self, arrays: Arrays, values: Floats) -> Floats:
        hidden = np.maximum(values @ arrays["first"] + arrays["shift"], 0)
        margins: Floats = hidden @ arrays["last"] + arrays["bias"]
        return margins
