"""`pool = [64, 256, 1024]`: one corpus for each size, nested, with all else in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vestige.data.corpus import CorpusSpec, default_name


def with_each_pool(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a study, a corpus whose pool is a list once for each of its sizes, `name(pool=64)`."""
    corpora = tables.get("corpus")
    if not isinstance(corpora, list):
        return dict(tables)
    return {**tables, "corpus": [one for corpus in corpora for one in _each(corpus)]}


def _each(corpus: Any) -> Iterator[Any]:
    sizes = corpus.get("pool") if isinstance(corpus, Mapping) else None
    if not isinstance(sizes, list) or not sizes or not all(isinstance(size, int) for size in sizes):
        yield corpus
        return
    name = corpus.get("name") or default_name(corpus)
    for size in sizes:
        yield {**corpus, "name": f"{name}(pool={size})", "pool": size, "pool_of": max(sizes)}


def varied(corpus: CorpusSpec) -> tuple[str, str] | None:
    """What corpora have in common that differ in the size of their pool alone: their name, and all else; None where a
    corpus is none of several.
    """
    if corpus.pool_of is None:
        return None
    name = corpus.name.removesuffix(f"(pool={corpus.pool})")
    return name, corpus.model_dump_json(exclude={"name", "pool"})
