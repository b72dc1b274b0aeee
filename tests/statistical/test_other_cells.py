"""Attacks that compare with other cells, where texts differ in difficulty far more than membership moves them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vestige.attacks import Tables, make_attack
from vestige.attacks.base import CALIBRATION, OtherCells
from vestige.records import OtherCell, TokenStats, View
from vestige.testing.stats import normal_auc

TEXTS, SEEDS = 3000, 12


def stats(mean_logp: np.ndarray) -> TokenStats:
    """Texts of one token."""
    size = len(mean_logp)
    return TokenStats(
        ids=np.array([f"t{i}" for i in range(size)]),
        offsets=np.arange(size + 1),
        tokens={"logp": mean_logp.astype(np.float32)},
        texts={},
    )


def world(separation: float, *, seed: int) -> tuple[Tables, np.ndarray]:
    """Difficulty spreads by 1 nat; a model's own noise by .1 nat; training raises a text by `separation` times that.

    No attack can do better than `normal_auc(separation)`: it is that of knowing the difficulty.
    """
    random = np.random.default_rng(seed)

    def model(difficulty: np.ndarray, is_member: np.ndarray) -> TokenStats:
        return stats(difficulty + 0.1 * (random.normal(size=len(difficulty)) + separation * is_member))

    def halves(size: int) -> list[np.ndarray]:
        first = random.permutation(np.arange(size) < size / 2)
        return [first, ~first]

    difficulty, held = (-5 + random.normal(size=size) for size in (TEXTS, 500))
    seats = [half for _ in range(SEEDS) for half in halves(TEXTS)]
    outside = np.zeros(500, dtype=bool)
    calibration = Tables(
        {View("target"): model(held, outside)},
        {OtherCells(): tuple(OtherCell(model(held, outside), outside) for _ in seats)},
    )
    is_member = halves(TEXTS)[0]
    cells = tuple(OtherCell(model(difficulty, members), members) for members in seats)
    target = {View("target"): model(difficulty, is_member)}
    return Tables(target, {OtherCells(): cells, CALIBRATION: calibration}), is_member


@pytest.mark.parametrize("spec", ["lira", {"name": "lira", "online": False}, "rmia", "informia"])
def test_comes_near_the_best_attack_where_the_loss_is_lost(spec: Any) -> None:
    tables, is_member = world(2.0, seed=1)
    found, loss = (roc_auc_score(is_member, make_attack(one).score(tables).values) for one in (spec, "loss"))
    assert loss < 0.6
    assert found > normal_auc(2.0) - 0.03


@pytest.mark.parametrize("spec", ["lira", {"name": "lira", "online": False}, "rmia", "informia"])
def test_finds_nothing_where_training_leaves_nothing(spec: Any) -> None:
    tables, is_member = world(0.0, seed=2)
    standard_error = np.sqrt((TEXTS + 1) / (3 * TEXTS**2))
    assert abs(roc_auc_score(is_member, make_attack(spec).score(tables).values) - 0.5) < 3 * standard_error


def test_the_constant_of_images_drowns_the_probabilities_of_tokens() -> None:
    """Why a is 1 here: p is e^−5 and ½ (1 − .3) is .35."""
    tables, is_member = world(2.0, seed=1)
    drowned = make_attack({"name": "rmia", "a": 0.3}).score(tables)
    assert roc_auc_score(is_member, drowned.values) < 0.6
