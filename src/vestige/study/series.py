"""Which series a study has: places that differ in model size alone, in how many texts are trained on, or in how much of
the model a method trains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

from vestige.metrics.scaling import FEWEST_POINTS
from vestige.store.keys import Task, canonical_json
from vestige.study.choice import Choice
from vestige.study.compared import comparison
from vestige.study.grid import Arm, Pair
from vestige.study.pools import varied
from vestige.study.stages.compared import ComparisonSpec
from vestige.study.stages.scaling import ScalingSpec, Series, SeriesPoint

Axis = Literal["parameters", "trained", "texts"]

SIZES: Final[Axis] = "parameters"
"""Parameters of the base, over the bases of a study on one corpus."""

TRAINED: Final[Axis] = "trained"
"""Parameters that are trained, over variants of one method on one base and corpus."""

TEXTS: Final[Axis] = "texts"
"""Texts that are trained on, over the nested pools of one corpus on one base."""


@final
@dataclass(frozen=True)
class Scaled:
    """A task of slopes, what is varied, and over what: a corpus, or a base and a corpus."""

    axis: Axis
    over: str
    task: Task


def scalings(choice: Choice) -> Iterator[Scaled]:
    """Every series of a study with at least three points, as far as its comparisons can be named by now."""
    grid = choice.grid
    for corpus in dict.fromkeys(pair.corpus for pair in grid.pairs):
        pairs = [pair for pair in grid.pairs if pair.corpus == corpus]
        yield from _scaled(choice, SIZES, corpus, pairs, _by_size(choice, pairs))
    for base in dict.fromkeys(pair.base for pair in grid.pairs):
        for name, pools in _nested(choice).items():
            pairs = [Pair(base, corpus) for corpus in pools]
            yield from _scaled(choice, TEXTS, f"{base}, {name}", pairs, _by_texts(choice, list(pools.values())))
    for pair in grid.pairs:
        yield from _scaled(choice, TRAINED, f"{pair.base}, {pair.corpus}", [pair], _by_trained(choice, pair))


def _by_size(choice: Choice, pairs: Sequence[Pair]) -> dict[str, list[SeriesPoint]]:
    """One series for each method, over the bases whose size is known."""
    bases = choice.catalogue.identities.bases
    sizes = {place: bases[pair.base].parameters for place, pair in enumerate(pairs)}
    points: dict[str, list[SeriesPoint]] = {}
    for method in choice.grid.study.method:
        own = [SeriesPoint(study=at, method=method.label, x=size) for at, size in sizes.items() if size is not None]
        points[method.label] = list({one.x: one for one in own}.values())
    return points


def _nested(choice: Choice) -> dict[str, dict[str, int]]:
    """Corpora whose pools are nested: name → corpus → texts that a cell trains on."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for corpus in choice.grid.study.corpus:
        if (shared := varied(corpus)) is not None:
            found.setdefault(shared, {})[corpus.name] = corpus.pool // 2
    return {name: pools for (name, _), pools in found.items()}


def _by_texts(choice: Choice, trained: Sequence[int]) -> dict[str, list[SeriesPoint]]:
    """One series for each method, over pools of these texts."""
    return {
        method.label: [SeriesPoint(study=at, method=method.label, x=texts) for at, texts in enumerate(trained)]
        for method in choice.grid.study.method
    }


def _by_trained(choice: Choice, pair: Pair) -> dict[str, list[SeriesPoint]]:
    """One series for each method of which the study has variants that differ in one number alone, over what they
    train.
    """
    points: dict[str, dict[float, SeriesPoint]] = {}
    for name, arms in _variants(choice.chosen(pair)).items():
        for arm in arms:
            if arm.method is not None and (trained := choice.trained_parameters(arm)) is not None:
                one = SeriesPoint(study=0, method=arm.method.label, x=trained)
                points.setdefault(name, {}).setdefault(trained, one)
    return {name: list(of_x.values()) for name, of_x in points.items()}


def _variants(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
    """Arms whose methods differ in one number alone, by the name of the method and of that number: `lora, by r`."""
    found: dict[tuple[str, str, str], list[Arm]] = {}
    for arm in arms:
        settings = arm.method.settings() if arm.method is not None else {}
        for field, value in settings.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = canonical_json({name: one for name, one in settings.items() if name != field})
                found.setdefault((str(settings["name"]), field, rest), []).append(arm)
    named: dict[str, list[Arm]] = {}
    titles: Counter[str] = Counter()
    for (name, field, _), own in found.items():
        if len(own) >= FEWEST_POINTS:
            title = f"{name}, by {field}"
            titles[title] += 1
            named[title + (f" ({titles[title]})" if titles[title] > 1 else "")] = own
    return named


def _scaled(
    choice: Choice, axis: Axis, over: str, pairs: Sequence[Pair], points: Mapping[str, Sequence[SeriesPoint]]
) -> Iterator[Scaled]:
    if not any(len(own) >= FEWEST_POINTS for own in points.values()):
        return
    found = {place: task for place, pair in enumerate(pairs) if (task := comparison(choice, pair)) is not None}
    places = {place: number for number, place in enumerate(found)}  # of those that can be compared
    series = [
        Series(name=name, points=tuple(one.model_copy(update={"study": places[one.study]}) for one in own))
        for name, all_of_it in points.items()
        if len(own := [one for one in all_of_it if one.study in places]) >= FEWEST_POINTS
    ]
    if not series:
        return
    spec = ScalingSpec(
        axis=axis,
        studies=tuple(ComparisonSpec.model_validate(task.spec) for task in found.values()),
        series=tuple(series),
        fpr=choice.grid.study.report.fpr[0],
    )
    inputs = {f"{places[place]}/{name}": one for place, task in found.items() for name, one in task.inputs.items()}
    yield Scaled(axis, over, choice.catalogue.scaling(spec, inputs, over=over))
