"""Where rows come from: local jsonl, csv, parquet and txt files, compressed or not, and the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vestige.data.csv_rows import csv_records
from vestige.data.json_rows import json_records
from vestige.data.parquet_rows import parquet_records
from vestige.data.rows import Row, Unit
from vestige.data.streams import COMPRESSIONS, refuse_nul, text_lines
from vestige.errors import DataError, near_misses, printable, reason

Records = Iterator[tuple[int, Mapping[str, object]]]
_READERS: Mapping[str, tuple[Unit, Callable[[Path], Records]]] = {
    ".jsonl": ("line", json_records),
    ".ndjson": ("line", json_records),
    ".csv": ("row", csv_records),
    ".parquet": ("row", parquet_records),
}
SUFFIXES = (".jsonl", ".csv", ".parquet", ".txt")
_OTHERS = {
    ".json": "If it has one object per line, rename it to .jsonl; an array becomes that by `jq -c '.[]' OLD > NEW`.",
    ".tsv": "Save it with commas, as .csv, or one JSON object per line, as .jsonl.",
    ".xlsx": "Save the sheet as .csv (UTF-8).",
    ".zip": "Unpack it.",
    ".xls": "Save the sheet as .csv (UTF-8).",
}
_PATH = 300  # characters of a path that a message shows


def file_rows(paths: Sequence[str], *, raw_lines: bool = False) -> Iterator[Row]:
    """The rows of local files, in the order given.

    `raw_lines`: a .txt yields all of its lines, blank ones too. Raises DataError for a file that is missing, of an
    unknown kind, not UTF-8, or malformed, with the place.
    """
    for position, path in enumerate(paths, start=1):
        prefix = f"{position}:" if len(paths) > 1 else ""
        yield from _rows(existing_file(path), prefix=prefix, raw_lines=raw_lines)


def existing_file(path: str) -> Path:
    """The path, if there is a file of a known kind; else DataError with the near misses in that folder."""
    shown = printable(path, limit=_PATH)
    try:
        file = Path(path).expanduser()
        is_folder, is_file = file.is_dir(), file.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise DataError(f"The path {shown} cannot be looked up ({reason}). Check it, and who may read it.") from None
    if is_folder:
        raise DataError(f"{shown} is a folder; name the files in it.{_neighbours(file, '')}")
    if not is_file:
        raise DataError(f"There is no file {shown} (from {Path.cwd()}).{_neighbours(file.parent, file.name)}")
    if _kind(file) not in {*_READERS, ".txt"}:
        advice = _OTHERS.get(file.suffix.lower(), "Convert or rename it.")
        raise DataError(
            f"{printable(file.name)} is of an unknown kind; expected one of {', '.join(SUFFIXES)}, where it is text "
            f"perhaps compressed ({', '.join(COMPRESSIONS)}). {advice}"
        )
    return file


def name_of(path: str) -> str:
    """A file's name without its suffixes: `notes` of `far/notes.jsonl.gz`."""
    file = Path(path)
    return Path(file.stem).stem if file.suffix.lower() in COMPRESSIONS else file.stem


def _kind(file: Path) -> str:
    """The suffix that says what a file holds: `.jsonl` of `notes.JSONL` and of `notes.jsonl.gz`."""
    inner = Path(file.stem).suffix.lower() if file.suffix.lower() in COMPRESSIONS else file.suffix.lower()
    return "" if inner == ".parquet" and inner != file.suffix.lower() else inner


def _neighbours(folder: Path, name: str) -> str:
    try:
        files = [one.name for one in folder.iterdir() if _kind(one) in {*_READERS, ".txt"}]
    except OSError:
        return f" The folder {printable(str(folder), limit=_PATH)} does not exist or cannot be read either."
    return (
        near_misses(name, files)
        if files
        else f" {printable(str(folder), limit=_PATH)} holds no {', '.join(SUFFIXES)} file."
    )


def _rows(file: Path, *, prefix: str, raw_lines: bool) -> Iterator[Row]:
    unit, records = _READERS.get(_kind(file), ("line", lambda path: _txt_records(path, raw_lines=raw_lines)))
    for number, values in records(file):
        yield Row(values, number, file.name, unit, prefix)


def _txt_records(file: Path, *, raw_lines: bool) -> Records:
    for number, line in enumerate(text_lines(file), start=1):
        refuse_nul(line, f"line {number} of {printable(file.name)}")
        if raw_lines or line.strip():
            yield number, {"text": line.rstrip("\r\n")}


def hub_rows(hub: str, *, config: str | None, split: str, revision: str | None) -> Iterator[Row]:
    """The rows of one split of a data set on the Hugging Face hub; DataError where it cannot be had."""
    try:
        rows = _load_hub(hub, config, split, revision)
    except Exception as error:  # network, hub and builder errors share no base class
        raise DataError(
            f"The hub set '{printable(hub)}' (config {printable(config or 'default')}, split {printable(split)}) "
            f"cannot be loaded: {reason(error, with_kind=True)} "
            "Check the names and the network, or download the set and give its file as `path`."
        ) from error
    for number, values in enumerate(rows, start=1):
        yield Row(values, number, f"{hub} ({split})")


def _load_hub(hub: str, config: str | None, split: str, revision: str | None) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset(hub, config, split=split, revision=revision)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        # Sets that are defined by a script are kept by the hub as parquet on a branch, a folder per config.
        return load_dataset(hub, data_dir=config or "default", split=split, revision="refs/convert/parquet")
