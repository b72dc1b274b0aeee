"""The figures of one base on one corpus: along the training, leakage against utility, ROC, densities of the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D

from vestige.outcome.frames import Results
from vestige.outcome.points import Point, Section, method_labels, scores_at, searched, text_quantities
from vestige.outcome.wording import plain, quantity_name
from vestige.records import Estimate
from vestige.report.curves import Losses, Roc, density, losses_of, mean_roc
from vestige.report.drawing import BASE, INK, Look, Panel, decades_axis, epoch_axis, log_axis, look, margins, rate_axis

_DIVERGED: Final = 20.0
"""Nats: a validation loss beyond it is left out of the figure of the search, where it would hide the others."""


@final
@dataclass(frozen=True)
class Drawing:
    """A figure of a base and corpus (`place`); where there is nothing to draw `panel` is None, and the caption says
    why.
    """

    title: str
    caption: str
    panel: Panel | None = None
    place: str = ""

    @property
    def svg(self) -> str:
        """The figure as an element of the page; empty where there is none."""
        return self.panel.svg(f"{self.place}|{self.title}") if self.panel else ""


@final
@dataclass(frozen=True)
class Path:
    """A method's checkpoints along the training, and its look."""

    method: str
    look: Look
    points: tuple[Point, ...]


def drawings(results: Results, section: Section) -> list[Drawing]:
    """All figures of one base on one corpus, in the order of the page."""
    attack = results.facts.study.primary
    paths = [
        Path(method, look(index), tuple(section.trajectory(method)))
        for index, method in enumerate(method_labels(results))
    ]
    paths = [path for path in paths if path.points]
    # The frontier, which is drawn beside the verdicts, shows the same where there is one.
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    is_compared = comparison is not None and comparison.reach.value is not None
    search = _search(results, section)
    if not paths:
        return search or [Drawing("No figures", "No method has been measured on this corpus yet.")]
    return [
        _along(section, paths, "auc", attack),
        _along(section, paths, "perplexity", None),
        *(_along(section, paths, quantity, None) for quantity in text_quantities(results)),
        *([] if is_compared else [_against(section, paths, attack)]),
        *_rocs(results, section, paths, attack),
        *_densities(results, section, paths),
        *search,
    ]


# The search


def _search(results: Results, section: Section) -> list[Drawing]:
    """Lowest validation perplexity over the learning rate; nothing where no rate was searched."""
    title = "Learning rates tried"
    panel = Panel(x="learning rate", y="lowest validation perplexity")
    drawn: list[float] = []
    tried: list[float] = []
    for index, method in enumerate(method_labels(results)):
        own = {one.learning_rate: one.loss for one in searched(results, section) if one.method == method}
        kept = {rate: loss for rate, loss in sorted(own.items()) if loss is not None and loss < _DIVERGED}
        if kept:
            style, rates, values = look(index), list(kept), [math.exp(loss) for loss in kept.values()]
            line = panel.axes.plot(rates, values, color=style.color, marker=style.marker, linestyle=style.dashes)
            panel.explain(line[0], method)
            drawn += values
            tried += rates
    if not drawn:
        return []
    decades_axis(panel.axes.xaxis, low=min(tried), high=max(tried))
    log_axis(panel.axes.yaxis, values=drawn)
    caption = "At the checkpoint of the lowest validation loss of each. A lowest point at an end may not be the lowest."
    return [Drawing(title, caption, panel, section.name)]


# Along the training, and leakage against utility


def _along(section: Section, paths: Sequence[Path], quantity: str, attack: str | None) -> Drawing:
    name = quantity if quantity == "perplexity" else quantity_name(quantity)
    words = f"AUC of {attack}" if attack else f"validation {name}"
    title = f"{words[0].upper()}{words[1:]} along the training"
    panel = Panel(x="epochs", y=words)
    values = [_floor_line(panel, section.floor.estimate(quantity, attack))]
    for path in paths:
        known = [(point, point.estimate(quantity, attack)) for point in path.points]
        known = [(point, estimate) for point, estimate in known if estimate.value is not None]
        _bars(panel, path, [point.epoch or 0.0 for point, _ in known], [estimate for _, estimate in known])
        values.append([estimate.value for _, estimate in known if estimate.value is not None])
    flat = [value for one in values for value in one]
    if not flat:
        return Drawing(title, "No number to draw: all are refused or not measured.")
    if quantity == "perplexity":
        log_axis(panel.axes.yaxis, values=flat)
    epoch_axis(panel.axes.xaxis, epochs=[point.epoch or 0.0 for path in paths for point in path.points])
    caption = "Bars: 95% intervals. Dashed: the base, before fine-tuning."
    return Drawing(title, caption, panel, section.name)


