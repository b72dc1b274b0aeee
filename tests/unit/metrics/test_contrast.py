"""A contrast of AUCs against a naive second computation: every pair of texts, one bootstrap sample at a time."""

from __future__ import annotations

import numpy as np
import pytest

from vestige.metrics.contrast import contrast, resamples
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Floats, Fold, Labelled, Scores

BOOTSTRAP = Bootstrap(samples=100)
GROUPS, EACH = 12, 3


def cell(seed: int, fold: Fold, *, shift: float, start: int) -> Labelled:
    random = np.random.default_rng([seed, fold == "A", start])
    ids = np.array([f"t{text}" for text in range(GROUPS * EACH)])
    is_member = np.repeat(np.arange(GROUPS) % 2 == (fold == "A"), EACH)
    values = random.normal(size=len(ids)) + shift * is_member
    scores = Scores(ids=ids, values=values, reasons=np.full(len(ids), "", dtype=np.str_))
    groups = np.array([f"g{text // EACH:02}" for text in range(len(ids))])
    return Labelled(scores, is_member, groups, seed=seed, fold=fold)


def cells(seeds: int, *, shift: float, start: int) -> list[Labelled]:
    folds: tuple[Fold, Fold] = ("A", "B")
    return [cell(seed, fold, shift=shift, start=start) for seed in range(seeds) for fold in folds]


def auc(arm: Labelled, weights: Floats) -> float:
    """Every pair of a member and a non-member, a tie one half; text i counts `weights[i]` times."""
    values = arm.scores.values
    wins = (values[:, None] > values) + 0.5 * (values[:, None] == values)
    members, others = weights * arm.is_member, weights * ~arm.is_member
    return float(members @ wins @ others / (members.sum() * others.sum()))


def naive(arms: list[list[Labelled]], weights: Floats) -> list[float]:
    """The difference of the two arms in each cell."""
    return [auc(one, weights) - auc(other, weights) for one, other in zip(*arms, strict=True)]


@pytest.mark.parametrize("seeds", [1, 3])
def test_value_and_error_of_a_difference(seeds: int) -> None:
    arms = [cells(seeds, shift=1.0, start=0), cells(seeds, shift=0.3, start=1)]
    found, spread = contrast(
        [(1.0, resamples(arms[0], bootstrap=BOOTSTRAP)), (-1.0, resamples(arms[1], bootstrap=BOOTSTRAP))]
    )
    by_cell = np.array(naive(arms, np.ones(GROUPS * EACH)))
    assert found == pytest.approx(by_cell.mean())
    draws = np.vstack(list(BOOTSTRAP.draws(GROUPS, of="pool")))
    samples = [np.mean(naive(arms, np.repeat(draw, EACH))) for draw in draws]
    of_texts = np.var(samples) * GROUPS / (GROUPS - 1)
    of_trainings = np.var(by_cell, ddof=1) / (2 * seeds)
    assert spread.error == pytest.approx(np.sqrt(of_texts + of_trainings))


def test_an_arm_less_itself_is_nothing() -> None:
    arm = resamples(cells(2, shift=1.0, start=0), bootstrap=BOOTSTRAP)
    found, spread = contrast([(1.0, arm), (-1.0, arm)])
    assert (found, spread.error, spread.reach(0.95)) == (0.0, 0.0, 0.0)


def test_arms_of_other_cells_are_not_subtracted() -> None:
    one, other = (resamples(cells(seeds, shift=1.0, start=0), bootstrap=BOOTSTRAP) for seeds in (1, 2))
    with pytest.raises(ValueError, match="the same cells"):
        contrast([(1.0, one), (-1.0, other)])
