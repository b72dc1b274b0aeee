"""WebNLG: sets of RDF triples and the sentences that say them (data to text).

Source: Gardent et al. 2017, "Creating Training Corpora for NLG Micro-Planning"; enriched 1.6 by Castro Ferreira et
al. 2018. Licence: CC BY-NC-SA 4.0. Reads local JSON lines (`webnlg_id`, `input`, `references`) and the hub's
`GEM/web_nlg` and `web_nlg`.

Prompt: one triple a line, underscores as spaces, then `Text:`. Completion: a space and the first reference, so that
it begins as running text does and is tokenized apart from the prompt; the other references bear the space too. Group:
the set of triples, whatever its order. An entry with no reference is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from vestige.data.gathered import group_named
from vestige.data.recipes import Recipe
from vestige.data.rows import Row
from vestige.errors import DataError
from vestige.records import Example

SEPARATOR = "\nText:"


@dataclass
class _Entry:
    """One entry while its references are gathered."""

    id: str
    triples: tuple[str, ...] = field(repr=False)
    references: dict[str, None] = field(default_factory=dict, repr=False)


def examples(rows: Iterable[Row]) -> Iterator[Example]:
    """One Example per entry that has a reference; DataError for rows of no known shape."""
    for entry in _entries(rows):
        if entry.references:
            yield _example(entry)


def _entries(rows: Iterable[Row]) -> Iterator[_Entry]:
    gem: dict[tuple[str, ...], _Entry] = {}
    for row in rows:
        if "gem_id" in row.values:
            _add_gem(row, gem)
        elif "modified_triple_sets" in row.values:
            yield _challenge_entry(row)
        else:
            yield _Entry(row.record_id("webnlg_id"), row.texts("input"), dict.fromkeys(row.texts("references")))
    yield from gem.values()


def _add_gem(row: Row, gem: dict[tuple[str, ...], _Entry]) -> None:
    """GEM's training rows hold one reference each; the rows of one set of triples become one entry."""
    triples = row.texts("input")
    entry = gem.setdefault(_key(triples), _Entry(row.record_id("gem_id"), triples))
    entry.references.update(dict.fromkeys(row.texts("references") or row.texts("target")))


def _challenge_entry(row: Row) -> _Entry:
    """A row of `web_nlg`: nested lists, and comments of which `good` or none are kept."""
    try:
        triples = cast(Any, row.field("modified_triple_sets"))["mtriple_set"][0]
        lex = cast(Any, row.field("lex"))
        kept = [
            text.strip()
            for text, comment in zip(lex["text"], lex["comment"], strict=True)
            if comment in ("good", "") and text.strip()
        ]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"Unexpected shape of web_nlg in {row.where}. Use the hub set `GEM/web_nlg` instead."
        ) from error
    name = "/".join((row.label("category"), row.label("size"), row.label("eid")))
    return _Entry(row.prefix + name, tuple(triples), dict.fromkeys(kept))


def _example(entry: _Entry) -> Example:
    references = tuple(f" {reference}" for reference in entry.references)
    return Example(
        id=entry.id,
        prompt="\n".join(map(_readable, entry.triples)) + SEPARATOR,
        completion=references[0],
        references=references,
        group=_group(entry.triples),
    )


def _readable(triple: str) -> str:
    """`Aarhus_Airport | cityServed | "Aarhus, Denmark"` → `Aarhus Airport | cityServed | Aarhus, Denmark`."""
    parts = (part.strip().replace("_", " ") for part in triple.split("|"))
    return " | ".join(
        part[1:-1] if part.startswith('"') and part.endswith('"') and part.count('"') == 2 else part for part in parts
    )


def _key(triples: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(triples))


def _group(triples: Iterable[str]) -> str:
    return group_named("triples", "\n".join(_key(triples)))


RECIPE = Recipe(
    name="webnlg",
    about="Sets of triples and the sentences that say them",
    licence="CC BY-NC-SA 4.0",
    examples=examples,
    hub="GEM/web_nlg",
    hub_config="en",
)