def _floor_line(panel: Panel, floor: Estimate) -> list[float]:
    if floor.value is None:
        return []
    line = panel.axes.axhline(floor.value, color=BASE.color, linestyle=BASE.dashes, linewidth=0.9)
    panel.explain(line, "base")
    return [floor.value]


def _bars(panel: Panel, path: Path, x: Sequence[float], estimates: Sequence[Estimate]) -> None:
    """A line through the values with a bar for each interval, and its entry in the legend."""
    y = [estimate.value or 0.0 for estimate in estimates]
    style = path.look
    line = panel.axes.plot(x, y, color=style.color, marker=style.marker, linestyle=style.dashes, markersize=4)[0]
    low, high = ([end if end is not None else at for end, at in zip(ends, y, strict=True)] for ends in _ends(estimates))
    panel.axes.vlines(x, low, high, color=style.color, linewidth=1, alpha=0.55)
    panel.explain(line, path.method)


def _ends(estimates: Sequence[Estimate]) -> tuple[list[float | None], list[float | None]]:
    return [one.low for one in estimates], [one.high for one in estimates]


def _against(section: Section, paths: Sequence[Path], attack: str) -> Drawing:
    title = "Leakage against utility"
    panel = Panel(x="validation perplexity (← better)", y=f"AUC of {attack} (↓ better)")
    drawn = _base_point(panel, section, attack)
    for path in paths:
        known = [(p, p.estimate("perplexity"), p.estimate("auc", attack)) for p in path.points]
        both = [(p, x, y) for p, x, y in known if x.value is not None and y.value is not None]
        _bars(panel, path, [x.value or 0.0 for _, x, _ in both], [y for _, _, y in both])
        for point, x, y in both:
            _mark(panel, path.look, point, x.value or 0.0, y.value or 0.0)
        drawn += [x.value for _, x, _ in both if x.value is not None]
    if not drawn:
        return Drawing(title, "No number to draw: all are refused or not measured.")
    for artist, label in _mark_legend():
        panel.explain(artist, label)
    log_axis(panel.axes.xaxis, values=drawn)
    caption = (
        f"Each line is a training, from its first checkpoint (epoch {_first_epoch(paths)}) to its last. Compare "
        "methods at the same perplexity: the lower one leaks less. Bars: 95% intervals of the AUC."
    )
    return Drawing(title, caption, panel, section.name)


def _base_point(panel: Panel, section: Section, attack: str) -> list[float]:
    x, y = section.floor.estimate("perplexity"), section.floor.estimate("auc", attack)
    if x.value is None or y.value is None:
        return []
    mark = panel.axes.plot([x.value], [y.value], color=BASE.color, marker=BASE.marker, linestyle="none", markersize=5)
    panel.axes.axhline(y.value, color=BASE.color, linestyle=BASE.dashes, linewidth=0.6)
    panel.explain(mark[0], "base")
    return [x.value]


def _mark(panel: Panel, style: Look, point: Point, x: float, y: float) -> None:
    for chosen, marker, size in ((point.is_best, "o", 10), (point.is_last, "s", 7)):
        if chosen:
            panel.axes.add_line(_hollow(marker, size, x=[x], y=[y], color=style.color))


def _mark_legend() -> list[tuple[Artist, str]]:
    shapes = (("o", 7, "best validation loss"), ("s", 6, "last checkpoint"))
    return [(_hollow(marker, size, x=[], y=[], color=INK), label) for marker, size, label in shapes]


def _hollow(marker: str, size: float, *, x: list[float], y: list[float], color: str) -> Line2D:
    return Line2D(x, y, marker=marker, markersize=size, color=color, fillstyle="none", linestyle="none")


def _first_epoch(paths: Sequence[Path]) -> str:
    return plain(min(path.points[0].epoch or 0.0 for path in paths))


# ROC


