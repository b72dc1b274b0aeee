"""Where things lie: `<store>/<stage>/<key>/`, data files first, `DONE.json` with their hashes last.

`run.json` beside it (times, versions, commit) is for people; no comparison reads it. `unfinished/` holds what a stage
needs to go on after a kill and is gone once the stage is done.

A store is as private as the texts it was made from. `corpus/` holds them as they are; the token tables of `stats/` hold
their token ids, from which anyone with the model's tokenizer reads them back; `generations/`, `neighbours/` and trained
weights give parts of them away. So its folders are 0700, its files 0600, it ignores itself in git, and no symbolic link
leads out of it. What is shared from it (the report) is for its owner to choose.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, final

from vestige.errors import StoreError, StoreVersionError
from vestige.store.drafts import is_draft, sweep
from vestige.store.io import FOLDER_MODE, make_folder, read_json, refuse_link, sha256_of, write_json, write_text
from vestige.store.keys import Task, is_key, key_of
from vestige.store.lock import locked

STORE_VERSION: Final = 1
DONE: Final = "DONE.json"
RUN: Final = "run.json"
UNFINISHED: Final = "unfinished"
LOGS: Final = "logs"
REPORTED: Final = "facts.json"
"""What tells the folder of a report from anything else in a store."""
_MARKER: Final = "store.json"
_IGNORED: Final = ".gitignore"
_LOCK: Final = ".lock"


@final
class Store:
    """A folder of finished stages; made on the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: set[str] = set()
        self._is_marked = False
        self._refuse_newer()

    def _refuse_newer(self) -> None:
        marker = self.root / _MARKER
        if not marker.exists():
            return
        content = read_json(marker)
        found = content.get("version") if isinstance(content, dict) else None
        if not isinstance(found, int) or found > STORE_VERSION:
            raise StoreVersionError(
                f"The store {self.root} was written by a newer vestige (store version {found}; this one reads up to "
                f"{STORE_VERSION}). Upgrade vestige, or choose another store with --store."
            )

    @contextlib.contextmanager
    def locked(self, *, say: Callable[[str], None]) -> Iterator[None]:
        """The store for one run at a time: a second one waits, and says so. Reading needs no lock."""
        self._mark()
        with locked(self.root / _LOCK, say=say):
            sweep(self.root, own=(*_stages_in(self.root), LOGS))
            yield

    def folder(self, address: str) -> Path:
        """The folder of `"stage/key"`, finished or not."""
        return self.root / address

    def is_done(self, address: str) -> bool:
        """True where the stage has finished; its files are not read."""
        return (self.folder(address) / DONE).exists()

    def open(self, address: str) -> Path:
        """The folder of a finished stage, its files checked against `DONE.json` once per process.

        Raises:
            StoreError: the stage is not there, or a file is missing or damaged; it is named, never made again in
            silence.
        """
        folder = self.folder(address)
        if address not in self._verified:
            self._verify(folder)
            self._verified.add(address)
        return folder

    def _verify(self, folder: Path) -> None:
        self._refuse_links(folder)
        if not (folder / DONE).exists():
            raise StoreError(f"{folder} is not finished. Run the study again.")
        record = read_json(folder / DONE)
        if not isinstance(record, dict) or key_of(record) != folder.name or not isinstance(record.get("files"), dict):
            raise StoreError(
                f"The stored file {folder / DONE} does not match the key {folder.name}: it was changed or damaged. "
                f"Restore it, or remove the folder {folder} and run the study again to have it made anew."
            )
        for name, expected in record["files"].items():
            path = folder / name
            if not path.exists() or sha256_of(path) != expected:
                what = "does not match its hash" if path.exists() else "is missing"
                raise StoreError(
                    f"The stored file {path} {what}: it was changed or damaged after it was written. "
                    f"Restore it, or remove the folder {folder} and run the study again to have it made anew."
                )

    @contextlib.contextmanager
    def writing(self, task: Task, *, details: Mapping[str, Any]) -> Iterator[Path]:
        """Yield the folder for the data files of `task`; on success `DONE.json` closes it.

        What an earlier, killed attempt left is removed first, except `unfinished/`, from which a stage goes on.
        """
        folder = self.folder(task.address)
        self._mark()
        self._refuse_links(folder)
        self._clear(folder)
        yield folder
        files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in _data_files(folder)}
        write_json(folder / RUN, dict(details))
        write_json(folder / DONE, {**task.record, "files": files})
        self._verified.add(task.address)
        self.tidy(task.address)

    def tidy(self, address: str) -> None:
        """Remove what a finished stage no longer needs; harmless to repeat."""
        shutil.rmtree(self.folder(address) / UNFINISHED, ignore_errors=True)

    def _mark(self) -> None:
        """Make the store, for its owner alone and ignored by git; one made earlier is made so too."""
        if self._is_marked:
            return
        try:
            make_folder(self.root)
            if _is_nothing_else(self.root):
                with contextlib.suppress(PermissionError):  # the folder of another user, who lent it
                    self.root.chmod(FOLDER_MODE)
                if not (self.root / _IGNORED).exists():
                    write_text(self.root / _IGNORED, "*\n")
        except OSError as error:
            raise StoreError(f"Cannot write to {self.root}: {error.strerror}.") from error
        if not (self.root / _MARKER).exists():
            write_json(self.root / _MARKER, {"version": STORE_VERSION})
        self._is_marked = True

    def _refuse_links(self, folder: Path) -> None:
        """Neither the way from the root to the folder of a stage nor anything in that folder may be a link."""
        for path in (*reversed(folder.relative_to(self.root).parents), folder.relative_to(self.root)):
            if path.name:
                refuse_link(self.root / path)
        for parent, folders, names in os.walk(folder):
            for name in sorted((*folders, *names)):
                refuse_link(Path(parent) / name)

    @staticmethod
    def _clear(folder: Path) -> None:
        try:
            make_folder(folder)
            for entry in folder.iterdir():
                if entry.name == UNFINISHED and entry.is_dir():
                    continue
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        except OSError as error:
            raise StoreError(f"Cannot write to {folder}: {error.strerror}.") from error


def _data_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != UNFINISHED and not is_draft(name))
        for name in sorted(names):
            if name not in (RUN, DONE):
                yield Path(parent) / name


def _is_nothing_else(root: Path) -> bool:
    """True where a folder holds a store alone, or nothing: one in which somebody also keeps other things (`--store .`)
    is neither closed to others nor hidden from git.
    """
    own = {_MARKER, _IGNORED, _LOCK, LOGS, *_stages_in(root)}
    strange = [entry for entry in root.iterdir() if entry.name not in own and not is_draft(entry.name)]
    return all((entry / REPORTED).exists() for entry in strange)


def _stages_in(root: Path) -> list[str]:
    """The folders of stages: they hold folders that bear keys, at least one of them, and nothing else."""
    return [entry.name for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink() and _is_stage(entry)]


def _is_stage(folder: Path) -> bool:
    inside = [entry.name for entry in os.scandir(folder) if not is_draft(entry.name)]
    return bool(inside) and all(map(is_key, inside))
