"""The estimates of a study as the report walks through them: a floor, and the checkpoints of each method."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import polars as pl

from vestige.outcome.facts import Tried
from vestige.outcome.frames import Results
from vestige.outcome.lengths import Lengths, together
from vestige.records import Counts, Estimate, Estimated

NOT_MEASURED = "not measured"

CHANCE = 0.5
"""The AUC of guessing."""

_NONE = Estimate(None, None, None, Counts(), signature="", reason=NOT_MEASURED)


@final
@dataclass(frozen=True)
class Point:
    """A method at one checkpoint, or the base (`method` None), with its numbers by quantity and attack; or a method at
    a `level` of utility.
    """

    method: str | None
    learning_rate: float | None
    epoch: float | None
    is_best: bool
    is_last: bool
    numbers: Mapping[tuple[str, str | None], Estimated]
    level: float | None = None

    def number(self, quantity: str, attack: str | None = None) -> Estimated:
        """What was estimated; refused, its reason `NOT_MEASURED`, where nothing was."""
        return self.numbers.get((quantity, attack), Estimated(quantity, _NONE, attack=attack))

    def estimate(self, quantity: str, attack: str | None = None) -> Estimate:
        """The estimate alone."""
        return self.number(quantity, attack).estimate


_NO_BASE = Point(None, None, None, is_best=True, is_last=True, numbers={})


@final
@dataclass(frozen=True)
class Section:
    """A base on a corpus: the floor, which is the base itself, every measured checkpoint of the methods, and each
    method at the levels of utility at which they are compared (`matched`).
    """

    base: str
    corpus: str
    floor: Point
    points: tuple[Point, ...]
    matched: tuple[Point, ...] = ()

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


def lengths_of(results: Results, section: Section) -> Lengths:
    """How long the texts of all roles of a corpus are to a base."""
    return together(results.facts.corpus(section.corpus).lengths[section.base].values())


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
    keys = ["method", "learning_rate", "epoch", "level"]
    points = [_point(frame) for _, frame in own.group_by(keys, maintain_order=True)]
    floor = next((point for point in points if point.method is None), _NO_BASE)
    measured = tuple(point for point in points if point.method is not None and point.level is None)
    return Section(base, corpus, floor, measured, tuple(point for point in points if point.level is not None))


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
        level=first["level"],
    )


def _number(row: Mapping[str, Any]) -> Estimated:
    classes = {name: row[name] for name in ("members", "non_members", "texts", "groups")}
    estimate = Estimate(
        value=row["value"],
        low=row["low"],
        high=row["high"],
        counts=Counts(**classes, unscored=json.loads(row["unscored"] or "{}")),
        signature=row["signature"],
        reason=row["reason"] or "",
    )
    return Estimated(row["quantity"], estimate, attack=row["attack"], apart=row["apart"])
