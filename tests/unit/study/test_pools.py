"""`pool = [4, 8, 12]`: nested pools with all else in common, along which leakage is followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vestige import api
from vestige.data.corpus import CorpusSpec
from vestige.data.splits import split_of
from vestige.errors import ConfigError
from vestige.study.pools import varied
from vestige.study.spec import make_study
from vestige.testing.studies import plan_of, run_study, tiny_study, write_tiny_corpus

POOLS = [40, 20, 30]


@pytest.fixture
def table(tiny_llama: Path, tmp_path: Path) -> dict[str, Any]:
    table = tiny_study(model=tiny_llama, corpus=write_tiny_corpus(tmp_path / "notes.jsonl", texts=60))
    table["corpus"][0] |= {"pool": POOLS, "validation": 12}
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    table["study"]["folds"] = 1
    table["training"] = {"epochs": 2, "batch_size": 4, "checkpoints": [1, 2]}
    return table


def test_a_list_of_pools_is_a_corpus_for_each(table: dict[str, Any]) -> None:
    corpora = make_study(table).corpus
    assert [one.name for one in corpora] == ["notes(pool=40)", "notes(pool=20)", "notes(pool=30)"]
    assert [one.pool for one in corpora] == POOLS
    assert {one.pool_of for one in corpora} == {40}
    assert len({varied(one) for one in corpora}) == 1


def test_pools_are_nested_and_the_rest_is_the_same(table: dict[str, Any]) -> None:
    whole, *smaller = [split_of(spec).roles for spec in make_study(table).corpus]
    for roles, size in zip(smaller, POOLS[1:], strict=True):
        assert roles["pool"] == whole["pool"][:size]
        assert roles["validation"] == whole["validation"]
    alone = CorpusSpec.model_validate({**table["corpus"][0], "pool": 40})
    assert split_of(alone).roles == whole, "the largest is what it is without the others"
    assert alone.keyed().get("pool_of") is None


def test_other_corpora_stay_as_they_are(table: dict[str, Any]) -> None:
    table["corpus"].append({**table["corpus"][0], "name": "one", "pool": 20})
    assert [varied(one) is None for one in make_study(table).corpus] == [False, False, False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool": [20, 20]}, "two corpora bear the same name"),
        ({"pool": [20, "a lot"]}, "pool"),
        ({"pool": []}, "pool"),
        ({"pool": 20, "pool_of": 10}, "`pool_of` is the size of a larger pool"),
    ],
)
def test_wrong_pools_are_refused(table: dict[str, Any], change: dict[str, Any], message: str) -> None:
    table["corpus"][0] |= change
    with pytest.raises(ConfigError, match=message):
        make_study(table)


def test_leakage_is_followed_along_the_texts(table: dict[str, Any], tmp_path: Path) -> None:
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    found = api.Result.of(outcome.plan).slopes
    assert found["axis"].unique().to_list() == ["texts"]
    assert found["over"].unique().to_list()[0].endswith("tiny-llama, notes")
    points = found.filter(quantity="ref", standing="last")
    assert points["x"].to_list() == [20, 10, 15]
    assert found.filter(quantity="slope:ref", standing="last")["value"].is_not_null().all()


def test_variants_of_a_method_are_followed_along_what_they_train(table: dict[str, Any], tmp_path: Path) -> None:
    table["corpus"][0]["pool"] = 20
    table["method"][0]["r"] = [1, 2, 4]
    # Placements are no numbers: these make no line with the others, nor with each other.
    table["method"].append({"name": "lora", "r": 8, "targets": ["attention", "projection"], "learning_rate": 1e-2})
    plan = plan_of(table, tmp_path / "runs")
    assert not [task for task in plan.expected() if task.stage == "scaling"], "what is trained is known when it is"
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    found = api.Result.of(outcome.plan).slopes
    assert found["axis"].unique().to_list() == ["trained"]
    points = found.filter(quantity="ref", standing="last")
    first, second, third = points["x"].to_list()
    assert (second, third) == (2 * first, 4 * first)
    assert found["series"].unique().to_list() == ["lora, by r"]
