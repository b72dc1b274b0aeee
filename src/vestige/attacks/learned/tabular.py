"""Attack models on figures of a text: fitted by scikit-learn, kept as plain arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vestige.attacks.base import TARGET_LOGP, Tables, as_scores
from vestige.attacks.learned.base import LearnedAttack, fingerprints, grouped_parts
from vestige.attacks.learned.features import text_features
from vestige.records import AttackModel, Bools, Floats, Scores, Texts

Arrays = Mapping[str, Any]


class TabularAttack(LearnedAttack, ABC):
    """A classifier of scikit-learn on the figures of `features.py`, each scaled to mean 0 and variance 1 on the shadow.

    A subclass says what is fitted (`estimator`, made anew for each call), which settings are compared (`grid`), what
    is kept of the fitted one (`arrays`) and how a score follows from that (`margins`), so that nothing is unpickled and
    no version of scikit-learn stands between a stored model and its scores.
    """

    @abstractmethod
    def estimator(self, seed: int) -> Any:
        """The classifier, not fitted."""

    @abstractmethod
    def grid(self) -> Mapping[str, Sequence[Any]]:
        """Settings of the classifier, from which cross-validation chooses."""

    @abstractmethod
    def arrays(self, fitted: Any) -> Arrays:
        """What `margins` needs of a fitted classifier, as arrays by name."""

    @abstractmethod
    def margins(self, arrays: Arrays, values: Floats) -> Floats:
        """A score per text from its scaled figures, shape (texts, figures), higher = more likely a member."""

    def fit(self, tables: Tables, is_member: Bools, *, groups: Texts, seed: int = 0) -> AttackModel:
        from sklearn.model_selection import GridSearchCV
        from sklearn.preprocessing import StandardScaler

        features = text_features(tables)
        kept = features.usable
        splits = grouped_parts(is_member[kept], groups=groups[kept], seed=seed)
        scaler = StandardScaler().fit(features.values[kept])
        search = GridSearchCV(self.estimator(seed), dict(self.grid()), scoring="roc_auc", cv=splits)
        search.fit(scaler.transform(features.values[kept]), is_member[kept])
        scaling = {"mean": scaler.mean_, "scale": scaler.scale_}
        facts = {"chosen": search.best_params_, "cross_validated_auc": float(search.best_score_)}
        return AttackModel(
            arrays={**scaling, **self.arrays(search.best_estimator_)},
            facts={**facts, "members": int(is_member[kept].sum()), "non_members": int((~is_member[kept]).sum())},
            seen=fingerprints(tables),
        )

    def score(self, tables: Tables) -> Scores:
        """The margin of the fitted classifier, shape (texts,)."""
        model = self._learned(tables)
        features = text_features(tables)
        scaled = (features.values - model.arrays["mean"]) / model.arrays["scale"]
        values = np.where(features.usable, self.margins(model.arrays, scaled), np.nan)
        return as_scores(tables, values, lengths=tables[TARGET_LOGP.view].lengths)
