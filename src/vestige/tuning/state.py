"""What a training goes on from: states by step, of which the latest counts, each whole or absent, with the hashes of
all that the rest of the training builds on. Whatever is damaged is named and set aside.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vestige.errors import StoreError
from vestige.store.io import make_folder, read_json, replacing, sha256_of, write_json

STATE = "state"
DAMAGED = "damaged"
_HASHES = "hashes.json"


def save(folder: Path, *, step: int, write: Callable[[Path], None], kept: Mapping[str, str]) -> None:
    """Let `write` fill `<folder>/state/<step>/`, which then takes the place of older states; one of that step stays.

    `kept` are the SHA-256 of the files elsewhere below `folder` that a training going on from here will not make again.
    """
    place = folder / STATE / str(step)
    if not place.exists():
        with replacing(place) as new:
            make_folder(new)
            write(new)
            hashes = {f"{STATE}/{step}/{path.name}": sha256_of(path) for path in new.iterdir()}
            write_json(new / _HASHES, {**hashes, **kept})
    for older in _states(folder):
        if older != place:
            shutil.rmtree(older)


def latest(folder: Path, *, say: Callable[[str], None]) -> Path | None:
    """The latest state of which nothing is damaged; None for a fresh start. What is damaged is set aside, and named."""
    for state in _states(folder):
        damaged = list(_damaged(folder, state))
        if not damaged:
            return state
        aside = [_set_aside(folder, path) for path in (state, *(path.parent for path, _ in damaged)) if path.exists()]
        named = "; ".join(f"{path} {what}" for path, what in damaged)
        say(
            f"what an unfinished training was to go on from is damaged: {named}. It is set aside in {aside[0].parent} "
            "until the training is done, which starts again from what is whole."
        )
    return None


def kept_hashes(state: Path) -> dict[str, str]:
    """The hashes that `save` was given as `kept`; the next `save` of the same training is given them again."""
    hashes: dict[str, str] = read_json(state / _HASHES)
    return {name: value for name, value in hashes.items() if not name.startswith(f"{STATE}/")}


def _states(folder: Path) -> list[Path]:
    """The latest first."""
    found = (path for path in (folder / STATE).glob("*") if path.name.isdecimal())
    return sorted(found, key=lambda path: int(path.name), reverse=True)


def _damaged(folder: Path, state: Path) -> Iterator[tuple[Path, str]]:
    """The files that a state builds on and that are not as they were, and what is wrong with each."""
    hashes = _read(state / _HASHES)
    if not hashes:
        yield state / _HASHES, "is missing or cannot be read"
    for name, expected in hashes.items():
        path = folder / name
        try:
            if sha256_of(path) != expected:
                yield path, "does not match its hash"
        except OSError as error:
            yield path, "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"


def _read(path: Path) -> dict[str, Any]:
    try:
        hashes = read_json(path)
    except StoreError:
        return {}
    return hashes if isinstance(hashes, dict) and all(map(_is_inside, hashes)) else {}


def _is_inside(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _set_aside(folder: Path, path: Path) -> Path:
    """Beside the states, where a finished stage removes it with the rest."""
    place = folder / DAMAGED / f"{path.parent.name}-{path.name}"
    make_folder(place.parent)
    shutil.rmtree(place, ignore_errors=True)
    return path.rename(place)
