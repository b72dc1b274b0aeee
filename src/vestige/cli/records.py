"""`vestige show records` on the terminal: one row per record, every attack in it, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from vestige.study.exposure import Exposure


_LEAST = 24
_GLUE = "\u00a0"
"""Holds a score together with its name where lines are broken."""


def print_records(exposed: Exposure, *, top: int, texts: bool) -> None:
    """The most exposed records with their scores and p-values, and what the columns mean."""
    console = Console()
    shown = exposed.rows(top, texts=texts)
    console.print(exposed.place.name, markup=False, highlight=False)
    console.print(_table(exposed, shown, width=console.width), highlight=False)
    legend = [f"{len(shown)} of {len(exposed.frame)} records.", *_legend(exposed)]
    console.print("\n" + " ".join(legend), markup=False, highlight=False)


def _table(exposed: Exposure, shown: Sequence[Mapping[str, Any]], *, width: int) -> Table:
    table = Table("record", "member", "agree", "memorized", "scores, p in brackets", box=None, padding=(0, 2, 0, 0))
    ids = max(len(row["id"]) for row in shown)
    room = max(width - ids - len("member  agree  memorized        "), _LEAST)
    for row in shown:
        lines = wrapped([_score(row, attack) for attack in exposed.attacks], room=room)
        agree = "—" if row["agree"] is None else f"{row['agree']}/{len(exposed.testing)}"
        is_member = "yes" if row["is_member"] else "no"
        table.add_row(escape(row["id"]), is_member, agree, _number(row["memorized"]), escape(lines))
        if "text" in row:
            table.add_row("", "", "", "", escape(row["text"]))
    return table


def wrapped(scores: Sequence[str], *, room: int) -> str:
    """The scores in lines of `room` characters; only one that is longer than a line is broken, behind its name."""
    glued = "  ".join(score.replace(" ", _GLUE) if len(score) <= room else score for score in scores)
    lines = textwrap.wrap(glued, room, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_GLUE, " ")


def _score(row: Mapping[str, Any], attack: str) -> str:
    p = row[f"{attack} p"]
    return f"{attack} {_number(row[attack])}" + ("" if p is None else f" ({p:.3f})")


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3g}"


def _legend(exposed: Exposure) -> list[str]:
    """What the columns mean, and why one of them is empty."""
    lines = ["Sorted by agreement, then by the mean of log p." if exposed.testing else f"Sorted by {exposed.primary}."]
    if exposed.testing:
        called = int((exposed.frame["agree"] > 0).sum())
        lines.append(
            f"agree: attacks that call the record a member, each with at most {100 * exposed.fdr:g}% false discoveries "
            f"expected (Benjamini-Hochberg); {called} records have one or more."
        )
    else:
        lines.append("No p-values: they need `calibration` texts in the study file, scored by `vestige run`.")
    if exposed.frame["memorized"].is_null().all():
        lines.append("memorized: needs both folds (folds = 2).")
    else:
        lines.append("memorized: mean loss where it was left out minus where it was trained on, nats per token.")
    return lines
