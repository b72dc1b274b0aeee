"""How leakage grows with model size, or with what is trained: slopes over the comparisons of a study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Final, final

from pydantic import TypeAdapter

from vestige.errors import ModelError
from vestige.metrics.comparison import BITS, MEMORIZATION
from vestige.metrics.evaluation import Evaluation, Settings
from vestige.metrics.scaling import Point, slope, tpr_slope
from vestige.metrics.slopes import STANDINGS, Slope
from vestige.store.io import read_json, write_json
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Number, Spec, Stage
from vestige.study.stages.compared import ComparisonSpec, inputs_of

_FILE: Final = "slopes.json"
_SLOPES: Final = TypeAdapter(tuple[Slope, ...])


@final
class SeriesPoint(Spec):
    """A method in one of the studies, by its place, and how much it has of what is varied."""

    study: int
    method: str
    x: Number


@final
class Series(Spec):
    """Points that differ in what is varied alone; `name`: the method, or the part of it that stays."""

    name: str
    points: tuple[SeriesPoint, ...]


@final
class ScalingSpec(Spec):
    """What is varied (`axis`), the comparisons of which points are taken, and the series. The inputs of study number
    n begin with `n/`.
    """

    axis: str
    studies: tuple[ComparisonSpec, ...]
    series: tuple[Series, ...]
    fpr: Number


@final
class ScalingStage(Stage[ScalingSpec]):
    """The slopes of every series."""

    name = "scaling"
    version = 1
    travels = True
    spec = ScalingSpec

    @classmethod
    def run(cls, spec: ScalingSpec, task: Task, bench: Bench) -> None:
        evaluations = dict(_evaluations(spec, task, bench.store))
        found = [one for series in spec.series for one in _slopes(spec, series, evaluations)]
        write_json(bench.folder / _FILE, [asdict(one) for one in found])


def _evaluations(spec: ScalingSpec, task: Task, store: Store) -> Iterator[tuple[int, Evaluation]]:
    """Each study but for those of which every training diverged."""
    for place, told in enumerate(spec.studies):
        start = f"{place}/"
        own = {name.removeprefix(start): one for name, one in task.inputs.items() if name.startswith(start)}
        settings = Settings(primary=told.primary, margin=told.margin, bootstrap=told.bootstrap)
        try:
            yield place, Evaluation(inputs_of(told, replace(task, inputs=own), store), settings)
        except ModelError:
            continue


def _slopes(spec: ScalingSpec, series: Series, evaluations: dict[int, Evaluation]) -> Iterator[Slope]:
    points = [
        Point(float(one.x), evaluations[one.study], one.method)
        for one in series.points
        if one.study in evaluations and one.method in evaluations[one.study].ground.points.methods
    ]
    if not points:
        return
    primary = spec.studies[0].primary
    known = [what for what in (MEMORIZATION, BITS) if all(what in one.evaluation.leaks for one in points)]
    for standing in STANDINGS:
        yield from (slope(points, what, standing, series=series.name) for what in (primary, *known))
        yield tpr_slope(points, primary, standing, fpr=float(spec.fpr), series=series.name)


def slopes_of(store: Store, address: str) -> tuple[Slope, ...]:
    """What it wrote."""
    return _SLOPES.validate_python(read_json(store.open(address) / _FILE))
