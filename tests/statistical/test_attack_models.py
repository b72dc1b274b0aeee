"""Trained attack models where the best that any attack can do is known, and where there is nothing to learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vestige.attacks import discover, make_attack
from vestige.attacks.learned.base import LearnedAttack
from vestige.testing.stats import Planted, normal_auc, planted_tables

TRAINED = [name for name, attack in discover().items() if issubclass(attack, LearnedAttack)]
every_architecture = pytest.mark.parametrize("name", TRAINED)
# The transformer takes three quarters of a minute to fit, the forest a third of one: `make test-slow` holds them to the
# same, and `check_attack` to nothing in noise.
SLOW = ("transformer", "forest")
but_the_slow_ones = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in TRAINED]
)


def _auc(name: str, *, shadow: Planted, target: Planted) -> float:
    attack = make_attack(name)
    assert isinstance(attack, LearnedAttack)
    model = attack.fit(shadow.tables, shadow.is_member, groups=shadow.tables.ids)
    scores = attack.score(target.tables.given(attack.learned, model))
    return float(roc_auc_score(target.is_member, scores.values))


def test_five_architectures_are_compared_at_least() -> None:
    assert {"boosting", "forest", "logistic", "mlp", "transformer"} <= set(TRAINED)


@but_the_slow_ones
def test_comes_within_two_hundredths_of_the_best_attack_there_is(name: str) -> None:
    """Of 5,000 and 5,000 texts an AUC of .856 has a standard error of .004."""
    shadow = planted_tables(1.5, members=400, non_members=400, seed=5, evener=False)
    target = planted_tables(1.5, members=5000, non_members=5000, seed=6, evener=False)
    assert _auc(name, shadow=shadow, target=target) == pytest.approx(normal_auc(1.5), abs=0.02)


@pytest.mark.slow
@every_architecture
def test_comes_as_near_where_target_and_base_must_be_held_against_each_other(name: str) -> None:
    """Texts that differ in difficulty by more than training moved them: what the target says alone tells little."""
    shadow = planted_tables(1.5, members=600, non_members=600, seed=5, evener=False, difficulty=1.0)
    target = planted_tables(1.5, members=5000, non_members=5000, seed=6, evener=False, difficulty=1.0)
    alone = make_attack("loss").score(target.tables).values
    assert roc_auc_score(target.is_member, alone) < normal_auc(1.5) - 0.1
    assert _auc(name, shadow=shadow, target=target) == pytest.approx(normal_auc(1.5), abs=0.02)


@but_the_slow_ones
def test_finds_nothing_where_there_is_nothing(name: str) -> None:
    """Members of the shadow are no likelier than others: what is learned of them says nothing of the target's."""
    shadow = planted_tables(0.0, members=150, non_members=150, seed=7)
    target = planted_tables(0.0, members=2000, non_members=2000, seed=8)
    standard_error = np.sqrt((2 * 2000 + 1) / (12 * 2000**2))
    assert abs(_auc(name, shadow=shadow, target=target) - 0.5) < 3 * standard_error
