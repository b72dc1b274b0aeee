"""Files that are whole or absent, and that nobody but their owner reads: each is written in a draft folder beside its
place and renamed into it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vestige.errors import StoreError
from vestige.store.drafts import draft

FOLDER_MODE = 0o700
FILE_MODE = 0o600
"""Stored files hold private texts, or what lets them be read: no group and no other, whatever the umask."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a place to write at; on success the file there is flushed to disk and takes the place of `path`. A folder
    of such files can be made there too, where `path` is not yet.

    Raises:
        StoreError: the disk is full or not writable; nothing is left behind and an older file stays as it was.
    """
    try:
        make_folder(path.parent)
        with draft(path) as temporary:
            yield temporary
            _settle(temporary)
            temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"Cannot write {path}: {reason}. Free some space or choose another store with --store, "
            "then run the same command again: it goes on where it stopped."
        ) from error


def _settle(path: Path) -> None:
    path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone; one that is there stays as it is."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER_MODE)
        path.chmod(FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise


def refuse_link(path: Path) -> None:
    """Raise StoreError where `path` is a symbolic link: what is written there would land, or lie, somewhere else."""
    if path.is_symlink():
        raise StoreError(
            f"{path} is a symbolic link, which a store neither follows nor writes through. Remove the link, and put "
            "what it points to in its place; the store as a whole may lie anywhere (--store)."
        )


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: object) -> None:
    """Write indented JSON with sorted keys; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of the store.

    Raises:
        StoreError: it is not JSON; the message names the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"Cannot read {path}: {error}. Remove its folder to have it made again.") from error


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a Parquet file, whole or not at all; the same table gives the same bytes."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_parquet(path: Path) -> pa.Table:
    """Read a Parquet file of the store; StoreError names the file if it cannot be read."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"Cannot read {path}: {error}. Remove its folder to have it made again.") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
