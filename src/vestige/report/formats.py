"""A table as CSV for whoever computes with it, as Markdown for a page, as LaTeX for a paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vestige.errors import printable
from vestige.report.tables import Cell, Group, Table

_WHOLE: Final = 1_000_000
_PART: Final = "Part"


def as_csv(table: Table) -> str:
    """One header, a line for each row; the heading that rows stand under is the column `Part`.

    A column of estimates becomes `X`, `X low`, `X high` (numbers in full, empty where refused) and `X signature`; that
    of differences also `X verdict`.
    """
    has_parts = any(group.title for group in table.groups)
    kinds = [_kind(column) for column in _columns(table)]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([*([_PART] if has_parts else []), *_heads(table.head, kinds)])
    for group in table.groups:
        for row in group.rows:
            values = (value for cell, kind in zip(row.cells, kinds, strict=True) for value in _values(cell, kind))
            writer.writerow([*([group.title] if has_parts else []), *values])
    return written.getvalue()


def _columns(table: Table) -> list[list[Cell]]:
    rows = [row.cells for group in table.groups for row in group.rows]
    return [[row[place] for row in rows] for place in range(len(table.head))]


def _kind(column: Sequence[Cell]) -> tuple[str, ...]:
    """The endings of the names under which a column is written."""
    if not any(cell.number for cell in column):
        return ("",)
    verdict = (" verdict",) if any(cell.number and cell.kind for cell in column) else ()
    return ("", " low", " high", " signature", *verdict)


def _heads(head: Sequence[str], kinds: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for name, endings in zip(head, kinds, strict=True):
        yield from (f"{name}{ending}" for ending in endings)


def _values(cell: Cell, endings: tuple[str, ...]) -> Iterator[object]:
    if len(endings) == 1:
        yield cell.text
        return
    found = cell.number.estimate if cell.number else None
    known = {
        "": found and found.value,
        " low": found and found.low,
        " high": found and found.high,
        " signature": found and found.signature,
        " verdict": found and cell.kind,
    }
    yield from (known[ending] for ending in endings)


# Markdown


def as_markdown(table: Table, *, caption: str) -> str:
    """A table of GitHub's Markdown under its caption; one for each heading that rows stand under."""
    parts = [f"**{_in_markdown(caption)}**", *(_group_in_markdown(table, group) for group in table.groups)]
    return "\n\n".join(parts) + "\n"


def _group_in_markdown(table: Table, group: Group) -> str:
    above = [f"{_in_markdown(group.title)}. {_in_markdown(group.about)}".strip(), ""] if group.title else []
    lines = [table.head, ["---"] * len(table.head), *([cell.text for cell in row.cells] for row in group.rows)]
    return "\n".join([*above, *(f"| {' | '.join(map(_in_markdown, line))} |" for line in lines)])


def _in_markdown(text: str) -> str:
    """What Markdown would take for a mark, or for the end of a cell, marked as itself."""
    shown = re.sub(r"([\\|`*<>])", r"\\\1", printable(text, limit=_WHOLE)).replace("&", "&amp;")
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", shown)


# LaTeX


def as_latex(table: Table, *, caption: str) -> str:
    r"""A `tabular` for `\input`, with rules of the package booktabs; the caption stands above it as a comment."""
    lines = [
        f"% {printable(caption, limit=_WHOLE)}",
        r"% Needs \usepackage{booktabs}.",
        rf"\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}",
        r"\toprule",
        _line(table.head),
        *(line for group in table.groups for line in _group_in_latex(group, width=len(table.head))),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _group_in_latex(group: Group, *, width: int) -> Iterator[str]:
    yield r"\midrule"
    if group.title:
        yield rf"\multicolumn{{{width}}}{{l}}{{\textbf{{{_in_latex(group.title)}}}}} \\"
    yield from (_line([cell.text for cell in row.cells]) for row in group.rows)


def _line(cells: Sequence[str]) -> str:
    # Behind \\ a star or a bracket would be taken for part of the command.
    text = " & ".join(map(_in_latex, cells))
    return rf"{'{}' * text.startswith(('*', '['))}{text} \\"


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in printable(text, limit=_WHOLE)).replace("--", "-{}-")


_LATEX: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "½": r"$\frac{1}{2}$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "←": r"$\leftarrow$",
    "→": r"$\rightarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "…": r"\ldots{}",
    "φ": r"$\phi$",
    "τ": r"$\tau$",
}
"""What LaTeX reads as a command, or does not know as a letter of its default fonts."""
