"""What a corpus must satisfy before it is cut: texts that exist, ids that differ, no text in two groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from vestige.errors import DataError, named, printable
from vestige.records import Example

SHOWN = 10


def refuse_unusable(examples: Sequence[Example], *, name: str) -> None:
    """Raise DataError, with the ids, for no text at all, an empty completion, text that UTF-8 cannot hold, or an id
    that repeats."""
    name = printable(name)
    if not examples:
        raise DataError(
            f"Corpus '{name}' holds no text. Check that its file or split is the right one, and its recipe."
        )
    empty = [example.id for example in examples if not example.completion.strip()]
    if empty:
        raise DataError(
            f"Corpus '{name}': the completion is empty in {listed(empty)}. Fill these records in or remove them."
        )
    broken = [example.id for example in examples if not _encodable(example)]
    if broken:
        raise DataError(
            f"Corpus '{name}': UTF-8 cannot hold half a surrogate pair, as in {listed(broken)}. Mend these."
        )
    repeated = [one for one, count in Counter(example.id for example in examples).items() if count > 1]
    if repeated:
        raise DataError(
            f"Corpus '{name}': ids must differ, and these name more than one record: {listed(repeated)}. Rename them."
        )


def drop_duplicates(examples: Iterable[Example]) -> list[Example]:
    """The examples without those whose completion an earlier one has, apart from surrounding white space."""
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(example.completion.strip(), example)
    return list(first.values())


def refuse_duplicates(examples: Iterable[Example], *, name: str) -> None:
    """Raise DataError with the ids where two examples of different groups have the same completion.

    Two groups can come into different roles, or with some seed into different folds of the pool, and the text would
    be a member and a non-member at once; within a group nothing is ever parted.
    """
    pairs = list(_pairs(examples))
    if not pairs:
        return
    shown = ", ".join(f"{printable(one.id)} = {printable(other.id)}" for one, other in pairs[:SHOWN])
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    raise DataError(
        f"Corpus '{name}': {len(pairs)} of the texts chosen repeat the completion of another group ({shown}{more}), "
        "and would be member and non-member at once. "
        'Set `duplicates = "drop"` to keep the first of each, or remove them from the source.'
    )


def _pairs(examples: Iterable[Example]) -> Iterator[tuple[Example, Example]]:
    first: dict[str, Example] = {}
    for example in examples:
        earlier = first.setdefault(example.completion.strip(), example)
        if earlier.group != example.group:
            yield earlier, example


def _encodable(example: Example) -> bool:
    try:
        "".join((example.id, example.prompt, example.completion, *example.references, example.group)).encode()
    except UnicodeEncodeError:
        return False
    return True


def listed(ids: Sequence[str]) -> str:
    """Ids for a message: how many, and the first ten."""
    return f"{len(ids)} record{'s' if len(ids) != 1 else ''} ({named(ids, most=SHOWN)})"
