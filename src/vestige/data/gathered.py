"""Rows that share a prompt, put together: one text with several references, so that no copy of it is held out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from vestige.records import Example


def group_named(kind: str, text: str) -> str:
    """The group of what shares a text: a digest of it, because groups appear in reports and messages, where no text
    may.
    """
    return f"{kind}-{sha256(text.encode(errors='surrogatepass')).hexdigest()[:16]}"


def gathered(rows: Iterable[tuple[str, str, Sequence[str]]], *, group: str) -> Iterator[Example]:
    """One Example for each prompt, in the order of their first rows; `rows` are id, prompt and references, and the id
    is that of the first. What has no reference is left out. The group is the prompt (`group_named`).
    """
    entries: dict[str, tuple[str, dict[str, None]]] = {}
    for name, prompt, references in rows:
        _, known = entries.setdefault(prompt, (name, {}))
        known.update(dict.fromkeys(f" {reference}" for reference in references))
    for prompt, (name, known) in entries.items():
        if known:
            yield Example(name, prompt, next(iter(known)), tuple(known), group=group_named(group, prompt))
