"""What a study comes to, as a table: in a terminal, from Python, and when nothing is left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

import vestige
from vestige.outcome.frames import Results
from vestige.report.per_seed import PER_SEED
from vestige.study.outlook import outlook, remarks_of
from vestige.study.run import threads
from vestige.testing.models import save_tiny_model
from vestige.testing.studies import Outcome, plan_of

Table = dict[str, Any]


def test_a_finished_study_has_nothing_to_do(finished: Outcome) -> None:
    found = outlook(finished.plan)
    assert "Nothing to do" in repr(found)
    assert "in the store  to do" not in repr(found)
    assert found.cells["state"].str.starts_with("trained").all()
    assert max(map(len, repr(found).splitlines()[1:])) <= 80


def test_what_is_to_do_is_said_with_the_pace_that_it_rests_on(finished: Outcome, table: Table, tmp_path: Path) -> None:
    fresh = outlook(plan_of(table, tmp_path / "runs"))
    assert "nothing has been measured here yet" in repr(fresh)
    assert set(fresh.cells["state"]) == {"to train", "to train, chosen"}
    table["study"]["seeds"] = [3]
    assert "at the pace that this store has seen" in repr(outlook(plan_of(table, finished.store.root)))


@pytest.mark.parametrize("name", ["m [v2]", "m [draft] x", "m[/s]", "a :smile: [red]b[/]", "esc\x1b[31mape"])
def test_names_are_shown_as_they_are(name: str, table: Table, tmp_path: Path) -> None:
    table["base"][0]["model"] = str(save_tiny_model(tmp_path / name))
    table["corpus"][0]["name"] = name
    plan = plan_of(table, tmp_path / "runs")
    shown = "".join(repr(outlook(plan)).split())
    assert "".join(name.replace("\x1b", r"\x1b").split()) in shown
    assert "\x1b" not in shown


def test_rates_that_the_non_members_cannot_carry_are_told_before_the_run(table: Table, tmp_path: Path) -> None:
    table["report"]["fpr"] = [0.25, 0.125, 0.1, 0.001]
    plan = plan_of(table, tmp_path / "runs")
    few = [one for one in remarks_of(plan) if one.startswith("fpr")]
    assert [one.split()[2] for one in few] == ["0.1", "0.001"], "8 non-members in every cell"
    assert "'notes'" in few[1]
    assert "`pool` to 2,000" in few[1]
    assert few[1] in " ".join(repr(outlook(plan)).split())


def test_how_many_checkpoints_are_attacked_at_most_is_told(table: Table, tmp_path: Path) -> None:
    """Fourteen is the most that three crossings, the best and the last come to; the best may lie next to a crossing."""
    table["training"] = {"epochs": 16, "batch_size": 4, "checkpoints": list(range(1, 17))}
    table["attacks"]["at"] = "crossing"
    (told,) = [one for one in remarks_of(plan_of(table, tmp_path / "runs")) if "crossing" in one]
    assert "at 14 of its 16 checkpoints at most" in told


def test_a_setting_for_threads_is_part_of_no_key(table: Table, tmp_path: Path) -> None:
    plain = plan_of(table, tmp_path / "runs")
    single = plan_of({**table, "run": {"threads": 3}}, tmp_path / "runs")
    assert [task.address for task in single.known()] == [task.address for task in plain.known()]
    before = torch.get_num_threads()
    with threads(single.study.run.threads):
        assert torch.get_num_threads() == 3
    with threads(None):
        assert torch.get_num_threads() == before


def test_a_result_is_its_table_and_has_the_numbers_of_every_seed(finished: Outcome) -> None:
    result = vestige.Result.of(finished.plan)
    assert repr(result) == result.table()
    assert "<pre>" in result._repr_html_()
    assert "Nothing to do" in repr(result.plan())
    frame = result.per_seed
    assert list(frame.columns) == list(PER_SEED)
    assert set(frame["fold"]) == {"A", "B"}
    keys = ["base", "corpus", "method", "learning_rate", "epoch", "attack", "quantity"]
    means = frame.group_by(keys).agg(pl.col("value").mean().alias("mean"))
    both = result.estimates.join(means, on=keys, how="inner", nulls_equal=True).drop_nulls("value")
    assert len(both) > 20
    assert (both["value"] - both["mean"]).abs().max() < 1e-12  # type: ignore[operator]


def test_a_cell_without_scores_has_no_number(finished: Outcome) -> None:
    results = vestige.Result.of(finished.plan).results
    none = results.scores.with_columns(score=pl.lit(None, dtype=pl.Float64), reason=pl.lit("too_short"))
    from vestige.report.per_seed import per_seed

    emptied = Results(results.facts, results.estimates, none, results.losses)
    assert per_seed(emptied)["value"].is_null().all()
