"""Where converted models lie: `<cache>/models/<name>/`, whole or absent, `DONE.json` listing the files."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from vestige.errors import StoreError
from vestige.store.io import sha256_of

_DONE = "DONE.json"
_DAY = 86_400.0


def cache_folder() -> Path:
    """The folder that `VESTIGE_CACHE` names, else `vestige` in the user's cache folder; it need not exist."""
    if named := os.environ.get("VESTIGE_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "vestige"


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex; remembered within the process until the file changes."""
    status = path.stat()
    return _sha256(path.resolve(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    return sha256_of(path)


def is_complete(folder: Path) -> bool:
    """Whether the model in `folder` is there.

    Raises:
        StoreError: it is there, and a file of it is missing or has another size than when it was written.
    """
    try:
        sizes = json.loads((folder / _DONE).read_text(encoding="utf-8"))["sizes"]
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):
        raise _damaged(folder / _DONE) from None
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise _damaged(path)
    return True


def made_from(folder: Path) -> dict[str, str]:
    """What a complete model in `folder` was made from, as `building` was told."""
    told: dict[str, str] = json.loads((folder / _DONE).read_text(encoding="utf-8"))["made_from"]
    return told


@contextlib.contextmanager
def building(folder: Path, *, made_from: Mapping[str, str]) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place when the block succeeds and vanishes when it fails.

    Of two processes that build the same model, the first one wins and the other one's work is dropped.

    Raises:
        StoreError: the cache cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _drop_leftovers(folder.parent)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield partial
        _publish(partial, folder, made_from)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _publish(partial: Path, folder: Path, made_from: Mapping[str, str]) -> None:
    files = sorted(path for path in partial.iterdir() if path.is_file())
    for path in files:
        _flush(path)
    done = {"made_from": dict(made_from), "sizes": {path.name: path.stat().st_size for path in files}}
    (partial / _DONE).write_text(json.dumps(done, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _flush(partial / _DONE)
    try:
        partial.rename(folder)
    except OSError:
        if not is_complete(folder):
            raise


def _flush(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _drop_leftovers(parent: Path) -> None:
    """Remove what killed processes left behind; a day is longer than any conversion takes."""
    for partial in parent.glob(".partial-*"):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > _DAY:
                shutil.rmtree(partial)


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"The cached model file {path} is missing or damaged. Delete the folder {path.parent} and run the same command "
        "again: the model is then made anew."
    )


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"Cannot write the model cache {folder.parent}: {error.strerror or error}. "
        "Free some space, or let VESTIGE_CACHE name another folder."
    )
