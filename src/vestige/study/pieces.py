"""What one store has of a study, as one small file that another store takes in: nothing of it is then made again.

A study of many trainings does not fit one machine or one session; its weights and token tables are too large, and too
private, to carry along. A piece holds what finished stages left that travel (`Stage.travels`: losses and scores of each
text, by its id, and estimates), every file as it lies in the store, with the hashes of its `DONE.json`: what is read is
what was written. It is Parquet: `address`, `file`, `content`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import pyarrow as pa
import pyarrow.parquet as pq

from vestige.errors import ConfigError, StoreError, printable
from vestige.store.io import write_bytes, write_parquet
from vestige.store.keys import Task, key_of
from vestige.store.layout import DONE, RUN
from vestige.study.plan import Plan
from vestige.study.stages.registry import stages

_VERSION: Final = b"1"
_MARK: Final = b"vestige.piece"
_SCHEMA: Final = pa.schema(
    [("address", pa.string()), ("file", pa.string()), ("content", pa.binary())], metadata={_MARK: _VERSION}
)

_Files = Mapping[str, bytes]


@final
@dataclass(frozen=True)
class Piece:
    """What a piece holds: the results of each stage, and how many of them were not in the store yet."""

    path: Path
    results: Mapping[str, int]
    new: int = 0

    def __repr__(self) -> str:
        held = ", ".join(f"{number} {stage}" for stage, number in self.results.items())
        return f"{printable(str(self.path), limit=1000)}: {held}"


def write_piece(plan: Plan, path: Path) -> Piece:
    """Write what the store of a plan has finished of it, as far as it travels.

    Raises:
        ConfigError: there is nothing to write, or the file cannot be written.
        StoreError: a stored file is damaged; it is named.
    """
    done = [task for task in plan.known() if stages()[task.stage].travels and plan.is_done(task)]
    if not done:
        raise ConfigError(f"The store {plan.store.root} holds nothing of this study that a piece could carry.")
    rows = [
        {"address": task.address, "file": file.name, "content": file.read_bytes()}
        for task in done
        for file in sorted(plan.store.open(task.address).iterdir())
    ]
    try:
        write_parquet(path, pa.Table.from_pylist(rows, schema=_SCHEMA))
    except StoreError as error:
        raise ConfigError(f"{str(error).partition('. ')[0]}. Name another file.") from error
    return Piece(path, Counter(task.stage for task in done))


def read_piece(plan: Plan, path: Path, *, say: Callable[[str], None] = lambda _: None) -> Piece:
    """Take a piece into the store of a plan; what is there already stays. All of it is checked before any is written.

    Raises:
        ConfigError: the file is no piece, is damaged, or has nothing of this study; nothing is written.
        StoreError: the store cannot be written to.
    """
    found = {address: _checked(path, address, files) for address, files in _by_address(path).items()}
    if not found.keys() & {task.address for task in (*plan.known(), *plan.expected())}:
        raise ConfigError(
            f"The piece {path} has nothing of this study: none of its {len(found)} results was made with these models, "
            "texts, methods and settings by this version of vestige. Read it with the study that it was written for."
        )
    with plan.store.locked(say=say):
        new = [task for task, _ in found.values() if not plan.is_done(task)]
        for task in new:
            _, files = found[task.address]
            with plan.store.writing(task, details=json.loads(files.get(RUN, b"{}"))) as folder:
                for name in files.keys() - {DONE, RUN}:
                    write_bytes(folder / name, files[name])
    return Piece(path, Counter(task.stage for task, _ in found.values()), new=len(new))


def _by_address(path: Path) -> dict[str, dict[str, bytes]]:
    """The files of each result."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no whole Parquet file"
        raise ConfigError(f"Cannot read the piece {path}: {reason}.") from None
    if not table.schema.equals(_SCHEMA) or (table.schema.metadata or {}).get(_MARK) != _VERSION:
        raise ConfigError(
            f"{path} is no piece that this version of vestige has written. Write one with `vestige pieces write`."
        )
    found: dict[str, dict[str, bytes]] = {}
    for row in table.to_pylist():
        found.setdefault(row["address"], {})[row["file"]] = row["content"]
    return found


def _checked(path: Path, address: str, files: _Files) -> tuple[Task, _Files]:
    """The task behind a result, whose files are those that it left; ConfigError otherwise."""
    for problem in _problems(address, files):
        raise ConfigError(
            f"The piece {path} is damaged, or was changed: {printable(address)} {problem}. Nothing was read from it. "
            "Write it again."
        )
    record = json.loads(files[DONE])
    return Task(record["stage"], record["version"], record["spec"], record["inputs"]), files


def _problems(address: str, files: _Files) -> Iterator[str]:
    stage, _, key = address.partition("/")
    if stage not in stages() or not stages()[stage].travels:
        yield "is no result that a piece carries"
    record = _json(files.get(DONE, b""))
    if not isinstance(record, dict) or record.get("stage") != stage or key_of(record) != key:
        yield "does not match its key"
        return
    expected = record.get("files")
    if not isinstance(expected, dict) or expected.keys() != files.keys() - {DONE, RUN}:
        yield "has other files than it left"
        return
    for name, content in files.items():
        if Path(name).name != name:
            yield "has a file that lies elsewhere"
        if name in expected and hashlib.sha256(content).hexdigest() != expected[name]:
            yield f"has a file, {printable(name)}, that does not match its hash"
    if not isinstance(_json(files.get(RUN, b"{}")), dict):
        yield f"has a record, {RUN}, that is none"


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
