"""The record of a store's runs: which study was begun when, as it was written then, and with which primary attack.

Entries are only ever added, at the beginning of a run. No key and no comparison of stores knows of it; only the report
reads it, to say whether the primary attack was named before the numbers were there.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vestige.errors import StoreError
from vestige.outcome.facts import NamedPrimary
from vestige.store.io import read_json, refuse_link, write_json
from vestige.store.keys import canonical_json
from vestige.store.layout import LOGS, RUN
from vestige.study.grid import Arm, Checkpoint
from vestige.study.plan import Plan

_RUNS = "runs.json"


def record_run(plan: Plan) -> None:
    """Add that the study is run, unless that is what the last entry of its name says; the store must be locked.

    Raises:
        StoreError: the record is damaged or cannot be written; it is named.
    """
    entries = _entries(plan)
    entry = {"primary": plan.study.attacks.primary, "as_written": _as_written(plan)}
    if entries and entries[-1].items() >= entry.items():
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    name = plan.study.study.name
    write_json(_path(plan), {**_read(_path(plan)), name: [*entries, {**entry, "time": now}]})


def was_run(plan: Plan) -> bool:
    """Whether the study was ever run in its store as it is written now."""
    as_written = _as_written(plan)
    return any(entry["as_written"] == as_written for entry in _entries(plan))


def primaries(plan: Plan) -> list[NamedPrimary]:
    """The primary attacks that the study has named, in order, and since when; None for one that no run has named."""
    named: list[NamedPrimary] = []
    current = {"primary": plan.study.attacks.primary, "time": None}
    for entry in (*_entries(plan), current):
        if not named or named[-1].attack != entry["primary"]:
            named.append(NamedPrimary(entry["primary"], entry["time"]))
    return named


def attacked_since(plan: Plan) -> str | None:
    """When the store's first estimate of leakage of this study was begun, under whatever name of a study."""
    return min(_begun(plan), default=None)


def _begun(plan: Plan) -> Iterator[str]:
    for pair in plan.grid.pairs:
        for arm in plan.choice.chosen(pair):
            for epoch in plan.grid.epochs:
                address = plan.choice.leakage(arm, epoch).address
                path = plan.store.folder(address) / RUN
                if plan.store.is_done(address) and path.exists():
                    with contextlib.suppress(StoreError, KeyError, TypeError):  # no hash guards it: a record for people
                        yield str(read_json(path)["started"])


def _as_written(plan: Plan) -> str:
    """A hash of the tasks that a study comes to, whatever its store holds: every training, and what the base is asked
    with every attack.
    """
    catalogue, grid = plan.catalogue, plan.grid
    tasks = [
        catalogue.train(Checkpoint(arm, seat)) for pair in grid.pairs for arm in grid.arms(pair) for seat in grid.seats
    ]
    for pair in grid.pairs:
        base = Arm(*pair)
        tasks += [plan.choice.scores(attack, Checkpoint(base)) for attack in plan.study.attacks.use]
        tasks += [catalogue.floors(pair), catalogue.utility(base, None, grid.seats)]
        tasks += [catalogue.text_utility(base, None)] if catalogue.generates(pair) else []
    return hashlib.sha256(canonical_json(sorted(task.key for task in tasks)).encode()).hexdigest()[:20]


def _entries(plan: Plan) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = _read(_path(plan)).get(plan.study.study.name, [])
    return entries


def _path(plan: Plan) -> Path:
    folder = plan.store.root / LOGS
    refuse_link(folder)
    return folder / _RUNS


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        record: dict[str, list[dict[str, Any]]] = read_json(path)
        [entry[name] for entries in record.values() for entry in entries for name in ("primary", "as_written", "time")]
    except (StoreError, AttributeError, KeyError, TypeError):
        raise StoreError(
            f"The record of runs {path} is damaged. Restore it, or remove it: reports then say that it is not on "
            "record when the primary attack was named."
        ) from None
    return record
