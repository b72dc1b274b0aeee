"""Where a file or folder is made before it takes its place: in a draft folder beside it, which nothing collects.

The folder is its maker's alone, so that whatever a library leaves in it, of whatever mode, is neither read by others
nor taken for data. Its maker holds a lock on it; one that nobody holds is what a killed process left, and is swept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

_SUFFIX = ".draft"
_NAME = re.compile(r"\..*\.[a-z0-9_]{8}\.draft", re.DOTALL)  # as `mkdtemp` names them
_LONGEST = 60


@contextlib.contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a place for `path` in a folder beside it, which is gone afterwards; the folder of `path` must exist."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:_LONGEST]}.", suffix=_SUFFIX, dir=path.parent))
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # no locks on this file system: a sweep may then take it for a leftover
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def is_draft(name: str) -> bool:
    """True for the name of a draft folder."""
    return _NAME.fullmatch(name) is not None


def sweep(root: Path, *, own: Collection[str]) -> None:
    """Remove the drafts of processes that are no more: beside and in the folders of `root`, and anywhere below those
    called as in `own`. What else lies in a folder that a store shares is not looked into; links are not followed.
    """
    _sweep(root, depth=1)
    for name in own:
        if not (root / name).is_symlink():
            _sweep(root / name)


def _sweep(root: Path, *, depth: int | None = None) -> None:
    for parent, folders, _ in os.walk(root):
        for name in filter(is_draft, folders):
            _drop(Path(parent) / name)
        is_deepest = depth is not None and len(Path(parent).relative_to(root).parts) >= depth
        folders[:] = [] if is_deepest else [name for name in folders if not is_draft(name)]


def _drop(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if not _is_held(handle):
                shutil.rmtree(folder)
        finally:
            os.close(handle)


def _is_held(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
