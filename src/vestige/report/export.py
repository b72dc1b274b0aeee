"""Every table and figure of a report as files: what a paper, a page or a program takes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from vestige.metrics.comparison import MEMORIZATION
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, sections
from vestige.report import about, paper_tables, tables, utility_tables
from vestige.report.claims import claims_table
from vestige.report.drawing import FILE_KINDS
from vestige.report.figures import Drawing, drawings
from vestige.report.formats import as_csv, as_latex, as_markdown
from vestige.report.frontier import frontiers
from vestige.report.growth import growth_figures, growth_table
from vestige.report.naming import file_name
from vestige.report.tables import Table
from vestige.store.io import write_bytes


@final
@dataclass(frozen=True)
class Named:
    """A table, what its files are called by, and its caption."""

    name: str
    caption: str
    table: Table


def export(results: Results, folder: Path) -> list[Path]:
    """Write every table of the report as CSV, Markdown and LaTeX into `folder/tables`, and every figure as SVG, PDF and
    PNG into `folder/figures`; return the paths, sorted. The same results give the same bytes.

    Raises:
        StoreError: a file cannot be written; the message names it.
    """
    written = []
    for path, content in _files(results):
        write_bytes(folder / path, content)
        written.append(folder / path)
    return sorted(written)


def _files(results: Results) -> Iterator[tuple[str, bytes]]:
    """The path of each file in the folder, and what it holds."""
    stems: set[str] = set()
    for one in tables_of(results):
        stem = f"tables/{file_name(one.name, stems)}"
        yield from ((f"{stem}.{kind}", text.encode()) for kind, text in _as_text(one).items())
    for figure in figures_of(results):
        if figure.panel is not None:
            stem = f"figures/{file_name(f'{figure.place} {figure.title}', stems)}"
            yield from ((f"{stem}.{kind}", figure.panel.file(kind)) for kind in FILE_KINDS)


def _as_text(one: Named) -> dict[str, str]:
    return {
        "csv": as_csv(one.table),
        "md": as_markdown(one.table, caption=one.caption),
        "tex": as_latex(one.table, caption=one.caption),
    }


def tables_of(results: Results) -> Iterator[Named]:
    """Every table of the report that has rows, what is said of the whole study first."""
    study = results.facts.study
    found = [
        (
            "at equal utility",
            "Each method at equal utility, memorization in nats per token",
            utility_tables.standings_table,
        ),
        ("claims", "Claims at equal epochs and at equal utility", claims_table),
        ("growth", "Slopes of leakage for a tenfold", growth_table),
        ("at own checkpoints", f"Attack {study.primary}, with utility beside it", tables.headline),
        ("bases by methods", f"AUC of {study.primary} on every base", paper_tables.bases_by_methods),
        ("learning rates", "Validation loss of each learning rate, nats per token", tables.search_table),
        ("data", "Sizes of each role of each corpus", about.data_table),
        ("floors", "Floors that never see a model", tables.floor_table),
        ("base models", "Base models", about.base_table),
        ("methods", "Methods", about.method_table),
        ("what attacks assume", "What the attacker must have beside the text", about.attack_table),
        ("attack models", "Attack models, on texts of their own shadow", about.attack_model_table),
        ("texts scored by rule", "Texts scored by rule", about.corner_table),
        ("time", "Time of each stage, all its parts together", about.seconds_table),
        ("every number", "Every number and its signature", tables.signature_table),
    ]
    for name, caption, make in found:
        table = make(results)
        if table is not None and table.groups:
            yield Named(name, caption, table)
    for number, table in enumerate(about.environment_tables(results), 1):
        yield Named(f"environment {number}", "What the stages ran in", table)
    for section in sections(results):
        yield from _of_section(results, section)


def _of_section(results: Results, section: Section) -> Iterator[Named]:
    primary = results.facts.study.primary
    found = [
        (
            "differences",
            f"AUC of {primary} at equal utility, row minus column",
            utility_tables.matrix(results, section),
        ),
        (
            "differences of memorization",
            "Memorization at equal utility, nats per token, row minus column",
            utility_tables.matrix(results, section, what=MEMORIZATION),
        ),
        ("every pair", "Every pair of methods, by every attack", utility_tables.pairs_table(results, section)),
        (
            "attacks by methods",
            "AUC of every attack on every method",
            paper_tables.attacks_by_methods(results, section),
        ),
        ("attacks and costs", "AUC of every attack, and what it costs", tables.cost_table(results, section)),
        ("attacks", "Every attack, with counts", tables.attack_table(results, section)),
        ("transfers", "AUC of attack models that learned elsewhere", tables.transfer_table(results, section)),
    ]
    for name, caption, table in found:
        if table is not None:
            yield Named(f"{section.name} {name}", f"{caption}: {section.name}", table)


def figures_of(results: Results) -> Iterator[Drawing]:
    """Every figure of the report, those of growth, then those at equal utility first."""
    yield from growth_figures(results)
    for section in sections(results):
        yield from (*frontiers(results, section), *drawings(results, section))
