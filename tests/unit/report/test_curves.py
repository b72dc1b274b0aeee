from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.integrate import trapezoid

from vestige.outcome.frames import SCORES, Results
from vestige.outcome.points import scores_at, sections
from vestige.report.curves import density, losses_of, mean_roc


def _scores(values: list[float], members: list[bool], *, attack: str = "ref", fold: str = "A") -> pl.DataFrame:
    texts = [f"t{number}" for number in range(len(values))]
    names = {"base": "b", "corpus": "c", "method": None, "learning_rate": None, "epoch": None, "seed": 0}
    columns = {**names, "fold": fold, "attack": attack, "id": texts, "group": texts, "reason": ""}
    return pl.DataFrame({**columns, "is_member": members, "score": values}, schema=SCORES)


def test_roc_averages_the_cells_at_equal_fpr() -> None:
    first = _scores([4.0, 3.0, 2.0, 1.0], [True, True, False, False], fold="A")
    second = _scores([4.0, 3.0, 2.0, 1.0], [False, True, False, True], fold="B")
    curve = mean_roc(pl.concat([first, second]), attack="ref")
    assert curve is not None
    assert curve.least == 0.5
    assert curve.fpr.tolist() == [0.0, 0.5, 1.0]
    assert curve.tpr.tolist() == pytest.approx([0.5, 0.75, 1.0])


def test_roc_only_of_texts_and_cells_that_all_attacks_score() -> None:
    is_member = [True, True, False, False, False, False]
    whole = _scores([5.0, 4.0, 3.0, 2.0, 1.0, 0.0], is_member)
    partly = _scores([5.0, 4.0, 3.0, 2.0, 1.0, 0.0], is_member, attack="loss")
    partly = partly.with_columns(
        pl.when(pl.col("id") == "t3").then(None).otherwise("score").alias("score"),
        pl.when(pl.col("id") == "t3").then(pl.lit("too_short")).otherwise("reason").alias("reason"),
    )
    extra = _scores([1.0, 2.0], [True, False], fold="B")
    curve = mean_roc(pl.concat([whole, partly, extra]), attack="ref")
    assert curve is not None
    assert curve.least == pytest.approx(1 / 3)


def test_no_roc_without_a_class_or_the_attack() -> None:
    assert mean_roc(_scores([1.0, 2.0], [True, True]), attack="ref") is None
    assert mean_roc(_scores([1.0, 2.0], [True, False]), attack="loss") is None
    assert mean_roc(pl.DataFrame(schema=SCORES), attack="ref") is None


def test_losses_are_minus_the_score_of_one_cell(results: Results) -> None:
    section = sections(results)[0]
    scores = scores_at(results, section, section.floor)
    assert scores.height == 2 * 2 * 60
    losses = losses_of(scores, seed=0, fold="A")
    assert losses is not None
    assert (len(losses.members), len(losses.non_members)) == (29, 30)
    own = scores.filter(pl.col("attack").eq("loss"), pl.col("fold").eq("A"), pl.col("is_member"))
    assert losses.members.sum() == pytest.approx(-own["score"].sum())
    assert losses_of(scores.with_columns(score=pl.lit(1.0)), seed=0, fold="A") is None


def test_density_integrates_to_one() -> None:
    losses = np.random.default_rng(0).normal(2, 0.5, size=300)
    assert trapezoid(density(losses, low=-2, high=6)[1], np.linspace(-2, 6, 200)) == pytest.approx(1, abs=1e-3)
