"""Tables on the terminal, 80 columns wide."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige.discovery import about
from vestige.durations import duration
from vestige.errors import named
from vestige.study.terminal import add, console, safe, table

if TYPE_CHECKING:
    from vestige.study.draft import Draft
    from vestige.study.price import Price


def print_price(found: Price, *, study: Path) -> None:
    """What a study costs at most, by base, the dearest work first."""
    shown = console()
    shown.print(f"{safe(str(study))} on {safe(found.device)}, at most:", soft_wrap=True)
    for base in dict.fromkeys(item.base for item in found.items):
        rows = table("work", "tasks", "PFLOP", "time", "GB")
        for item in sorted((one for one in found.items if one.base == base), key=lambda one: -one.seconds):
            numbers = (f"{item.operations / 1e15:,.3g}", duration(item.seconds), f"{item.memory / 1e9:,.1f}")
            add(rows, item.what, str(item.tasks), *numbers)
        shown.print(f"\n{safe(base)}", soft_wrap=True)
        shown.print(rows)
    room = "" if found.fits else f", more than the {found.room / 1e9:.0f} GB that it has"
    shown.print(
        f"\nIn all {found.operations / 1e15:,.0f} PFLOP, about {duration(found.seconds)} one after the other, and "
        f"{found.memory / 1e9:,.0f} GB for the largest{room}. Every text is taken to be as long as max_length, and "
        "work to attain 35% of the peak that the maker names.\n"
    )
    if found.unpriced:
        shown.print(f"Not priced, since a model of another shape is run: {named(list(found.unpriced))}.\n")


def print_draft(draft: Draft, *, source: Path, out: Path) -> None:
    """What a new study file was made of, and what to do next; no text."""
    guess, shown = draft.guess, console()
    rows = table("role", "field", "why")
    for role, name in guess.fields.model_dump(exclude_none=True).items():
        add(rows, role, name, guess.why.get(role, ""))
    shown.print(f"{safe(source.name)}: {guess.records} records.\n")
    shown.print(rows)
    if guess.fields.group is None and "group" in guess.why:
        shown.print(f"No group: {safe(guess.why['group'])}.")
    if guess.unused:
        shown.print(f"Not used: {named(guess.unused, limit=40)}.")
    sizes = ", ".join(f"{role} = {size}" for role, size in draft.sizes.items())
    shown.print(f"\nWrote {safe(str(out))}: {sizes}, max_length = {draft.max_length}. Look it over, then:")
    print(f"vestige plan {shlex.quote(safe(str(out)))}")


def listing(what: str) -> list[dict[str, Any]]:
    """What a study can name or its report checks, as JSON rows."""
    rows = {"methods": _methods, "attacks": _attacks, "models": _models, "corpora": _corpora, "checks": _checks}
    return rows[what]()


def _methods() -> list[dict[str, Any]]:
    from vestige.tuning.methods import discover, make_method

    rows = []
    for name, method in discover().items():
        made = make_method({"name": name})
        defaults = {**dict.fromkeys(method.model_fields), **made.settings()}
        row = {
            "name": name,
            "family": method.family,
            "about": about(method),
            "from": discover().origin(name),
            "learning_rate": list(made.learning_rate),
            "saves": method.saves,
            "mergeable": method.mergeable,
            "parameters": {key: value for key, value in defaults.items() if key not in ("name", "learning_rate")},
        }
        rows.append(row)
    return rows


def count_trainable(rows: Sequence[dict[str, Any]], *, base: str) -> None:
    """Add to each listed method how many parameters it trains of a base model, which is fetched and loaded."""
    from vestige.models.loading import load_base
    from vestige.models.sources import get, resolve
    from vestige.study.quiet import quietly
    from vestige.tuning.methods import make_method
    from vestige.tuning.methods.base import trainable

    with quietly():
        get(base)
        model = load_base(resolve(base), dtype="float32")
        for row in rows:
            row["trainable"] = trainable(make_method({"name": row["name"]}), model)


def _attacks() -> list[dict[str, Any]]:
    from vestige.attacks.base import Column, TextColumn
    from vestige.attacks.registry import discover, make_attack

    return [
        {
            "name": name,
            "about": about(attack),
            "from": discover().origin(name),
            "views": sorted({view.name for need in made.reads for view in need.views}),
            "columns": sorted({need.name for need in made.reads if isinstance(need, Column | TextColumn)}),
            "assumes": asdict(made.assumed),
            "parameters": _parameters(attack, without=("name",)),
        }
        for name, attack in discover().items()
        for made in (make_attack(name),)
    ]


def _assumed(assumes: Mapping[str, Any]) -> list[str]:
    """`log probabilities, reference model, 2 passes`."""
    passes = assumes["passes"]
    return [name.replace("_", " ") for name, value in assumes.items() if value is True] + [
        f"{passes} pass{'es' if passes != 1 else ''} per text"
    ]


def _models() -> list[dict[str, Any]]:
    from vestige.models.sources import list_known

    return [
        {
            "name": one.name,
            "about": one.description,
            "licence": one.licence,
            "parameters": one.parameters,
            "note": one.note,
        }
        for one in list_known()
    ]


def _corpora() -> list[dict[str, Any]]:
    from vestige.data.recipes import discover

    return [
        {
            "name": name,
            "about": recipe.about,
            "from": discover().origin(name),
            "licence": recipe.licence,
            "hub": recipe.hub,
        }
        for name, recipe in discover().items()
    ]


def _checks() -> list[dict[str, Any]]:
    from vestige.checks.registry import discover, page_of

    return [{"name": code, "about": about(check), "page": page_of(code)} for code, check in discover().items()]


def _parameters(model: Any, *, without: Sequence[str]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items() if name not in without}


def print_listing(rows: Sequence[Mapping[str, Any]]) -> None:
    """Name and what it is; everything else is in `--json`."""
    listed = table("name", "about")
    for row in rows:
        if "assumes" in row:
            row = {**row, "assumes": _assumed(row["assumes"])}  # noqa: PLW2901  # shown in words, not as a record
        details = [f"{key}: {_shown(value)}" for key, value in row.items() if key not in ("name", "about") and value]
        add(listed, row["name"], "\n".join([row["about"], *details]))
    console().print(listed)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_braced(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _braced(value: object) -> str:
    """The parameters of a part as a study file writes them."""
    return f"{{ {_shown(value)} }}" if isinstance(value, Mapping) else str(value)
