"""Tables on the terminal, 80 columns wide."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from vestige.errors import named
from vestige.study.terminal import add, console, safe, table

if TYPE_CHECKING:
    from vestige.store.keys import Task
    from vestige.study.draft import Draft
    from vestige.study.plan import Plan


def print_plan(plan: Plan) -> None:
    """Cells with their state, stages with their counts, and the time that is left."""
    from vestige.study.forecast import forecast
    from vestige.study.progress import duration

    out = console()
    out.print(_cells(plan))
    ahead = forecast(plan)
    stages = table("stage", "in the store", "to do")
    for stage in dict.fromkeys([*ahead.to_do, *ahead.done]):
        add(stages, stage, str(ahead.done.get(stage, 0)), str(ahead.to_do.get(stage, 0)))
    out.print(stages)
    for remark in plan.prepared.remarks:
        out.print(remark, markup=False, highlight=False, soft_wrap=True)
    source = "measured in this store" if ahead.is_measured else "assumed, nothing measured here yet"
    out.print(
        f"\nTo do: work worth {ahead.remaining:,.0f} scored tokens (a trained or generated token counts as several), "
        f"about {duration(ahead.seconds)} at {ahead.pace:,.0f} tokens/s ({source})."
    )


def _cells(plan: Plan) -> Table:
    rows = table("base", "corpus", "method", "rate", "seed/fold", "state")
    for pair in plan.pairs:
        chosen = plan.chosen(pair)
        for arm in plan.arms(pair):
            is_chosen = arm in chosen
            for seat in plan.seats:
                if is_chosen or seat in plan.search_seats:
                    state = _state(plan, plan.train(arm, seat)) + (", chosen" if is_chosen else "")
                    add(rows, *pair, arm.method.label, f"{arm.learning_rate:g}", f"{seat[0]}/{seat[1]}", state)  # type: ignore[union-attr]
        for arm, seed in plan.shadows(pair):
            state = _state(plan, plan.train(arm, (seed, "A"), half_of="shadow"))
            add(rows, *pair, arm.method.label, f"{arm.learning_rate:g}", f"{seed}/shadow", state)  # type: ignore[union-attr]
    return rows


def _state(plan: Plan, training: Task) -> str:
    return "trained" if plan.store.is_done(training.address) else "to train"


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
    """What a study can name, as JSON rows."""
    return {"methods": _methods, "attacks": _attacks, "models": _models, "corpora": _corpora}[what]()


def _methods() -> list[dict[str, Any]]:
    from vestige.tuning.methods import discover, make_method

    rows = []
    for name, method in discover().items():
        made = make_method({"name": name})
        defaults = {**dict.fromkeys(method.model_fields), **made.spec()}
        row = {
            "name": name,
            "family": method.family,
            "about": _first_line(method),
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
    from vestige.tuning.methods import make_method
    from vestige.tuning.methods.base import trainable

    get(base)
    model = load_base(resolve(base), dtype="float32")
    for row in rows:
        row["trainable"] = trainable(make_method({"name": row["name"]}), model)


def _attacks() -> list[dict[str, Any]]:
    from vestige.attacks.registry import discover, origin

    return [
        {
            "name": name,
            "about": _first_line(attack),
            "from": origin(attack),
            "views": sorted({column.view.name for column in attack.needs}),
            "columns": sorted({column.name for column in attack.needs} | set(attack.needs_text)),
            "assumes": asdict(attack.assumes),
            "parameters": _parameters(attack, without=("name",)),
        }
        for name, attack in discover().items()
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
    from vestige.data.recipes import known_recipes

    return [
        {"name": name, "about": recipe.about, "licence": recipe.licence, "hub": recipe.hub}
        for name, recipe in known_recipes().items()
    ]


def _parameters(model: Any, *, without: Sequence[str]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items() if name not in without}


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


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
