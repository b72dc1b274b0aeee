"""Tables as papers of this field print them, attacks by methods, beside published numbers where there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from vestige.claims.published import NOT_OURS, PAPER, published
from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL, STRONGEST, Comparison
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, sections
from vestige.outcome.wording import REFUSED, level_name, plain, printed, quantity_name
from vestige.records import Counts, Estimate, Estimated
from vestige.report.tables import Cell, Group, Row, Table, as_cell

_WITHOUT: Final = "Without intervals; members and non-members are from different splits there."
_NOT_HAD: Final = Estimate(None, None, None, Counts(), signature="", reason="not measured")


def attacks_by_methods(results: Results, section: Section) -> Table:
    """AUC of every attack on every method: at equal utility, at the last checkpoint (equal epochs, as it is published),
    and as others have published it for the same methods, attacks and texts.
    """
    groups = [
        *_at_equal_utility(results, section),
        _at_the_end(results, section),
        *_published(results, section),
    ]
    methods = (method.label for method in results.facts.methods)
    return Table(("Attack", *methods), tuple(groups))


def _at_equal_utility(results: Results, section: Section) -> Iterator[Group]:
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    if comparison is not None and comparison.reach.value is not None:
        attacks = [*(attack.label for attack in results.facts.attacks), STRONGEST]
        asked = {**dict.fromkeys(attacks, "auc"), MEMORIZATION: MEMORIZATION}
        rows = (_compared_row(results, comparison, what, quantity) for what, quantity in asked.items())
        yield Group(tuple(rows), f"At equal utility, {level_name(PRIMARY_LEVEL)} of the reachable gain")


def _compared_row(results: Results, comparison: Comparison, what: str, quantity: str) -> Row:
    found = {one.method: one.at(what) or _NOT_HAD for one in comparison.standings}
    label = quantity_name(quantity) if what == MEMORIZATION else what
    numbers = (found.get(method.label, _NOT_HAD) for method in results.facts.methods)
    return Row((Cell(label), *(as_cell(Estimated(quantity, number)) for number in numbers)))


def _at_the_end(results: Results, section: Section) -> Group:
    asked = [*(("auc", attack.label) for attack in results.facts.attacks), ("perplexity", None)]
    rows = (Row((Cell(attack or quantity_name(one)), *_lasts(results, section, one, attack))) for one, attack in asked)
    return Group(tuple(rows), _last_title(results), "Equal epochs, and not equal utility.")


def _last_title(results: Results) -> str:
    return f"At the last checkpoint, epoch {plain(results.facts.study.training.epochs)}"


def _lasts(results: Results, section: Section, quantity: str, attack: str | None) -> Iterator[Cell]:
    """A number of every method at its last checkpoint."""
    for method in results.facts.methods:
        last = section.last(method.label)
        yield _cell(last.number(quantity, attack) if last else None)


def _cell(number: Estimated | None) -> Cell:
    return as_cell(number) if number is not None else Cell(REFUSED, _NOT_HAD.reason)


def _published(results: Results, section: Section) -> Iterator[Group]:
    """The rows of the published table on these texts, for the methods that this study has."""
    known = _of_paper(results, section.corpus, table="Table 2")
    if not known.is_empty():
        (base, epoch), *_ = known.select("base", "epoch").rows()
        rows = (
            _published_row(results, known.filter(pl.col("attack").eq_missing(pl.lit(attack))), label=attack)
            for attack in known["attack"].unique(maintain_order=True)
        )
        title = f"arXiv:{PAPER}, Table 2: {base}, epoch {plain(epoch)} – {NOT_OURS}"
        yield Group(tuple(rows), title, _WITHOUT)


def _of_paper(results: Results, corpus: str, *, table: str) -> pl.DataFrame:
    """What is published of the methods of this study on these texts."""
    names = [method.name for method in results.facts.methods]
    return published().filter(pl.col("method").is_in(names), table=table, corpus=results.facts.corpus(corpus).source)


def _published_row(results: Results, own: pl.DataFrame, *, label: str | None) -> Row:
    values = dict(own.select("method", "value").iter_rows())
    cells = (
        Cell(printed(values[one.name]), NOT_OURS) if one.name in values else Cell(REFUSED, "not published")
        for one in results.facts.methods
    )
    return Row((Cell(label or quantity_name(own["quantity"][0])), *cells), "published")


# By size


def bases_by_methods(results: Results) -> Table | None:
    """The primary attack on every base and method of a corpus, at equal utility of each base and at the last
    checkpoint, beside published numbers; None where the study has one base.
    """
    if len(results.facts.bases) == 1:
        return None
    groups = [group for corpus in results.facts.corpora for group in _of_corpus(results, corpus.name)]
    return Table(("Base", *(method.label for method in results.facts.methods)), tuple(groups))


def _of_corpus(results: Results, corpus: str) -> Iterator[Group]:
    primary, own = results.facts.study.primary, [one for one in sections(results) if one.corpus == corpus]
    compared = [(one.base, results.facts.comparison(base=one.base, corpus=corpus)) for one in own]
    rows = [
        replace(row, cells=(Cell(base), *row.cells[1:]))
        for base, comparison in compared
        if comparison is not None and comparison.reach.value is not None
        for row in [_compared_row(results, comparison, primary, "auc")]
    ]
    if rows:
        at = f"At equal utility, {level_name(PRIMARY_LEVEL)} of the reachable gain of each base"
        yield Group(tuple(rows), f"{corpus}, AUC of {primary}. {at}")
    lasts = (Row((Cell(one.base), *_lasts(results, one, "auc", primary))) for one in own)
    yield Group(tuple(lasts), f"{corpus}, AUC of {primary}. {_last_title(results)}")
    known = _of_paper(results, corpus, table="Table 3")
    if not known.is_empty():
        of_base = known.group_by("base", maintain_order=True)
        published_rows = tuple(_published_row(results, frame, label=str(base)) for (base,), frame in of_base)
        title = f"arXiv:{PAPER}, Table 3: AUC of loss, epoch {plain(known['epoch'][0])} – {NOT_OURS}"
        yield Group(published_rows, title, _WITHOUT)
