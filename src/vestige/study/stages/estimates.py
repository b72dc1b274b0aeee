"""Estimates on disk: one row of `estimates.json` each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vestige.records import Counts, Estimate, Estimated
from vestige.store.io import read_json, write_json
from vestige.store.layout import Store

_FILE = "estimates.json"


def write_estimates(folder: Path, rows: Iterable[Estimated]) -> None:
    """Write the estimates of a stage; NaN is refused."""
    write_json(folder / _FILE, [_row(one) for one in rows])


def _row(one: Estimated) -> dict[str, Any]:
    row = {"quantity": one.quantity, "attack": one.attack, **asdict(one.estimate)}
    told: dict[str, Any] = json.loads(json.dumps(row, allow_nan=False))
    return told if one.apart is None else {**told, "apart": one.apart}


def estimates_of(store: Store, address: str) -> list[Estimated]:
    """What a finished stage estimated, in its order."""
    return [_read(row) for row in read_json(store.open(address) / _FILE)]


def _read(row: Mapping[str, Any]) -> Estimated:
    told = dict(row)
    quantity, attack, apart = told.pop("quantity"), told.pop("attack"), told.pop("apart", None)
    estimate = Estimate(**{**told, "counts": Counts(**told["counts"])})
    return Estimated(quantity, estimate, attack=attack, apart=apart)
