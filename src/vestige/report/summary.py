"""The answer in a terminal, within 80 columns: verdicts at equal utility, the primary attack at two checkpoints."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from vestige.checks.v006_primary_attack import PrimaryAttack
from vestige.errors import printable
from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL, Comparison
from vestige.outcome.facts import Tried
from vestige.outcome.frames import Results
from vestige.outcome.points import Point, Section, best_and_last, method_labels, sections, text_quantities, tried
from vestige.outcome.wording import REFUSED, folded, level_name, moment, plain, quantity_name, shown, tpr_key
from vestige.records import Estimated
from vestige.report.tables import epoch_of_lowest, search_verdict
from vestige.report.verdicts import ranked, verdicts

WIDTH = 80
_GAP = 2
_LEAST = 8
_WHOLE = 100_000
_HARD = "\xa0"
"""A blank at which no line is broken."""


@final
@dataclass(frozen=True)
class Summary:
    """A table for the terminal: title, column heads, rows of the same length, and why numbers in it are refused."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    refused: tuple[str, ...]


@final
@dataclass(frozen=True)
class _Column:
    head: str
    quantity: str
    attack: str | None = None


def summaries(results: Results) -> list[Summary]:
    """One table for each base and corpus; no wider than 80 with two blanks between columns."""
    return [_summary(results, section) for section in sections(results)]


def summary_table(results: Results) -> str:
    """Verdicts, and the same as plain aligned text: no line wider than 80 columns unless a reason for a refusal in a
    table is, or what is to be said of the choice of the primary attack.
    """
    caveats = [remark.said for remark in PrimaryAttack().look(results).remarks]
    said = [text for section in sections(results) if (text := _verdicts(results, section))]
    return "\n\n".join([*said, *(_text(summary) for summary in summaries(results)), *caveats])


def _verdicts(results: Results, section: Section) -> str:
    """What the methods came to at equal utility, without what stands beside it; nothing where there is one method."""
    if len(results.facts.methods) == 1:
        return ""
    found = [one.text for one in verdicts(results, section) if one.kind != "note"]
    lines = [_titled(section, ", at equal utility"), *(line for text in found for line in _item(text))]
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    if comparison is not None and comparison.reach.value is not None:
        lines += ["", _text(_at_utility(comparison))]
    return "\n".join(lines)


def _at_utility(comparison: Comparison) -> Summary:
    """Memorization and AUC of the methods that are compared, what leaks least first."""
    title = f"At {level_name(PRIMARY_LEVEL)} of the reachable gain, memorization in nats per token"
    head = ("method", "rate", "memorization", "AUC")
    rows = []
    for one in ranked(comparison):
        asked = (("memorization", MEMORIZATION), ("auc", comparison.primary))
        found = [(quantity, one.at(what)) for quantity, what in asked]
        numbers = (shown(Estimated(name, number)) if number else REFUSED for name, number in found)
        rows.append((printable(one.method), plain(one.learning_rate), *numbers))
    return Summary(title, head, _fitted(head, rows), ())


def _item(text: str) -> list[str]:
    """A sentence behind a dash, in lines that break no interval."""
    whole = re.sub(r"\S+ \[[^\]]*\]", lambda found: found[0].replace(" ", _HARD), printable(text, limit=_WHOLE))
    first, *rest = (line.replace(_HARD, " ") for line in folded(whole, width=WIDTH - _GAP))
    return [f"- {first}", *(f"  {line}" for line in rest)]


def search_summary(results: Results) -> str:
    """What a search found, as aligned text: perplexity at the best checkpoint of every method and rate."""
    head = ("method", "rate", "perplexity", "epoch", "")
    tables = []
    for section in sections(results):
        found = tried(results, section)
        rows = [_searched(one, found) for one in found]
        title = _titled(section, ", learning rates by validation loss")
        tables.append(_text(Summary(title, head, _fitted(head, rows), ())))
    return "\n\n".join(tables)


def _titled(section: Section, what: str) -> str:
    """The name of a section, cut where it is long, and what is shown of it, whole; on one line."""
    return printable(section.name, limit=max(WIDTH - len(what), _LEAST)) + printable(what)


def _searched(one: Tried, found: list[Tried]) -> tuple[str, ...]:
    surprise = REFUSED if one.loss is None else f"{math.exp(min(one.loss, 700)):.3g}"
    return (one.method, plain(one.learning_rate), surprise, plain(epoch_of_lowest(one)), search_verdict(one, found))


def _summary(results: Results, section: Section) -> Summary:
    attack = results.facts.study.primary
    title = _titled(section, f", attack {attack}")
    points = [point for method in method_labels(results) for point in best_and_last(section, method)]
    utility = [_Column("perplexity", "perplexity")]
    # As many quantities of generated texts as have a value and find room; the page has them all.
    utility += [
        _Column(quantity_name(one), one)
        for one in text_quantities(results)
        if any(point.estimate(one).value is not None for point in (section.floor, *points))
    ]
    choices = ([*utility[:kept], *_leakage(results, attack)] for kept in range(len(utility), 0, -1))
    tables = [_table(title, (section.floor, *points), columns) for columns in choices]
    return next((table for table in tables if _width(table) <= WIDTH), tables[-1])


def _leakage(results: Results, attack: str) -> list[_Column]:
    rates = results.facts.study.fpr[:1]
    return [_Column("AUC", "auc", attack), *(_Column(f"TPR@{100 * rate:g}%", tpr_key(rate), attack) for rate in rates)]


def _table(title: str, points: Sequence[Point], columns: Sequence[_Column]) -> Summary:
    head = ("method", "epoch", *(column.head for column in columns))
    keys = [(column.quantity, column.attack) for column in columns]
    rows = [_row(point, keys) for point in points]
    refused = {point.estimate(*key).reason for point in points for key in keys} - {""}
    return Summary(title, head, _fitted(head, rows), tuple(sorted(refused)))


def _width(summary: Summary) -> int:
    widths = _widths(summary.head, summary.rows)
    return sum(widths) + _GAP * (len(widths) - 1)


def _widths(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[int]:
    """The longest line of each column."""
    return [max(len(line) for cell in column for line in cell.split("\n")) for column in zip(head, *rows, strict=True)]


def _row(point: Point, keys: list[tuple[str, str | None]]) -> tuple[str, ...]:
    when = "" if point.epoch is None else f"{plain(point.epoch)} {moment(point)}".rstrip()
    return (printable(point.method or "base (floor)"), when, *(shown(point.number(*key)) for key in keys))


def _fitted(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The rows with method names in as many lines as it takes for the widest row to fit."""
    taken = sum(width + _GAP for width in _widths(head, rows)[1:])
    room = max(WIDTH - taken, _LEAST)
    return tuple(("\n".join(folded(row[0], width=room)), *row[1:]) for row in rows)


def _text(summary: Summary) -> str:
    widths = _widths(summary.head, summary.rows)
    table = [
        (" " * _GAP).join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for row in (summary.head, *summary.rows)
        for line in itertools.zip_longest(*(cell.split("\n") for cell in row), fillvalue="")
    ]
    notes = [f"— {reason}" for reason in summary.refused]
    return "\n".join([summary.title, *table, *notes])
