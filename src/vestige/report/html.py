"""One self-contained HTML page: no script, no resource from elsewhere, every text escaped."""

from __future__ import annotations

import jinja2
from markupsafe import Markup

from vestige.checks.registry import check
from vestige.errors import printable
from vestige.metrics.comparison import MEMORIZATION
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, method_labels, sections
from vestige.report import about, checked, notes, paper_tables, tables, utility_tables
from vestige.report.claims import claims_table, how_claims_are_tested
from vestige.report.drawing import colors
from vestige.report.figures import drawings
from vestige.report.frontier import frontiers
from vestige.report.growth import growth_figures, growth_sentences, growth_table
from vestige.report.verdicts import verdicts

_WHOLE = 1_000_000
"""Characters: nothing of the page is cut."""


def render(results: Results) -> str:
    """The page as text; the same results give the same bytes. Shows no text of a record, and no record id."""
    loader = jinja2.PackageLoader("vestige.report")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    # The figures are our own SVG, in which matplotlib has escaped the names.
    environment.filters["svg"] = Markup
    template = environment.get_template("report.html.j2")
    return template.render(contents(results)) + "\n"


def contents(results: Results) -> dict[str, object]:
    """Every sentence, table and figure of the page, by the name that the template knows it by."""
    return _answer(results) | _details(results)


def _visible(value: object) -> object:
    """What the page prints: names as they are, with control characters, which a browser would obey or hide, escaped."""
    return printable(value, limit=_WHOLE) if isinstance(value, str) and not isinstance(value, Markup) else value


def _answer(results: Results) -> dict[str, object]:
    return {
        "study": results.facts.study,
        "colors": colors(len(method_labels(results))),
        "verdicts": [(one.name, verdicts(results, one)) for one in sections(results)],
        "standings": utility_tables.standings_table(results),
        "bases_by_methods": paper_tables.bases_by_methods(results),
        "compared": [_compared(results, one) for one in sections(results)],
        "claims": claims_table(results),
        "claims_tested": how_claims_are_tested(results),
        "growth": growth_table(results),
        "growth_figures": growth_figures(results),
        "growth_sentences": growth_sentences(results),
        "findings": notes.findings(results),
        "headline": tables.headline(results),
        "how_to_read": notes.how_to_read(results),
        **_checks(results),
        "failures": results.facts.failures,
        "asked": about.asked(results),
        "search": tables.search_table(results),
        "sections": [_section(results, one) for one in sections(results)],
        "trains": tables.TRAINS,
    }


def _checks(results: Results) -> dict[str, object]:
    verdicts = check(results)
    return {
        "failed": checked.failed(verdicts),
        "passed": checked.passed(verdicts),
        "not_applicable": checked.not_applicable(verdicts),
    }


def _compared(results: Results, section: Section) -> dict[str, object]:
    """What stands behind the verdicts of one base and corpus."""
    return {
        "name": section.name,
        "figures": frontiers(results, section),
        "matrix": utility_tables.matrix(results, section),
        "memorization": utility_tables.matrix(results, section, what=MEMORIZATION),
        "pairs": utility_tables.pairs_table(results, section),
    }


def _section(results: Results, section: Section) -> tuple[object, ...]:
    found = (paper_tables.attacks_by_methods, tables.cost_table, tables.attack_table, tables.transfer_table)
    return (section.name, drawings(results, section), *(table(results, section) for table in found))


def _details(results: Results) -> dict[str, object]:
    return {
        "data": about.data_table(results),
        "bases": about.base_table(results),
        "methods": about.method_table(results),
        "floors": tables.floor_table(results),
        "attacks_assume": about.attack_table(results),
        "attack_models": about.attack_model_table(results),
        "corners": about.corner_table(results),
        "environments": about.environment_tables(results),
        "seconds": about.seconds_table(results),
        "signatures": tables.signature_table(results),
        "commits": about.commits(results),
    }
