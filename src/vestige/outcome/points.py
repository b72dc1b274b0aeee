"""The estimates of a study as the report walks through them: a floor, and the checkpoints of each method."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import polars as pl

from vestige.outcome.facts import Tried
from vestige.outcome.frames import Results

NOT_MEASURED = "not measured"


@final
@dataclass(frozen=True)
class Number:
    """One estimate: value and 95% interval (None where refused, with the reason), counts, its signature, and why its
    attack is not compared on the texts of the others, where it is not.
    """

    quantity: str
    attack: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    members: int = 0
    non_members: int = 0
    texts: int = 0
    groups: int = 0
    unscored: Mapping[str, int] = field(default_factory=dict)
    reason: str = NOT_MEASURED
    signature: str = ""
    apart: str = ""


@final
@dataclass(frozen=True)
class Point:
    """A method at one checkpoint, or the base (`method` None), with its numbers by quantity and attack."""

    method: str | None
    learning_rate: float | None
    epoch: float | None
    is_best: bool
    is_last: bool
    numbers: Mapping[tuple[str, str | None], Number]

    def number(self, quantity: str, attack: str | None = None) -> Number:
        """The number, or an empty one whose reason is that it was not measured."""
        return self.numbers.get((quantity, attack), Number(quantity, attack))


_NO_BASE = Point(None, None, None, is_best=True, is_last=True, numbers={})


@final
@dataclass(frozen=True)
class Section:
    """A base on a corpus: the floor, which is the base itself, and every measured checkpoint of the methods."""

    base: str
    corpus: str
    floor: Point
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """How headings call it."""
        return f"{self.corpus} · {self.base}"

    def best(self, method: str) -> Point | None:
        """The checkpoint of the method's lowest validation loss; None where nothing was measured."""
        return next((point for point in self.points if point.method == method and point.is_best), None)

    def last(self, method: str) -> Point | None:
        """The last checkpoint at the method's chosen learning rate; None where nothing was measured."""
        return next((point for point in self.points if point.method == method and point.is_last), None)

    def trajectory(self, method: str) -> list[Point]:
        """The method's checkpoints at its chosen learning rate, along the training."""
        chosen = self.best(method) or self.last(method)
        if chosen is None:
            return []
        own = (point for point in self.points if point.method == method and point.learning_rate == chosen.learning_rate)
        return sorted(own, key=lambda point: point.epoch or 0.0)


def sections(results: Results) -> list[Section]:
    """One section for each base and corpus of the study, measured or not, in the order of the study file."""
    names = [(base.name, corpus.name) for base in results.facts.bases for corpus in results.facts.corpora]
    return [_section(results, base=base, corpus=corpus) for base, corpus in names]


def method_labels(results: Results) -> list[str]:
    """The methods of the study, in its order, which also gives each its colour."""
    return [method.label for method in results.facts.methods]


def text_quantities(results: Results) -> list[str]:
    """What the study measures on generated texts beside the loss, in the order of its file."""
    return [quantity for quantity in results.facts.study.utility if quantity != "loss"]


def best_and_last(section: Section, method: str) -> Iterable[Point]:
    """The one or two checkpoints that the headline shows; an empty one where nothing was measured."""
    points = [point for point in (section.best(method), section.last(method)) if point is not None]
    distinct = points[:1] if len(points) == 2 and points[0] is points[1] else points
    return distinct or [Point(method, None, None, is_best=False, is_last=False, numbers={})]


def scores_at(results: Results, section: Section, point: Point) -> pl.DataFrame:
    """The scores of one checkpoint, of all attacks and cells."""
    keys = {
        "base": section.base,
        "corpus": section.corpus,
        "method": point.method,
        "learning_rate": point.learning_rate,
        "epoch": point.epoch,
    }
    return results.scores.filter(*(pl.col(name).eq_missing(pl.lit(value)) for name, value in keys.items()))


def searched(results: Results, section: Section) -> list[Tried]:
    """What was found of each learning rate that had a rival on a base and corpus, in the order of the study."""
    return [one for one in tried(results, section) if one.rivals]


def tried(results: Results, section: Section) -> list[Tried]:
    """The same of every learning rate, those without a rival too."""
    pair = (section.base, section.corpus)
    return [one for one in results.facts.search if (one.base, one.corpus) == pair]


def cells_of(results: Results) -> int:
    """Trainings behind each number: seeds × folds."""
    return len(results.facts.study.seeds) * results.facts.study.folds


def _section(results: Results, *, base: str, corpus: str) -> Section:
    own = results.estimates.filter((pl.col("base") == base) & (pl.col("corpus") == corpus))
    keys = ["method", "learning_rate", "epoch"]
    points = [_point(frame) for _, frame in own.group_by(keys, maintain_order=True)]
    floor = next((point for point in points if point.method is None), _NO_BASE)
    return Section(base, corpus, floor, tuple(point for point in points if point.method is not None))


def _point(frame: pl.DataFrame) -> Point:
    rows = frame.to_dicts()
    first = rows[0]
    return Point(
        method=first["method"],
        learning_rate=first["learning_rate"],
        epoch=first["epoch"],
        is_best=bool(first["is_best"]),
        is_last=bool(first["is_last"]),
        numbers={(row["quantity"], row["attack"]): _number(row) for row in rows},
    )


def _number(row: Mapping[str, Any]) -> Number:
    names = ("quantity", "attack", "value", "low", "high", "members", "non_members", "texts", "groups", "signature")
    own = {name: row[name] for name in names} | {name: row[name] or "" for name in ("reason", "apart")}
    return Number(**own, unscored=json.loads(row["unscored"] or "{}"))
