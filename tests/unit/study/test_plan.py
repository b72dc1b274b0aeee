"""A study as tasks: what is shared, what a change of one thing reaches, and which learning rate goes on."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vestige.stats.table import read_table
from vestige.store.io import read_json, write_json
from vestige.store.keys import Task
from vestige.store.layout import DONE, Store
from vestige.study.costs import Costs
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.plan import Plan
from vestige.testing.studies import Outcome, plan_of

Table = dict[str, Any]


def known(table: Table, tmp_path: Path) -> list[Task]:
    """All tasks of a study in which every learning rate goes everywhere, so that nothing waits on a search."""
    table["training"]["search"] = "all"
    return plan_of(table, tmp_path / "empty").known()


def addresses(tasks: list[Task], stage: str) -> set[str]:
    return {task.address for task in tasks if task.stage == stage}


def count(tasks: list[Task]) -> Counter[str]:
    return Counter(task.stage for task in tasks)


def test_every_task_comes_after_its_inputs(table: Table, tmp_path: Path) -> None:
    seen: set[str] = set()
    for task in known(table, tmp_path):
        assert seen.issuperset(task.inputs.values()), task.about
        seen.add(task.address)


def test_the_tasks_of_a_study_are_counted(table: Table, tmp_path: Path) -> None:
    arms, seats, epochs, attacks = 3, 2, 2, 4
    starts = 1  # of the prompt, which is validated before its first step too
    assert count(known(table, tmp_path)) == {
        "corpus": 1,
        "train": arms * seats,
        "trained": arms * seats,
        "stats": 2 + arms * seats * epochs * 2 + starts * seats,
        "losses": 2 + arms * seats * epochs * 2 + starts * seats,
        "scores": attacks + arms * seats * epochs * attacks,
        "leakage": 1 + arms * epochs,
        "memorization": arms * epochs,
        "floors": 1,
        "utility": 1 + arms * epochs + starts,
        "comparison": 1,
    }


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
@pytest.mark.parametrize("folds", [1, 2])
def test_the_base_is_scored_once_whatever_the_methods_folds_and_seeds(
    table: Table, tmp_path: Path, seeds: list[int], folds: int
) -> None:
    table["study"] |= {"seeds": seeds, "folds": folds}
    table["method"].append({"name": "lora", "r": 4, "learning_rate": 1e-3})
    tasks = known(table, tmp_path)
    of_base = [task for task in tasks if task.stage == "stats" and "cell" not in task.inputs]
    assert sorted(task.spec["role"] for task in of_base) == ["pool", "validation"]
    of_cells = [task for task in tasks if task.stage == "stats" and task.spec.get("epoch")]
    assert len(of_cells) == 4 * len(seeds) * folds * 2 * 2


def test_one_pass_serves_all_attacks(table: Table, tmp_path: Path) -> None:
    few, many = dict(table, attacks={"use": ["ref"], "primary": "ref"}), dict(table)
    assert addresses(known(few, tmp_path), "stats") == addresses(known(many, tmp_path), "stats")


def test_a_parameter_of_one_attack_changes_its_scores_and_the_leakage_alone(table: Table, tmp_path: Path) -> None:
    before = known(table, tmp_path)
    table["attacks"]["use"] = ["loss", "zlib", "ref", {"name": "min_k", "k": 0.3}]
    after = known(table, tmp_path)
    for stage in ("corpus", "train", "stats", "utility"):
        assert addresses(before, stage) == addresses(after, stage)
    assert not addresses(before, "leakage") & addresses(after, "leakage")
    changed = addresses(before, "scores") ^ addresses(after, "scores")
    assert {task.spec["attack"]["name"] for task in [*before, *after] if task.address in changed} == {"min_k"}
    assert len(changed) == 2 * (1 + 3 * 2 * 2)


def test_a_further_method_changes_nothing_of_the_others(table: Table, tmp_path: Path) -> None:
    """But the comparison of all."""
    before = {task.address for task in known(table, tmp_path) if task.stage != "comparison"}
    table["method"].append({"name": "prompt", "tokens": 8, "learning_rate": 0.1})
    assert before < {task.address for task in known(table, tmp_path)}


def test_the_bootstrap_reaches_the_estimates_alone(table: Table, tmp_path: Path) -> None:
    before = known(table, tmp_path)
    table["report"]["samples"] = 200
    after = known(table, tmp_path)
    changed = {task.address for task in before} - {task.address for task in after}
    assert {address.partition("/")[0] for address in changed} == {"leakage", "utility", "comparison"}


def test_where_model_and_corpus_lie_is_no_part_of_a_key(table: Table, tmp_path: Path) -> None:
    before = known(table, tmp_path)
    model = shutil.copytree(table["base"][0]["model"], tmp_path / "elsewhere" / "a-model")
    corpus = shutil.copy(table["corpus"][0]["path"], tmp_path / "elsewhere" / "notes.jsonl")
    table["base"][0]["model"] = str(model)
    table["corpus"][0]["path"] = str(corpus)
    assert {task.address for task in known(table, tmp_path)} == {task.address for task in before}


def test_methods_meet_on_the_same_texts_in_the_same_order(table: Table, tmp_path: Path) -> None:
    trainings = [task for task in known(table, tmp_path) if task.stage == "train"]
    others = [{k: v for k, v in task.spec.items() if k not in ("method", "learning_rate")} for task in trainings]
    assert len({str(spec) for spec in others}) == 2, "only seed and fold may differ"


def test_a_search_is_on_the_first_seat_and_what_it_found_is_not_trained_again(table: Table, finished: Outcome) -> None:
    plan = finished.plan
    assert plan.grid.search_seats == [(0, "A")]
    searched = [task for task in next(plan.waves()).tasks if task.stage == "train"]
    found = [(task.spec["method"]["name"], task.spec["learning_rate"], task.spec["fold"]) for task in searched]
    assert found == [("lora", 1e-3, "A"), ("lora", 1e-2, "A"), ("prompt", 0.1, "A")]
    tasks = plan.known()
    assert count(tasks)["train"] == 2 + 1 + 2, "two rates on fold A, the better one on B, the prompt on both"


def test_the_rest_waits_for_the_search(table: Table, tmp_path: Path) -> None:
    plan = plan_of(table, tmp_path / "empty")
    assert [arm.method.name for arm in plan.choice.chosen(plan.grid.pairs[0]) if arm.method] == ["prompt"]
    assert plan.choice.best(plan.grid.pairs[0], plan.study.method[0]) is None


def test_search_all_takes_every_rate_to_every_seat(table: Table, tmp_path: Path) -> None:
    table["training"]["search"] = "all"
    plan = plan_of(table, tmp_path / "empty")
    assert plan.grid.search_seats == plan.grid.seats == [(0, "A"), (0, "B")]
    assert len(plan.choice.chosen(plan.grid.pairs[0])) == 3


def test_the_rate_that_goes_on_has_the_lowest_validation_loss(finished: Outcome) -> None:
    plan, store = finished.plan, finished.store
    lora = plan.study.method[0]
    losses = {}
    for rate in lora.learning_rate:
        arm = Arm(*plan.grid.pairs[0], lora, rate)
        tables = [
            read_table(
                store.open(plan.catalogue.stats(Checkpoint(arm, Seat(0, "A"), epoch), role="validation").address)
                / "tokens.parquet"
            )
            for epoch in plan.grid.epochs
        ]
        losses[rate] = min(-float(np.mean(table.tokens["logp"].astype(np.float64))) for table in tables)
    chosen = next(arm for arm in plan.choice.chosen(plan.grid.pairs[0]) if arm.method == lora)
    assert losses[1e-3] != losses[1e-2]
    assert chosen.learning_rate == min(losses, key=losses.__getitem__)
    assert plan.choice.search_loss(chosen) == pytest.approx(min(losses.values()), abs=1e-6)


def test_the_rate_that_goes_on_follows_the_stored_losses(finished: Outcome, tmp_path: Path) -> None:
    """The loss of every checkpoint of the better rate raised by 1: the other one goes on."""
    plan = finished.plan
    lora = plan.study.method[0]
    better = next(arm for arm in plan.choice.chosen(plan.grid.pairs[0]) if arm.method == lora)
    store = Store(shutil.copytree(finished.store.root, tmp_path / "runs"))
    for epoch in plan.grid.epochs:
        folder = store.folder(plan.catalogue.utility(better, epoch, plan.grid.search_seats).address)
        rows = read_json(folder / "estimates.json")
        write_json(folder / "estimates.json", [{**row, "value": row["value"] + 1} for row in rows])
        record = read_json(folder / DONE)
        del record["files"]["estimates.json"]
        write_json(folder / DONE, record)
    turned = Plan(plan.inputs, store)
    chosen = next(arm for arm in turned.choice.chosen(plan.grid.pairs[0]) if arm.method == lora)
    assert chosen.learning_rate != better.learning_rate


def test_costs_count_the_tokens_that_a_model_sees(table: Table, tmp_path: Path) -> None:
    plan = plan_of(table, tmp_path)
    tasks = known(table, tmp_path)
    lengths = next(iter(plan.identities.lengths.values()))
    for task in tasks:
        cost = Costs(plan.identities).of(task)
        if task.stage == "stats":
            assert cost == lengths[task.spec["role"]].tokens
        elif task.stage == "train":
            assert cost > task.spec["training"]["epochs"] * lengths["pool"].tokens / 2
        else:
            assert cost == 0
