"""`vestige show records` on the terminal: one row per record or group, every attack in it, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from vestige.study.terminal import add, console, safe, table

if TYPE_CHECKING:
    from vestige.study.exposure import Exposure


_LEAST = 24
_GLUE = "\u00a0"
"""Holds a score together with its name where lines are broken."""


def print_records(exposed: Exposure, *, top: int, texts: bool) -> None:
    """The most exposed records with their scores and p-values, and what the columns mean."""
    out = console()
    shown = exposed.rows(top, texts=texts)
    out.print(safe(exposed.name))
    out.print(_table(exposed, shown, width=out.width))
    legend = [f"{len(shown)} of {len(exposed.frame)} {exposed.by}s.", *_legend(exposed)]
    out.print("\n" + " ".join(legend))


def _table(exposed: Exposure, shown: Sequence[Mapping[str, Any]], *, width: int) -> Table:
    about = _of_group if exposed.by == "group" else _of_record
    firsts = [about(exposed, row) for row in shown]
    head = list(firsts[0]) if firsts else [exposed.by]
    rows = table(*head, "scores, p in brackets")
    ids = max((len(safe(next(iter(first.values())))) for first in firsts), default=0)
    room = max(width - ids - len("  ".join(head[1:])) - 6, _LEAST)
    for first, row in zip(firsts, shown, strict=True):
        add(rows, *first.values(), wrapped([_score(row, attack) for attack in exposed.attacks], room=room))
        if "text" in row:
            add(rows, *[""] * len(head), row["text"])
    return rows


def _of_record(exposed: Exposure, row: Mapping[str, Any]) -> dict[str, str]:
    is_told = not exposed.frame["is_member"].all()
    member = {"member": "yes" if row["is_member"] else "no"} if is_told else {}
    fold = {"fold": str(row["fold"])} if len(exposed.checkpoints) > 1 else {}
    return {
        "record": row["id"],
        **fold,
        **member,
        "agree": _agree(exposed, row),
        "memorized": _number(row["memorized"]),
    }


def _of_group(exposed: Exposure, row: Mapping[str, Any]) -> dict[str, str]:
    called = "—" if row["called"] is None else f"{row['called']}/{row['records']}"
    fold = {"fold": str(row["fold"])} if len(exposed.checkpoints) > 1 else {}
    memorized = _number(row["memorized"])
    return {"group": row["group"], **fold, "records": str(row["records"]), "called": called, "memorized": memorized}


def _agree(exposed: Exposure, row: Mapping[str, Any]) -> str:
    return "—" if row["agree"] is None else f"{row['agree']}/{len(exposed.testing)}"


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
    if exposed.by == "group":
        lines.append("Scores and memorization: the highest of the group; p: the lowest. --csv has the means.")
    lines += _calls(exposed) if exposed.testing else [_NO_P_VALUES]
    if exposed.frame["memorized"].is_null().all():
        lines.append("memorized: needs both folds (folds = 2).")
    else:
        lines.append("memorized: mean loss where it was left out minus where it was trained on, nats per token.")
    return lines


_NO_P_VALUES = "No p-values: they need `calibration` texts in the study file, scored by `vestige run`."


def _calls(exposed: Exposure) -> list[str]:
    """What it means that an attack calls a record a member; and where none does, what it would take."""
    column = "called: records" if exposed.by == "group" else "agree: attacks"
    what = "that one attack or more call members" if exposed.by == "group" else "that call the record a member"
    rate = f"{100 * exposed.fdr:g}% false discoveries"
    called = f"{exposed.called} {exposed.by}s have one or more"
    lines = [f"{column} {what}, each with at most {rate} expected (Benjamini-Hochberg); {called}."]
    lines += [*_resolution(exposed), *_few_groups(exposed)]
    if exposed.needed is not None:
        least = f"{1 / (1 + exposed.calibration):.2g}"
        lines.append(
            f"With {exposed.calibration} calibration texts no p can be below {least}: at least {exposed.needed} would "
            "be needed to call anyone."
        )
    elif not exposed.calls:
        lines.append("More calibration texts that score like the present ones would call nobody either.")
    return lines


def _resolution(exposed: Exposure) -> list[str]:
    """How many records an attack calls at once, or none: so fine does the test see."""
    if exposed.fewest is None or exposed.fewest <= 1:
        return []
    least = f"With {exposed.calibration} calibration texts an attack calls at least {exposed.fewest} records of a cell"
    return [f"{least}, or none: fewer that are exposed, and be it plainly, are not called."]


def _few_groups(exposed: Exposure) -> list[str]:
    groups, texts = exposed.calibration_groups, exposed.calibration
    if groups >= texts:
        return []
    alike = f"The {texts} calibration texts are of {groups} groups, and texts of one group are alike: small p come up"
    often = f"more often than they say, up to once in {groups + 1} for the smallest. Name more groups (`per_group`)."
    return [f"{alike} {often}"]
