"""Con-ReCaLL in a study: known members of each cell before every text, and out of its evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from vestige.attacks.base import Tables
from vestige.data.encode import encode, encode_behind
from vestige.data.splits import members_of
from vestige.errors import ConfigError
from vestige.forms import PLAIN, Behind
from vestige.models.loading import load_tokenizer
from vestige.models.sources import resolve
from vestige.records import View
from vestige.study.grid import Arm, Checkpoint, Seat
from vestige.study.results.collect import collect
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of
from vestige.study.stages.stats import stats_of
from vestige.testing.studies import plan_of, run_study, write_tiny_corpus

Table = dict[str, Any]
ATTACK = {"name": "con_recall", "prefix": 40, "beginnings": 1}


def use(table: Table, folder: Path, *attacks: Any) -> Table:
    table["attacks"] = {"use": ["loss", *attacks], "primary": "loss"}
    table["corpus"][0] |= {"path": str(write_tiny_corpus(folder / "more.jsonl", texts=60)), "context": 4}
    table["method"] = [one for one in table["method"] if one["name"] == "lora"]
    table["method"][0]["learning_rate"] = 1e-2
    table["training"] |= {"epochs": 1, "checkpoints": [1]}
    return table


def test_members_of_the_cell_come_first_and_are_not_evaluated(table: Table, tmp_path: Path) -> None:
    table = use(table, tmp_path, ATTACK)
    table["corpus"][0]["pool"] = 40  # of which two in twenty members are few enough to be left out for all
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    plan, store = outcome.plan, outcome.store
    attack, arm = plan.study.attacks.use[1], plan.grid.arms(plan.grid.pairs[0])[0]
    tokenizer = load_tokenizer(resolve(table["base"][0]["model"]))
    for fold in ("A", "B"):
        task = plan.choice.scores(attack, Checkpoint(arm, Seat(0, fold), 1.0))
        assert set(task.inputs) == {"target", "target/prefixed-40", "target/members-40"}
        pool = examples_of(store, plan.identities.corpora["notes"].task.address, "pool")
        is_member = members_of(pool, seed=0, fold=fold)
        members = [example for example, chosen in zip(pool, is_member, strict=True) if chosen]
        behind = encode_behind(members, encode(pool, tokenizer, max_length=40), tokenizer, tokens=40)
        known = {example.id for example in members[: behind.used]}
        assert 1 < len(known) < len(members)
        scores = scores_of(store, task.address)
        assert set(scores.ids[scores.reasons == "known_member"]) == known
        views = {View("target", form): stats_of(store, task.inputs[View("target", form).name]) for form in FORMS}
        expected = attack.score(Tables(views))
        assert np.array_equal(scores.values, expected.values, equal_nan=True)
    assert set(plan.choice.scores(attack, Checkpoint(Arm(*plan.grid.pairs[0]))).inputs) == {"base"}
    rows = collect(plan).estimates.filter(pl.col("quantity") == "auc").drop_nulls("method")
    unscored = rows.filter(attack="loss")["unscored"].item()
    assert "member:unscored_by:con_recall" in unscored, "attacks are compared on the texts that all of them score"


FORMS = (PLAIN, Behind(40, "context"), Behind(40, "members"))


def test_a_group_goes_with_its_known_member(table: Table, tmp_path: Path) -> None:
    """Every text of a question belongs to one group of several texts."""
    path = tmp_path / "grouped.jsonl"
    table = use(table, tmp_path, ATTACK)
    rows = [json.loads(line) for line in Path(table["corpus"][0]["path"]).read_text().splitlines()]
    path.write_text("".join(json.dumps(row | {"about": f"g{row['number'] // 3}"}) + "\n" for row in rows))
    table["corpus"][0] |= {"path": str(path)}
    table["corpus"][0]["fields"]["group"] = "about"
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    plan, store = outcome.plan, outcome.store
    task = plan.choice.scores(
        plan.study.attacks.use[1], Checkpoint(plan.grid.arms(plan.grid.pairs[0])[0], Seat(0, "A"), 1.0)
    )
    scores = scores_of(store, task.address)
    groups = {one.id: one.group for one in examples_of(store, plan.identities.corpora["notes"].task.address, "pool")}
    left_out = {groups[name] for name in scores.ids[scores.reasons == "known_member"]}
    kept = {groups[name] for name in scores.ids[scores.scored]}
    assert left_out
    assert not left_out & kept


def test_too_few_members_to_fill_the_beginning_are_refused_at_once(table: Table, tmp_path: Path) -> None:
    table = use(table, tmp_path, {"name": "con_recall", "prefix": 70})
    table["corpus"][0] |= {"pool": 4, "context": 20}
    with pytest.raises(ConfigError, match=r"the 2 texts that it is made of have \d+ together.*known members"):
        plan_of(table, tmp_path / "runs")


def test_every_beginning_is_of_texts_of_its_own_and_all_of_them_are_known(table: Table, tmp_path: Path) -> None:
    plan = plan_of(use(table, tmp_path, {**ATTACK, "beginnings": 2}), tmp_path / "runs")
    pool = plan.inputs.splits["notes"].roles["pool"]
    tokenizer = load_tokenizer(resolve(table["base"][0]["model"]))
    texts = encode(pool[:1], tokenizer, max_length=40)
    first, second = (encode_behind(pool, texts, tokenizer, tokens=40, place=place) for place in (0, 1))
    alone = encode_behind(pool[first.used :], texts, tokenizer, tokens=40)
    assert 0 < first.used < second.used == first.used + alone.used
    assert np.array_equal(second.beginning, alone.beginning)
    assert not np.array_equal(first.beginning, second.beginning)
    targets = [task for task in plan.expected() if task.stage == "stats" and "cell" in task.inputs]
    behind = {task.spec["view"] for task in targets}
    assert behind == {"plain", "prefixed-40", "prefixed-40-2", "members-40", "members-40-2"}


def test_too_few_texts_for_the_beginnings_say_how_many_it_takes(table: Table, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"(?s)^4 beginnings of 60 tokens each .*context.* to about (9|1\d) such texts"
    ):
        plan_of(use(table, tmp_path, {"name": "recall", "prefix": 60}), tmp_path / "runs")
