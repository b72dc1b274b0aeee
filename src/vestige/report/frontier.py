"""The figures of a comparison at equal utility: leakage and memorization against utility."""

from __future__ import annotations

from vestige.metrics.comparison import LEVELS, PRIMARY_LEVEL, Comparison, Standing
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, Section, method_labels
from vestige.outcome.wording import level_name, quantity_name
from vestige.report.drawing import BASE, FAINT, INK, Look, Panel, look
from vestige.report.figures import Drawing, Path, bars


def frontiers(results: Results, section: Section) -> list[Drawing]:
    """Both figures of one base and corpus; none where nothing has been compared."""
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    if comparison is None or comparison.reach.value is None:
        return []
    looks = {method: look(place) for place, method in enumerate(method_labels(results))}
    drawn = [(one, looks.get(one.method, BASE)) for one in comparison.standings]
    return [_frontier(section, comparison, drawn), *_memorization(results, section, comparison)]


def _frontier(section: Section, comparison: Comparison, drawn: list[tuple[Standing, Look]]) -> Drawing:
    title = "Leakage against utility"
    axis = "validation loss" if comparison.utility == "loss" else quantity_name(comparison.utility)
    panel = Panel(x=f"{axis} (better →)", y=f"AUC of {comparison.primary} (↓ better)")
    _mark_reach(panel, comparison, floor=CHANCE)
    for one, style in drawn:
        _trajectory(panel, one, style)
    if comparison.utility == "loss":
        panel.axes.invert_xaxis()
    levels = ", ".join(level_name(level) for level in LEVELS if level != PRIMARY_LEVEL)
    caption = (
        f"Each line is a training, from the base on the left; markers with 95% intervals are checkpoints that were "
        f"attacked. Shaded: the gain that every compared method reaches. Verdicts are taken at the solid upright line, "
        f"{level_name(PRIMARY_LEVEL)} of it, where the lower line leaks less; dotted: {levels}."
    )
    return Drawing(title, caption, panel, section.name)


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


def _trajectory(panel: Panel, one: Standing, style: Look) -> None:
    """A line through the whole curve, with a marker and a bar where the method was attacked."""
    losses, values = [point.loss for point in one.curve], [point.auc for point in one.curve]
    attacked = [place for place, point in enumerate(one.curve) if point.attacked]
    line = panel.axes.plot(
        losses,
        values,
        color=style.color,
        marker=style.marker,
        linestyle=style.dashes,
        markersize=4,
        markevery=attacked,
        alpha=0.5 if one.set_aside else 1.0,
    )[0]
    bars = [one.curve[place] for place in attacked]
    ends = ([bar.low for bar in bars], [bar.high for bar in bars])
    panel.axes.vlines([bar.loss for bar in bars], *ends, color=style.color, linewidth=1, alpha=0.55)
    panel.explain(line, f"{one.method}, set aside" if one.set_aside else one.method)


def _memorization(results: Results, section: Section, comparison: Comparison) -> list[Drawing]:
    """Counterfactual memorization of every checkpoint against its loss; nothing where it was not measured."""
    title = "Memorization against utility"
    panel = Panel(x="validation loss (better →)", y="memorization, nats per token (↓ better)")
    is_empty = True
    for place, method in enumerate(method_labels(results)):
        points = section.trajectory(method)
        known = [(p.estimate("loss"), p.estimate("memorization")) for p in points]
        known = [(x, y) for x, y in known if x.value is not None and y.value is not None]
        if known:
            is_empty = False
            bars(panel, Path(method, look(place), ()), [x.value or 0.0 for x, _ in known], [y for _, y in known])
    if is_empty or comparison.utility != "loss":
        return []
    _mark_reach(panel, comparison, floor=0.0)
    panel.axes.invert_xaxis()
    caption = (
        "Counterfactual memorization needs no attack: how much likelier a text is to a model that was trained on it "
        "than to one that was not. Bars: 95% intervals. Shade and lines as beside."
    )
    return [Drawing(title, caption, panel, section.name)]
