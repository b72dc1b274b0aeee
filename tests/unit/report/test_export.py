"""Tables and figures as files: what stands in them, and that they are the same bytes each time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from vestige.errors import StoreError
from vestige.outcome.frames import ESTIMATES, SCORES, Results
from vestige.outcome.points import sections
from vestige.records import Counts, Estimate, Estimated
from vestige.report import html
from vestige.report.drawing import FILE_KINDS, Panel
from vestige.report.export import export, figures_of, tables_of
from vestige.report.figures import Drawing
from vestige.report.formats import as_csv, as_latex, as_markdown
from vestige.report.tables import Cell, Group, Row, Table, as_cell, headline
from vestige.report.utility_tables import matrix

HOSTILE = "a|b_c\\d {e} $f$ 5% & #1 ~^ <i> **x** `y`\n\\input{/etc/passwd}"


@pytest.fixture
def small(compared: Results) -> Results:
    """A comparison without what stands around it: one figure."""
    facts = replace(compared.facts, search=())
    return Results(facts, pl.DataFrame(schema=ESTIMATES), pl.DataFrame(schema=SCORES), compared.losses)


def _table(*texts: str, title: str = "") -> Table:
    return Table(tuple("xyz"[: len(texts)]), (Group((Row(tuple(map(Cell, texts))),), title),))


def test_every_estimate_of_a_csv_is_a_number_with_its_interval_and_signature(results: Results) -> None:
    rows = list(csv.DictReader(as_csv(headline(results)).splitlines()))
    assert [row["Part"] for row in rows] == ["notes · tiny"] * 4 + ["articles · tiny"] * 4
    best = results.estimates.row(by_predicate=_is_best_lora("auc"), named=True)
    assert [float(rows[1][f"AUC{end}"]) for end in ("", " low", " high")] == [best["value"], best["low"], best["high"]]
    assert rows[1]["AUC signature"] == best["signature"]
    assert rows[1]["TPR at 1% FPR"] == "", "refused"


def _is_best_lora(quantity: str) -> pl.Expr:
    named = (pl.col("corpus") == "notes") & (pl.col("method") == "lora") & pl.col("is_best")
    return named & (pl.col("quantity") == quantity) & (pl.col("attack") == "ref")


def test_a_csv_of_differences_has_their_verdicts(compared: Results) -> None:
    table = matrix(compared, sections(compared)[0])
    assert table is not None
    rows = list(csv.DictReader(as_csv(table).splitlines()))
    assert [row["lora verdict"] for row in rows] == ["less", ""]
    assert [row["prompt(tokens=50) verdict"] for row in rows] == ["", "more"]


def test_markdown_keeps_a_name_in_its_cell() -> None:
    (_, _, _, _, row, *_) = as_markdown(_table(HOSTILE, "2"), caption="c").split("\n")
    assert row == (r"| a\|b_c\\d {e} $f$ 5% &amp; #1 ~^ \<i\> \*\*x\*\* \`y\`\\n\\input{/etc/passwd} | 2 |")
    assert as_markdown(_table("1", title="_on top_"), caption="all").startswith(
        "**all**\n\n\\_on top\\_.\n\n| x |\n| --- |\n"
    )


def test_latex_prints_a_name_as_it_is() -> None:
    row = as_latex(_table(HOSTILE), caption="c").split("\n")[6]
    assert row == (
        r"a\textbar{}b\_c\textbackslash{}d \{e\} \$f\$ 5\% \& \#1 \textasciitilde{}\textasciicircum{} "
        r"\textless{}i\textgreater{} **x** `y`\textbackslash{}n\textbackslash{}input\{/etc/passwd\} \\"
    )


def test_no_table_or_figure_of_the_page_is_without_a_file(compared: Results) -> None:
    shown = list(_leaves(html.contents(compared)))
    tables = {repr(one.table) for one in tables_of(compared)}
    assert {repr(one) for one in shown if isinstance(one, Table)} <= tables
    assert len(tables) > 15
    figures = {(one.place, one.title) for one in figures_of(compared)}
    assert {(one.place, one.title) for one in shown if isinstance(one, Drawing)} == figures


def _leaves(value: object) -> Iterator[object]:
    """Whatever lies in mappings and sequences."""
    if isinstance(value, Mapping):
        yield from _leaves(tuple(value.values()))
    elif isinstance(value, list | tuple):
        yield from (found for one in value for found in _leaves(one))
    else:
        yield value


@pytest.mark.parametrize("first", ["[.1, .2]", "*"])
def test_no_cell_is_taken_for_the_end_of_the_line_above(first: str) -> None:
    assert as_latex(_table(first, "2"), caption="c").split("\n")[6] == f"{{}}{first} & 2 \\\\"


def test_latex_writes_signs_and_headings(compared: Results) -> None:
    estimate = Estimate(-0.21, -0.26, -0.16, Counts(), "auc")
    row = Row((Cell("½ — “x”"), as_cell(Estimated("auc_difference", estimate))))
    assert as_latex(Table(("a", "b"), (Group((row,), "50% · all"),)), caption="two\nlines") == (
        "% two\\nlines\n"
        "% Needs \\usepackage{booktabs}.\n"
        "\\begin{tabular}{lr}\n"
        "\\toprule\n"
        "a & b \\\\\n"
        "\\midrule\n"
        "\\multicolumn{2}{l}{\\textbf{50\\% $\\cdot$ all}} \\\\\n"
        "$\\frac{1}{2}$ \\textemdash{} ``x'' & $-$.21 [$-$.26, $-$.16] \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


def test_files_are_named_by_what_they_show_and_are_the_same_bytes_each_time(small: Results, tmp_path: Path) -> None:
    first, second = (export(small, tmp_path / name) for name in ("one", "two"))
    names = [path.relative_to(tmp_path / "one").as_posix() for path in first]
    for kind in ("svg", "pdf", "png"):
        assert f"figures/notes-tiny-leakage-against-utility.{kind}" in names
    for kind in ("csv", "md", "tex"):
        assert {f"tables/at-equal-utility.{kind}", f"tables/notes-tiny-differences.{kind}"} <= set(names)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert all(path.stat().st_size for path in first)


def test_no_two_tables_share_a_file_and_no_name_leads_out_of_the_folder(small: Results, tmp_path: Path) -> None:
    """`a b` and `a-b` are two corpora, and one name of a file."""
    corpora = tuple(replace(small.facts.corpora[0], name=name) for name in ("a b", "a-b", "../../up\x00"))
    written = export(replace(small, facts=replace(small.facts, corpora=corpora, comparisons=())), tmp_path)
    assert len(set(written)) == len(written)
    assert {"a-b-tiny-attacks.csv", "a-b-tiny-attacks-2.csv", "up-tiny-attacks.csv"} <= {path.name for path in written}
    assert {path.parent for path in written} == {tmp_path / "tables"}


def test_a_figure_bears_neither_date_nor_maker() -> None:
    begins = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    panel = Panel(x="x", y="模型")
    panel.explain(panel.axes.plot([1, 2], [1, 2])[0], "line")
    for kind in FILE_KINDS:
        found = panel.file(kind)
        assert found.startswith(begins[kind])
        assert b"atplotlib v" not in found
        assert b"Date" not in found


def test_a_place_that_cannot_be_written_is_named(small: Results, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    small = replace(small, facts=replace(small.facts, comparisons=()))
    with pytest.raises(StoreError, match="taken"):
        export(small, tmp_path / "taken")
