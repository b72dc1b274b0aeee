"""One run at a time in a store. The kernel holds the lock, and lets go of it however its holder ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from vestige.errors import StoreError
from vestige.store.io import FILE_MODE

_own = threading.local()


@contextlib.contextmanager
def locked(path: Path, *, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file `path`, whose folder exists; where another run holds it, say who does, once, and wait.

    The thread that holds it may ask again. The file is empty while nobody holds it.

    Raises:
        StoreError: the file cannot be made.
    """
    held: set[str] = vars(_own).setdefault("held", set())
    name = os.path.realpath(path)
    if name in held:
        yield
        return
    with _opened(path) as file:
        _wait(file, path=path, say=say)
        try:
            held.add(name)
            _write(file, _who())
            yield
        finally:
            held.discard(name)
            _write(file, "")


def _opened(path: Path) -> IO[str]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        os.fchmod(handle, FILE_MODE)
        return os.fdopen(handle, "r+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}. Choose another store with --store.") from error


def _wait(file: IO[str], *, path: Path, say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"waiting: another run is at work in {path.parent}{_holder(file)}. This one goes on when it ends.")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        say(f"{path.parent} cannot be locked ({error.strerror}): start no second run there before this one ends.")


def _who() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"process": os.getpid(), "host": platform.node(), "since": since})


def _holder(file: IO[str]) -> str:
    """Nothing where the holder has not said yet who it is."""
    try:
        who = json.loads(file.read(4096))
        return f" (process {who['process']} on {who['host']!r}, since {who['since']})"
    except (ValueError, KeyError, TypeError):
        return ""


def _write(file: IO[str], text: str) -> None:
    """Says in the lock file who holds it (empty: nobody), for people alone: a full disk is no reason to stop."""
    with contextlib.suppress(OSError):
        file.seek(0)
        file.truncate()
        file.write(text)
        file.flush()
