"""From a finished store to frames."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from vestige.attacks.blind import FLOORS
from vestige.data.splits import members_of
from vestige.outcome.frames import ESTIMATES, LOSSES, SCORES, Results
from vestige.store.layout import Store
from vestige.study.grid import Checkpoint
from vestige.study.plan import Plan
from vestige.study.results.collect import collect
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.losses import losses_of
from vestige.study.stages.stats import stats_of
from vestige.testing.studies import Outcome, run_study

ATTACKS = ["loss", "zlib", "ref", "min_k"]


@pytest.fixture(scope="module")
def results(finished: Outcome) -> Results:
    return collect(finished.plan)


def test_frames_have_the_declared_columns(results: Results) -> None:
    for frame, schema in ((results.estimates, ESTIMATES), (results.scores, SCORES), (results.losses, LOSSES)):
        assert dict(frame.schema) == dict(schema)
        assert len(frame)


def test_the_base_is_the_floor_of_every_attack(results: Results) -> None:
    floor = results.estimates.filter(pl.col("method").is_null())
    assert floor["epoch"].is_null().all()
    assert set(floor.filter(pl.col("quantity") == "auc")["attack"]) == {*ATTACKS, *FLOORS}
    assert set(floor.filter(pl.col("attack").is_null())["quantity"]) >= {"loss", "perplexity"}
    assert floor["is_best"].all()


def test_the_floor_of_a_comparing_attack_is_the_loss_of_the_base(results: Results) -> None:
    floor = results.scores.filter(pl.col("method").is_null())
    loss, ref = (floor.filter(pl.col("attack") == attack)["score"].to_list() for attack in ("loss", "ref"))
    assert loss == ref


def test_every_arm_and_checkpoint_has_every_number(results: Results) -> None:
    rows = results.estimates.filter(pl.col("method").is_not_null(), pl.col("epoch") > 0, pl.col("level").is_null())
    found = rows.group_by("method", "epoch").agg(pl.struct("quantity", "attack").alias("numbers"))
    expected: set[tuple[str, str | None]] = {
        (quantity, attack) for quantity in ("auc", "auc_own_texts", "auc_above_floor", "tpr@0.25") for attack in ATTACKS
    }
    expected |= {("loss", None), ("perplexity", None), ("memorization", None)}
    assert len(found) == 2 * 2
    for numbers in found["numbers"]:
        named = [(one["quantity"], one["attack"]) for one in numbers]
        assert set(named) >= expected
        assert len(named) == len(set(named))


def test_every_attack_is_held_against_its_own_control_on_the_same_texts(results: Results) -> None:
    """All texts are scored, so that the difference is that of the two AUCs of the table."""
    rows = results.estimates.filter(pl.col("level").is_null()).drop_nulls("attack")
    floor = {row["attack"]: row["value"] for row in rows.filter(pl.col("method").is_null(), quantity="auc").to_dicts()}
    points = rows.drop_nulls("method").pivot("quantity", index=["method", "epoch", "attack"], values="value").to_dicts()
    assert len(points) == 2 * 2 * len(ATTACKS)
    for point in points:
        assert point["auc_above_floor"] == pytest.approx(point["auc"] - floor[point["attack"]])
    assert rows.drop_nulls("method")["apart"].unique().to_list() == [""], "all attacks are compared on all texts"


def test_what_was_memorized_is_what_the_losses_of_both_folds_say(finished: Outcome, results: Results) -> None:
    """A naive second computation: token by token, left out minus trained on, each model against its validation mean."""
    plan = finished.plan
    pool = examples_of(plan.store, plan.catalogue.corpus("notes").address, "pool")
    (arm, *_) = plan.choice.chosen(plan.grid.pairs[0])
    total, tokens = 0.0, 0
    for cell in plan.grid.checkpoints(arm, 2.0):
        assert cell.seat is not None
        texts, level = (
            stats_of(plan.store, plan.catalogue.stats(cell, role=role).address) for role in ("pool", "validation")
        )
        inside = members_of(pool, seed=cell.seat.seed, fold=cell.seat.fold)
        for place, is_member in enumerate(inside):
            own = texts.tokens["logp"][texts.offsets[place] : texts.offsets[place + 1]]
            total += (1 if is_member else -1) * sum(float(one) - level.tokens["logp"].mean() for one in own)
            tokens += 0 if is_member else len(own)
    assert arm.method is not None
    row = results.estimates.row(
        by_predicate=(pl.col("method") == arm.method.label)
        & (pl.col("epoch") == 2.0)
        & (pl.col("quantity") == "memorization"),
        named=True,
    )
    assert row["value"] == pytest.approx(total / tokens, rel=1e-3, abs=1e-5)
    assert row["low"] < row["value"] < row["high"]
    assert (row["texts"], row["signature"][:26]) == (len(pool), "memorization|cells:2|seeds")


def test_a_rate_is_tied_where_the_validation_texts_cannot_tell_it_from_the_chosen_one(
    finished: Outcome, results: Results
) -> None:
    """A naive second computation: leave out one group of texts after the other."""
    plan = finished.plan
    (other,) = [one for one in results.facts.search if one.rivals and not one.chosen]
    chosen = next(one for one in results.facts.search if one.method == other.method and one.chosen)
    assert not chosen.tied
    texts = examples_of(plan.store, plan.catalogue.corpus("notes").address, "validation")
    sums = []
    for one in (other, chosen):
        arm = next(
            arm
            for arm in plan.grid.arms(plan.grid.pairs[0])
            if arm.method is not None and (arm.method.label, arm.learning_rate) == (one.method, one.learning_rate)
        )
        epoch = min(one.losses, key=one.losses.__getitem__)
        cell = Checkpoint(arm, plan.grid.search_seats[0], epoch)
        sums.append(losses_of(plan.store, plan.catalogue.losses(cell, "validation").address))
    apart, tokens, groups = sums[0].sums - sums[1].sums, sums[0].tokens, [text.group for text in texts]
    names = sorted(set(groups))
    left = [np.asarray([group != name for group in groups]) for name in names]
    means = np.asarray([apart[kept].sum() / tokens[kept].sum() for kept in left])
    mean, number = apart.sum() / tokens.sum(), len(names)
    error = np.sqrt((number - 1) / number * np.sum((means - mean) ** 2))
    assert mean == pytest.approx((other.loss or 0) - (chosen.loss or 0), abs=1e-6)
    assert other.tied == (mean - t.ppf(0.975, number - 1) * error <= 0)


def test_one_checkpoint_is_the_best_and_one_the_last(results: Results) -> None:
    for method in ("lora(r=2)", "prompt(tokens=4)"):
        own = results.estimates.filter(pl.col("method") == method)
        losses = own.filter(pl.col("quantity") == "loss").sort("value")
        assert own.filter("is_best")["epoch"].unique().to_list() == [losses["epoch"][0]]
        assert own.filter("is_last")["epoch"].unique().to_list() == [2.0]


def test_scores_are_one_row_per_text_cell_checkpoint_and_attack(results: Results) -> None:
    assert len(results.scores) == (1 + 2 * 2) * 2 * len(ATTACKS) * 16
    cells = results.scores.group_by("method", "epoch", "fold", "attack").agg(pl.col("is_member").sum(), pl.len())
    assert cells["is_member"].unique().to_list() == [8]
    assert cells["len"].unique().to_list() == [16]
    folds = {
        fold: set(results.scores.filter((pl.col("fold") == fold) & pl.col("is_member"))["id"]) for fold in ("A", "B")
    }
    assert not folds["A"] & folds["B"]
    assert len(folds["A"] | folds["B"]) == 16


def test_auc_is_that_of_the_scores_averaged_over_the_cells(results: Results) -> None:
    rows = results.estimates.filter(pl.col("quantity") == "auc", pl.col("attack").is_in(ATTACKS)).to_dicts()
    for row in rows:
        own = results.scores.filter(
            pl.col("method").eq_missing(pl.lit(row["method"])),
            pl.col("epoch").eq_missing(pl.lit(row["epoch"])),
            pl.col("attack") == row["attack"],
        )
        cells = [own.filter(pl.col("fold") == fold) for fold in ("A", "B")]
        expected = np.mean([roc_auc_score(cell["is_member"], cell["score"]) for cell in cells])
        assert row["value"] == pytest.approx(expected, abs=1e-9)
        assert row["low"] <= row["value"] <= row["high"]
        assert (row["members"], row["non_members"], row["texts"]) == (16, 16, 16)


def test_perplexity_is_the_exponential_of_the_loss(results: Results) -> None:
    keys = ["method", "epoch"]
    loss, perplexity = (
        results.estimates.filter(pl.col("quantity") == name).sort(keys)["value"].to_numpy()
        for name in ("loss", "perplexity")
    )
    assert np.allclose(np.exp(loss), perplexity)


def test_losses_are_one_row_per_step_of_every_training(results: Results) -> None:
    cells = results.losses.group_by("method", "learning_rate", "fold").agg(pl.col("step").sort(), pl.col("epoch").max())
    assert len(cells) == 5
    assert all(steps.to_list() == [1, 2, 3, 4] for steps in cells["step"])
    assert cells["epoch"].unique().to_list() == [2.0]


def test_facts_are_json_and_say_what_was_searched(results: Results) -> None:
    facts: dict[str, Any] = json.loads(json.dumps(results.facts.as_json(), allow_nan=False))
    searched = [row for row in facts["search"] if row["rivals"]]
    assert [row["chosen"] for row in searched].count(True) == 1
    assert {row["learning_rate"] for row in searched} == {1e-3, 1e-2}
    assert [(row["method"], row["chosen"]) for row in facts["search"] if not row["rivals"]] == [
        ("prompt(tokens=4)", True)
    ]
    assert facts["failures"] == []
    assert facts["corpora"][0]["roles"]["pool"]["texts"] == 16
    assert all(isinstance(count, int) for method in facts["methods"] for count in method["trainable"].values())
    assert {one["name"]: one["parameters"] for one in facts["attacks"]} == {
        "loss": {},
        "zlib": {},
        "ref": {},
        "min_k": {"k": 0.2},
    }


def test_no_text_of_the_corpus_is_in_facts_or_frames(results: Results, tiny_notes: Path) -> None:
    notes = [json.loads(line)["note"] for line in tiny_notes.read_text().splitlines()]
    shown = json.dumps(results.facts.as_json()) + results.scores.write_csv() + results.estimates.write_csv()
    assert not any(note in shown for note in notes)


def test_a_study_in_which_everything_failed_still_has_its_floor(table: dict[str, Any], tmp_path: Path) -> None:
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e30}]
    outcome = run_study(table, tmp_path / "runs")
    results = collect(outcome.plan, failures=outcome.failures)
    assert results.estimates["method"].is_null().all()
    assert len(results.estimates)
    assert len(results.losses) == 0
    assert len(results.facts.failures) == 2


def test_an_empty_store_gives_empty_frames(finished: Outcome, tmp_path: Path) -> None:
    results = collect(Plan(finished.plan.inputs, Store(tmp_path / "empty")))
    assert (len(results.estimates), len(results.scores), len(results.losses)) == (0, 0, 0)
    assert dict(results.scores.schema) == dict(SCORES)


def test_the_same_frames_from_a_copied_store(results: Results, finished: Outcome, tmp_path: Path) -> None:
    store = Store(shutil.copytree(finished.store.root, tmp_path / "runs"))
    copy = collect(Plan(finished.plan.inputs, store))
    assert copy.estimates.equals(results.estimates)
    assert copy.scores.equals(results.scores)


def test_floors_without_a_model_have_every_number_on_the_base_alone(results: Results) -> None:
    rows = results.estimates.filter(pl.col("attack").is_in(list(FLOORS)))
    assert rows["method"].is_null().all()
    assert {(row["attack"], row["quantity"]) for row in rows.to_dicts()} == {
        (name, quantity) for name in FLOORS for quantity in ("auc", "auc_null", "p_value", "tpr@0.25")
    }
    assert all((row["members"], row["non_members"], row["groups"]) == (8, 8, 16) for row in rows.to_dicts())
