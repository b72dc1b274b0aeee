"""The tables of a comparison at equal utility: what each method gives away there, and every pair of methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vestige.metrics.comparison import LEVELS, MEMORIZATION, PRIMARY_LEVEL, Comparison, Difference, Standing
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, sections
from vestige.outcome.wording import REFUSED, axis_name, explained, level_name, plain, shown, stripped
from vestige.records import Counts, Estimate, Estimated
from vestige.report.tables import Cell, Group, Row, Table, as_cell, method_cell
from vestige.report.verdicts import as_number, between, ranked

_NOT_HAD: Final = Estimate(None, None, None, Counts(), signature="", reason="not measured at this level")
_OTHERS: Final = tuple(level for level in LEVELS if level != PRIMARY_LEVEL)

SAID: Final = {"less": "less", "more": "more", "equivalent": "alike", "undecided": "undecided", "refused": "refused"}
"""How a cell of the matrix says its verdict."""


def standings_table(results: Results) -> Table | None:
    """What every method gives away at equal utility, what leaks least first; None where nothing has been compared."""
    groups = []
    for section in sections(results):
        comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
        if comparison is not None:
            rows = [_standing_row(results, comparison, one) for one in _all_ranked(comparison)]
            groups.append(Group(tuple(rows), section.name, _about(comparison)))
    others = (f"AUC at {level_name(level)}" for level in _OTHERS)
    auc = f"AUC of {results.facts.study.primary}"
    head = ("Method", "Rate", "Memorization", auc, *others, "Epoch", "Gain", "Last 5% costs")
    return Table(head, tuple(groups)) if groups else None


def _all_ranked(comparison: Comparison) -> list[Standing]:
    return [*ranked(comparison), *(one for one in comparison.standings if one.set_aside)]


def _about(comparison: Comparison) -> str:
    axis = axis_name(comparison.utility)
    before = f"Utility: {axis}, {plain(round(comparison.base_loss, 3))} before fine-tuning."
    if comparison.reach.value is None:
        return f"{before} Nothing is compared: {comparison.reach.reason}."
    reach = shown(Estimated(comparison.utility, comparison.reach))
    return f"{before} Every compared method gains {reach}; levels are shares of it."


def _standing_row(results: Results, comparison: Comparison, one: Standing) -> Row:
    epochs = {crossing.level: crossing.epoch for crossing in one.crossings}
    epoch = epochs.get(PRIMARY_LEVEL)
    cells = (
        method_cell(results, one.method),
        Cell(plain(one.learning_rate), _tied(one)),
        _at(one, MEMORIZATION, "memorization"),
        _at(one, comparison.primary, "auc"),
        *(_at(one, comparison.primary, "auc", level=level) for level in _OTHERS),
        Cell(plain(None if epoch is None else round(epoch, 2))),
        as_cell(Estimated(comparison.utility, one.gain)),
        as_cell(Estimated("auc_difference", one.last_part or _NOT_HAD)),
    )
    return Row(cells, "aside" if one.set_aside else "")


def _at(one: Standing, what: str, quantity: str, *, level: float = PRIMARY_LEVEL) -> Cell:
    found = one.at(what, level=level)
    if one.set_aside:
        return Cell(REFUSED, one.set_aside)
    return as_cell(Estimated(quantity, found or _NOT_HAD, attack=None if what == MEMORIZATION else what))


def _tied(one: Standing) -> str:
    return f"not told from {', '.join(map(plain, one.tied))} by its losses" if one.tied else ""


# Pairs


def matrix(results: Results, section: Section, *, what: str | None = None) -> Table | None:
    """Every method (row) minus every other (column), with the verdict in words; None where nothing is compared.

    `what`: the label of an attack, by default the primary one, or `MEMORIZATION`.
    """
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    methods = [one.method for one in ranked(comparison)] if comparison is not None else []
    if comparison is None or len(methods) == 1 or not comparison.differences:
        return None
    rows = []
    for method in methods:
        cells = (_pair(comparison, method, other, what) for other in methods)
        rows.append(Row((method_cell(results, method), *cells)))
    return Table(("Row minus column", *methods), (Group(tuple(rows)),))


def _pair(comparison: Comparison, method: str, other: str, what: str | None) -> Cell:
    if method == other:
        return Cell("", kind="same")
    found = between(comparison, method, other, what=what)
    if found is None:
        return Cell(REFUSED, "not compared")
    number = as_number(found)
    text = SAID[found.verdict] if found.verdict == "refused" else f"{shown(number)} {SAID[found.verdict]}"
    return Cell(text, _behind(found), kind=found.verdict, number=number)


def _behind(found: Difference) -> str:
    parts = (found.reason, *_tests(found), explained(found.estimate))
    return " · ".join(part for part in parts if part)


def _tests(found: Difference) -> Iterator[str]:
    if found.p_value is not None:
        yield f"p {stripped(found.p_value)}"
    if found.p_adjusted is not None:
        yield f"over all attacks {stripped(found.p_adjusted)}"
    if found.equivalence_bound is not None:
        yield f"equivalent within {stripped(found.equivalence_bound)}"


def pairs_table(results: Results, section: Section) -> Table | None:
    """Every pair under every attack at the level that verdicts go by, and by the primary attack and memorization at
    the others; None where nothing is compared.
    """
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    if comparison is None or not comparison.differences:
        return None
    groups: dict[str, list[Row]] = {}
    for one in comparison.differences:
        if one.level == PRIMARY_LEVEL or one.what in (comparison.primary, MEMORIZATION):
            groups.setdefault(f"{one.method} minus {one.other}", []).append(_pair_row(one))
    head = ("By", "At", "Difference", "Verdict", "p", "p over all attacks", "Equivalent within", "Outside", "Signature")
    return Table(head, tuple(Group(tuple(rows), title) for title, rows in groups.items()))


def _pair_row(one: Difference) -> Row:
    tests = (_decimal(value) for value in (one.p_value, one.p_adjusted, one.equivalence_bound))
    at = f"mean, {level_name(min(LEVELS))} to {level_name(max(LEVELS))}" if one.level is None else level_name(one.level)
    at += " of the pair's own reach" if one.own_reach else ""
    verdict = Cell(SAID[one.verdict], one.reason, kind=one.verdict)
    last = (Cell(level_name(round(one.outside, 3))), Cell(one.estimate.signature))
    return Row((Cell(one.what), Cell(at), as_cell(as_number(one)), verdict, *tests, *last))


def _decimal(value: float | None) -> Cell:
    return Cell(REFUSED if value is None else stripped(value))