def _rocs(results: Results, section: Section, paths: Sequence[Path], attack: str) -> list[Drawing]:
    """At the best and at the last checkpoint; once, where these are the same for every method."""
    if all(one.is_best == one.is_last for path in paths for one in path.points):
        when = "at the last checkpoint, which is the best"
        return [_roc(results, section, paths, f"ROC of {attack}, {when}", best=True)]
    titles = {True: "at the best validation loss", False: "at the last checkpoint"}
    return [_roc(results, section, paths, f"ROC of {attack}, {when}", best=best) for best, when in titles.items()]


def _roc(results: Results, section: Section, paths: Sequence[Path], title: str, *, best: bool) -> Drawing:
    attack = results.facts.study.primary
    panel = Panel(x="false-positive rate", y="true-positive rate")
    curves: list[tuple[str, Look, Roc]] = []
    for path in paths:
        point = next((one for one in path.points if (one.is_best if best else one.is_last)), None)
        curve = mean_roc(scores_at(results, section, point), attack=attack) if point else None
        if curve:
            curves.append((path.method, path.look, curve))
    if not curves:
        return Drawing(title, "No curve: the scores of this attack are missing, or a class has no scored text.")
    floor = mean_roc(scores_at(results, section, section.floor), attack=attack)
    if floor:
        curves.append(("base", Look(INK, "", "solid"), floor))
    _draw_rocs(panel, curves)
    caption = "Both axes logarithmic; the left edge is one false accusation. Averaged over the trainings at equal FPR."
    return Drawing(title, caption, panel, section.name)


def _draw_rocs(panel: Panel, curves: Sequence[tuple[str, Look, Roc]]) -> None:
    least = min(curve.least for _, _, curve in curves)
    chance = panel.axes.plot([least, 1], [least, 1], color=INK, linestyle=(0, (1, 2)), linewidth=0.9)[0]
    for label, style, curve in curves:
        width = 0.9 if label == "base" else 1.5
        visible = curve.fpr > 0
        y = np.maximum(curve.tpr[visible], least / 10)  # a rate of 0 lies below the axis, not nowhere
        line = panel.axes.step(
            curve.fpr[visible], y, where="post", color=style.color, linestyle=style.dashes, linewidth=width
        )
        panel.explain(line[0], label)
    panel.explain(chance, "chance")
    rate_axis(panel.axes.xaxis, least=least)
    rate_axis(panel.axes.yaxis, least=least)


# Densities


def _densities(results: Results, section: Section, paths: Sequence[Path]) -> list[Drawing]:
    title = "Densities of the loss"
    if "loss" not in {attack.label for attack in results.facts.attacks}:
        return [Drawing(title, "Not drawn: the attack loss, whose scores they are made of, is not in use.")]
    seed, fold = results.facts.study.seeds[0], "A"
    lasts = [(path.method, path.look, next((p for p in path.points if p.is_last), None)) for path in paths]
    found = []
    for label, style, point in [("base, before fine-tuning", BASE, section.floor), *lasts]:
        losses = losses_of(scores_at(results, section, point), seed=seed, fold=fold) if point else None
        if losses:
            when = "" if point is section.floor else f", at epoch {plain(point.epoch if point else None)}"
            found.append((f"{label}{when}", style, losses))
    if not found:
        return [Drawing(title, "Not drawn: too few texts have a loss.")]
    every = [value for _, _, one in found for value in (*one.members.tolist(), *one.non_members.tolist())]
    low, high = margins(every)
    limits = (max(low, 0.0) if min(every) >= 0 else low, high)
    return [_density(section, one, limits=limits, cell=f"seed {seed}, fold {fold}") for one in found]


def _density(section: Section, found: tuple[str, Look, Losses], *, limits: tuple[float, float], cell: str) -> Drawing:
    label, style, losses = found
    title = f"Loss of texts: {label}"
    panel = Panel(x="loss of a text, nats per token", y="density")
    low, high = limits
    inside = density(losses.members, low=low, high=high)
    outside = density(losses.non_members, low=low, high=high)
    panel.explain(panel.axes.fill_between(*inside, color=style.color, alpha=0.35, linewidth=0), "members")
    panel.axes.plot(*inside, color=style.color)
    panel.explain(panel.axes.plot(*outside, color=INK, linestyle=(0, (4, 2)), linewidth=1.1)[0], "non-members")
    panel.axes.set(xlim=limits, ylim=(0, None))
    counts = f"{len(losses.members)} members, {len(losses.non_members)} non-members"
    caption = f"One training ({cell}): {counts}. The further apart, the more was memorized."
    return Drawing(title, caption, panel, section.name)
