"""What a corpus must satisfy before it is cut: texts that exist, ids that differ, no text in two groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

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
    twice = [one for one, count in Counter(example.id for example in examples).items() if count > 1]
    if twice:
        raise DataError(
            f"Corpus '{name}': ids must differ, and these name more than one record: {listed(twice)}. Rename them."
        )


def same_text(example: Example) -> tuple[str, str]:
    """Prompt and completion, apart from surrounding white space: what two examples have in common that are one text."""
    return example.prompt.strip(), example.completion.strip()


def drop_duplicates(examples: Iterable[Example]) -> list[Example]:
    """The examples without those whose prompt and completion an earlier one has, apart from surrounding white space."""
    first: dict[tuple[str, str], Example] = {}
    for example in examples:
        first.setdefault(same_text(example), example)
    return list(first.values())


def refuse_duplicates(examples: Sequence[Example], *, name: str) -> None:
    """Raise DataError with the ids where two examples of different groups have the same prompt and completion.

    Two groups can come into different roles, or with some seed into different folds of the pool, and the text would
    be a member and a non-member at once; within a group nothing is ever parted. What only a model cannot tell apart,
    with its tokenizer and a cut, is found by `study/refusals.py`.
    """
    pairs = repeated(examples, map(same_text, examples))
    if not pairs:
        return
    raise DataError(
        f"Corpus '{printable(name)}': {len(pairs)} of the texts chosen repeat one of another group ({equal(pairs)}), "
        "and would be member and non-member at once. "
        'Set `duplicates = "drop"` to keep the first of each, or remove them from the source.'
    )


def repeated(examples: Iterable[Example], contents: Iterable[Hashable | None]) -> list[tuple[Example, Example]]:
    """Pairs of an earlier example and a later one of another group with the same content, one for each later one; a
    content of None is none that could be repeated.
    """
    first: dict[Hashable, Example] = {}
    return [
        (earlier, example)
        for example, content in zip(examples, contents, strict=True)
        if content is not None and (earlier := first.setdefault(content, example)).group != example.group
    ]


def equal(pairs: Sequence[tuple[Example, Example]]) -> str:
    """Pairs of records for a message: the first ten, by their ids."""
    return named([f"{printable(one.id)} = {printable(other.id)}" for one, other in pairs], most=SHOWN, limit=200)


def _encodable(example: Example) -> bool:
    try:
        "".join((example.id, example.prompt, example.completion, *example.references, example.group)).encode()
    except UnicodeEncodeError:
        return False
    return True


def listed(ids: Sequence[str]) -> str:
    """Ids for a message: how many, and the first ten."""
    return f"{len(ids)} record{'s' if len(ids) != 1 else ''} ({named(ids, most=SHOWN)})"
