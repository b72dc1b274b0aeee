"""Records of a Parquet file, read a batch at a time, and of each batch only the columns that are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from vestige.errors import DataError, named, printable

_BATCH = 1024


@final
class _Columns(dict[str, list[object]]):
    """The columns of one batch, as Python values; made when first asked for."""

    def __init__(self, batch: Any) -> None:
        super().__init__()
        self.batch = batch

    def __missing__(self, name: str) -> list[object]:
        place = self.batch.schema.get_field_index(name)
        if place < 0:
            raise KeyError(name)
        self[name] = _values(self.batch.column(place))
        return self[name]


@final
class _Record(Mapping[str, object]):
    """One row of a batch."""

    def __init__(self, columns: _Columns, place: int) -> None:
        self._columns = columns
        self._place = place

    def __getitem__(self, name: str) -> object:
        return self._columns[name][self._place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.batch.schema.names)

    def __len__(self) -> int:
        return len(self._columns.batch.schema.names)


def parquet_records(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Number and fields of every row, counted from 1; DataError for a damaged file and for columns of one name."""
    number = 0
    for batch in _batches(file):
        columns = _Columns(batch)
        for place in range(len(batch)):
            number += 1
            yield number, _Record(columns, place)


def _batches(file: Path) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(file, page_checksum_verification=True) as table:
            twice = [name for name, count in Counter(table.schema_arrow.names).items() if count > 1]
            if twice:
                raise DataError(f"{printable(file.name)} names twice: {named(twice, limit=40)}. Rename one of each.")
            yield from table.iter_batches(batch_size=_BATCH)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        # Only the kind of error is passed on: readers can quote what they stumbled over.
        raise DataError(
            f"{printable(file.name)} cannot be read as parquet ({type(error).__name__}). Expected an intact file: "
            "download or write it again."
        ) from None


def _values(column: Any) -> list[object]:
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError):
        return [_value(cell) for cell in column]


def _value(cell: Any) -> object:
    """A cell that Python may have no value for (a date after the year 9999): then as Arrow has it, to be refused where
    it is used; bytes, where a text is not UTF-8."""
    import pyarrow as pa

    try:
        value: object = cell.as_py()
    except UnicodeDecodeError:
        return b""
    except (pa.ArrowException, ValueError, OverflowError):
        return cell
    return value
