"""The tables of the README say what the registries hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vestige import attacks
from vestige.data import recipes
from vestige.models.registry import KNOWN
from vestige.study.readme import TABLES, main, with_tables
from vestige.tuning import methods


@pytest.fixture
def readme(repo: Path) -> str:
    return (repo / "README.md").read_text(encoding="utf-8")


def test_its_tables_are_what_the_registries_hold(readme: str) -> None:
    assert readme == with_tables(readme), "README.md is stale: run `make reference`"


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("methods", methods.discover().own()),
        ("attacks", attacks.discover().own()),
        ("corpora", recipes.discover().own()),
        ("models", KNOWN),
    ],
    ids=list(TABLES),
)
def test_each_thing_stands_in_its_table_once(table: str, names: Mapping[str, object]) -> None:
    rows = "\n".join(TABLES[table]())
    first_cells = [row.split("|")[2 if table == "attacks" else 1] for row in rows.splitlines()[2:]]
    assert sorted(name for cell in first_cells for name in cell.split("`")[1::2]) == sorted(names)


def test_an_attack_stands_with_what_its_attacker_has() -> None:
    rows = list(TABLES["attacks"]())
    (row,) = [row for row in rows if "`con_recall`" in row]
    assert row.startswith("| population, known members |")
    assert "`con_recall` (9)" in row
    assert any(row.startswith("| no more than log-probabilities | `loss`, ") for row in rows)


def test_a_table_that_somebody_edited_is_mended_and_nothing_else(readme: str, tmp_path: Path) -> None:
    path, right = tmp_path / "README.md", with_tables(readme)
    path.write_text(right.replace("| `lora` |", "| `loro` |").replace("`zlib_bits`", ""), encoding="utf-8")
    main([str(path)])
    assert path.read_text(encoding="utf-8") == right


def test_a_readme_without_the_place_is_refused(readme: str) -> None:
    with pytest.raises(ValueError, match="no place for the table of attacks"):
        with_tables(readme.replace("<!-- end of attacks -->", ""))
