"""What a study can decide is said in its plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vestige.records import Example, Role
from vestige.study.decides import decided
from vestige.study.grid import Grid
from vestige.study.outlook import outlook
from vestige.study.spec import make_study
from vestige.testing.studies import plan_of

Table = dict[str, Any]


def said(table: Table, *, pool: int = 500, validation: int = 300, per_group: int = 0) -> str:
    """The sentences for so many texts, each alone or so many to a group."""

    def texts(role: Role) -> Sequence[Example]:
        size = {"pool": pool, "validation": validation}[role]
        return [Example(f"{role}{i}", "", "x", group=str(i // per_group) if per_group else "") for i in range(size)]

    return " ".join(decided(Grid(make_study(table)), "notes", texts))


def test_three_seeds_and_500_texts_tell_what_simulated_studies_of_them_told(table: Table) -> None:
    """Power .77 at a gap of .05; with 12 seeds the spread of a training is halved."""
    table["study"]["seeds"] = [0, 1, 2]
    found = said(table)
    assert "with 3 seeds, 2 folds and 500 texts, 'notes' tells methods apart whose AUC differs by .06 or more" in found
    assert "equivalence within .06." in found
    assert "To tell .05 takes 4 seeds" in found
    assert "of these trainings alone" not in found


def test_one_training_speaks_of_itself_alone(table: Table) -> None:
    table["study"].update(seeds=[0], folds=1)
    assert "with 1 seed, 1 fold and" in said(table)
    assert "of these trainings alone" in said(table)
    table["study"]["folds"] = 2
    assert "of these trainings alone" not in said(table)


def test_a_choice_of_rates_is_named_where_there_is_one(table: Table) -> None:
    assert "choosing between learning rates" in said(table)
    table["method"][0]["learning_rate"] = 1e-3
    assert "choosing between learning rates" not in said(table)


def test_few_groups_are_named_however_many_texts(table: Table) -> None:
    assert "decides nothing between methods: 10 groups in the pool" in said(table, per_group=50)
    assert "9 groups in the validation set" in said(table, validation=9)
    assert "tells no two methods apart whose AUC differs by less than .50" in said(table, pool=24, validation=12)


def test_a_single_method_and_texts_not_read_yet_are_passed_over(table: Table) -> None:
    assert not said(table, pool=0)
    del table["method"][1]
    assert not said(table)


@pytest.mark.parametrize("width", [80])
def test_the_plan_shows_it(table: Table, tmp_path: Path, width: int) -> None:
    shown = repr(outlook(plan_of(table, tmp_path / "runs")))
    assert "At equal utility 'notes' decides nothing between methods: 16 groups" in " ".join(shown.split())
    assert max(map(len, shown.splitlines()[1:])) <= width
