"""The figures of a comparison at equal utility: leakage and memorization against utility."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from matplotlib.lines import Line2D

from vestige.metrics.comparison import LEVELS, PRIMARY_LEVEL, Comparison, CurvePoint
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, Section, method_labels
from vestige.outcome.wording import axis_name, level_name
from vestige.report.drawing import BASE, FAINT, INK, Look, Panel, look, margins
from vestige.report.figures import Drawing

_PALE = 0.35
"""How strongly a line is drawn beyond its best utility, where nobody is compared, and that of a method set aside."""


@final
@dataclass(frozen=True)
class _Spot:
    """A place on a trajectory: utility, leakage with its interval, and whether it was measured there."""

    utility: float
    value: float
    low: float
    high: float
    is_measured: bool = True


@final
@dataclass(frozen=True)
class _Track:
    """One method along its training; `turn`: the place of its best utility."""

    name: str
    look: Look
    spots: Sequence[_Spot]
    turn: int
    is_pale: bool = False

    @property
    def rising(self) -> Sequence[_Spot]:
        """Up to the best utility."""
        return self.spots[: self.turn + 1]


def frontiers(results: Results, section: Section) -> list[Drawing]:
    """Both figures of one base and corpus; none where nothing has been compared."""
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    if comparison is None or comparison.reach.value is None:
        return []
    looks = {method: look(place) for place, method in enumerate(method_labels(results))}
    leakage = _drawn(comparison, list(_leakage(comparison, looks)), y=f"AUC of {comparison.primary}", floor=CHANCE)
    drawings = [Drawing("Leakage against utility", _caption(), leakage, section.name)]
    tracks = list(_memorization(section, comparison, looks)) if comparison.utility == "loss" else []
    if tracks:
        memorization = _drawn(comparison, tracks, y="nats per token", floor=0.0)
        drawings.append(Drawing("Memorization against utility", _MEMORIZATION, memorization, section.name))
    return drawings


def _caption() -> str:
    others = " and ".join(level_name(level) for level in LEVELS if level != PRIMARY_LEVEL)
    return (
        "Each line is a training, from the base on the left; pale beyond its best. Markers with 95% intervals: "
        "checkpoints that were attacked. Shaded: the gain that every compared method reaches. Verdicts are taken at "
        f"the solid upright line, at {level_name(PRIMARY_LEVEL)} of it: the lower line leaks less. Dotted: {others}."
    )


_MEMORIZATION = (
    "Counterfactual memorization needs no attack: how much likelier a text is to a model that was trained on it than "
    "to one that was not. Bars: 95% intervals. Shade and lines as beside."
)


def _leakage(comparison: Comparison, looks: dict[str, Look]) -> Iterator[_Track]:
    for one in comparison.standings:
        if one.curve:
            spots = [_Spot(point.loss, point.auc, point.low, point.high, point.attacked) for point in one.curve]
            name = f"{one.method}, set aside" if one.set_aside else one.method
            yield _Track(name, looks.get(one.method, BASE), spots, _turn(one.curve), is_pale=bool(one.set_aside))


def _turn(curve: Sequence[CurvePoint]) -> int:
    return max(range(len(curve)), key=lambda place: curve[place].share)


def _memorization(section: Section, comparison: Comparison, looks: dict[str, Look]) -> Iterator[_Track]:
    aside = {one.method for one in comparison.standings if one.set_aside}
    for method, style in looks.items():
        spots = []
        for point in section.trajectory(method):
            x, y = point.estimate("loss").value, point.estimate("memorization")
            if x is not None and y.value is not None:
                low, high = (y.value if end is None else end for end in (y.low, y.high))
                spots.append(_Spot(x, y.value, low, high))
        if spots:
            turn = min(range(len(spots)), key=lambda place: spots[place].utility)
            yield _Track(method, style, spots, turn, is_pale=method in aside)


def _drawn(comparison: Comparison, tracks: Sequence[_Track], *, y: str, floor: float) -> Panel:
    """Axes that show every compared method up to its best utility; what is beyond, and wide intervals, may leave
    them.
    """
    axis = axis_name(comparison.utility)
    panel = Panel(x=f"{axis} (better →)", y=f"{y} (↓ better)")
    _mark_reach(panel, comparison, floor=floor)
    for track in tracks:
        _draw(panel, track)
    shown = [spot for track in tracks if not track.is_pale for spot in track.rising]
    left, right = margins([comparison.base_loss, *(spot.utility for spot in shown)], share=0.05)
    panel.axes.set_xlim((right, left) if comparison.utility == "loss" else (left, right))
    panel.axes.set_ylim(margins([floor, *(spot.value for spot in shown)], share=0.12))
    return panel


def _draw(panel: Panel, track: _Track) -> None:
    style, pale = track.look, _PALE if track.is_pale else 1.0
    rising, falling = track.rising, track.spots[track.turn :]
    line = _line(panel, rising, style, alpha=pale)
    _line(panel, falling, style, alpha=_PALE)
    panel.explain(line, track.name)
    for spots, alpha in ((rising, 0.55 * pale), (falling[1:], 0.5 * _PALE)):
        known = [spot for spot in spots if spot.is_measured]
        x, low, high = ([getattr(spot, name) for spot in known] for name in ("utility", "low", "high"))
        panel.axes.vlines(x, low, high, color=style.color, linewidth=1, alpha=alpha)


def _line(panel: Panel, spots: Sequence[_Spot], style: Look, *, alpha: float) -> Line2D:
    return panel.axes.plot(
        [spot.utility for spot in spots],
        [spot.value for spot in spots],
        color=style.color,
        marker=style.marker,
        linestyle=style.dashes,
        markersize=4,
        markevery=[place for place, spot in enumerate(spots) if spot.is_measured],
        alpha=alpha,
    )[0]


def _mark_reach(panel: Panel, comparison: Comparison, *, floor: float) -> None:
    """The gain that all reach, shaded, upright lines at the levels, and a dashed one where nothing leaks."""
    start, reach = comparison.base_loss, comparison.reach.value or 0.0
    sign = -1 if comparison.utility == "loss" else 1
    panel.axes.axvspan(start, start + sign * reach, color=FAINT, alpha=0.45, linewidth=0)
    panel.axes.axhline(floor, color=INK, linestyle=BASE.dashes, linewidth=0.6)
    for level in LEVELS:
        place, primary = start + sign * level * reach, level == PRIMARY_LEVEL
        dashes = "solid" if primary else (0, (1, 2))
        panel.axes.axvline(place, color=INK, linestyle=dashes, linewidth=0.9 if primary else 0.7, zorder=0.9)
        if primary:
            above = panel.axes.get_xaxis_transform()
            panel.axes.text(place, 1.01, level_name(level), transform=above, ha="center", va="bottom", color=INK)
