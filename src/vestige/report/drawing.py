"""One small figure to inline SVG or a file: palette, axes in the page's own ink, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, Formatter, FuncFormatter, Locator, MaxNLocator, NullLocator

from vestige.errors import printable

INK, FAINT = "#1c2127", "#dfe3e9"
"""Of text and of grids in a file of its own. On the page they are replaced by its text colour and its pale one, so that
figures suit a light and a dark page.
"""

_PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito, without black and yellow
_MARKERS = "oD^vsP"
_DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)))
_LABEL = 26
_TICK_DIGITS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9))
_LEAST_TICKS, _MOST_TICKS = 4, 8

_STYLE: Any = {
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "DejaVu Sans",  # comes with matplotlib; the page sets its own, narrower one
    "font.size": 8.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8.5,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "text.parse_math": False,  # a name with two $ is not a formula
    "xtick.color": INK,
    "ytick.color": INK,
}

FileKind = Literal["svg", "pdf", "png"]
FILE_KINDS: Final[tuple[FileKind, ...]] = get_args(FileKind)

_DPI: Final = 300
_DATED: Final[Mapping[FileKind, tuple[str, ...]]] = {
    "svg": ("Creator", "Date", "Format", "Type"),
    "pdf": ("Creator", "Producer", "CreationDate"),
    "png": ("Software",),
}
"""What matplotlib writes into a file of itself and of the day, and is told to leave out."""


@final
@dataclass(frozen=True)
class Look:
    """Colour, marker and dashes of one method, the same in every figure."""

    color: str
    marker: str
    dashes: Any


BASE = Look(INK, "x", (0, (4, 3)))


def look(index: int) -> Look:
    """The look of the method with this place in the study; beyond six, colours come again with other dashes."""
    return Look(_PALETTE[index % 6], _MARKERS[index % 6], _DASHES[index // 6 % 3])


def colors(count: int) -> list[str]:
    """The colours of the first `count` methods, for the tables of the page."""
    return [look(index).color for index in range(count)]


@final
class Panel:
    """Axes to draw on, and what the legend above them says."""

    def __init__(self, *, x: str, y: str) -> None:
        with mpl.rc_context(_STYLE):
            self._figure = Figure(figsize=(4.2, 3.15), layout="constrained")
            FigureCanvasSVG(self._figure)
            self.axes: Axes = self._figure.add_subplot(xlabel=printable(x), ylabel=printable(y))
            self.axes.set_axisbelow(True)
        self._legend: list[tuple[Artist, str]] = []
        self._is_laid_out = False

    def explain(self, artist: Artist, label: str) -> None:
        """Add a line to the legend."""
        # matplotlib leaves out labels that begin with an underscore.
        self._legend.append((artist, " " * label.startswith("_") + printable(label, limit=_LABEL)))

    def svg(self, name: str) -> str:
        """The figure as an SVG element whose ids begin with the hash of `name`, to be inlined beside others."""
        salt = hashlib.sha256(name.encode()).hexdigest()[:8]
        # The browser draws the text; that DejaVu lacks a glyph only costs its exact width.
        drawn = self._saved("svg", {"svg.hashsalt": salt, "svg.fonttype": "none"}, transparent=True)
        return _inline(drawn.decode(), prefix=f"f{salt}-")

    def file(self, kind: FileKind) -> bytes:
        """The figure as a file of its own, on white; what is drawn and saved in the same order gives the same bytes.
        The letters of an SVG are drawn and those of a PDF are embedded as TrueType: both look the same everywhere.
        """
        return self._saved(kind, {"svg.hashsalt": "vestige", "svg.fonttype": "path", "pdf.fonttype": 42})

    def _saved(self, kind: FileKind, style: Any, *, transparent: bool = False) -> bytes:
        buffer = io.BytesIO()
        with mpl.rc_context({**_STYLE, **style}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            self._lay_out()
            self._figure.savefig(
                buffer, format=kind, metadata=dict.fromkeys(_DATED[kind]), transparent=transparent, dpi=_DPI
            )
        return buffer.getvalue()

    def _lay_out(self) -> None:
        """Once, however many files the figure is saved as: it takes longer than the drawing."""
        if self._is_laid_out:
            return
        self._is_laid_out = True
        if self._legend:
            artists, labels = zip(*self._legend, strict=True)
            columns = 2 if max(map(len, labels)) > 16 else 3
            self._figure.legend(list(artists), list(labels), loc="outside upper left", ncols=columns, frameon=False)
        self._figure.draw_without_rendering()
        self._figure.set_layout_engine("none")


def _inline(svg: str, *, prefix: str) -> str:
    """The `<svg>` element alone, its ids made unique on the page, scaling with its column, in the page's ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)  # its rule would hold for the whole page
    svg = re.sub(r'(\sid="|xlink:href="#|url\(#)', rf"\g<1>{prefix}", svg)
    return svg.replace(INK, "currentColor").replace(FAINT, "var(--rule)").strip()


def log_axis(axis: Axis, *, values: Sequence[float]) -> None:
    """Logarithmic in the range of `values`, with plain numbers as tick labels."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})  # type: ignore[attr-defined]
    axis.set_major_locator(_log_ticks(low=min(values), high=max(values)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(_Distinct())


def epoch_axis(axis: Axis, *, epochs: Sequence[float]) -> None:
    """From 0 on, with ticks at the checkpoints where they are few and far enough apart, else at round numbers."""
    places = sorted(set(epochs))
    axis.axes.set_xlim(left=0)
    gaps = np.diff([0.0, *places])
    if len(places) <= _MOST_TICKS and min(gaps, default=1.0) >= max(places, default=1.0) / _MOST_TICKS / 2:
        axis.set_major_locator(FixedLocator([0.0, *places]))
    axis.set_major_formatter(_Distinct())


@final
class _Distinct(Formatter):
    """Plain numbers, with as many digits as it takes for no two labels of the axis to be the same."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """One label; with no others to tell it from, in six digits."""
        return f"{x:g}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """All labels of the axis."""
        labels = [f"{value:g}" for value in values]
        for digits in range(7, 18):
            if len(set(labels)) == len(set(values)):
                break
            labels = [f"{value:.{digits}g}" for value in values]
        return labels


def _log_ticks(*, low: float, high: float) -> Locator:
    """The coarsest round numbers of which at least four lie in the range; even steps where the range is narrow."""
    for digits in _TICK_DIGITS:
        ticks = [digit * 10.0**power for power in range(-3, 9) for digit in digits]
        if sum(low <= tick <= high for tick in ticks) >= _LEAST_TICKS:
            return FixedLocator(ticks)
    return MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])


def rate_axis(axis: Axis, *, least: float) -> None:
    """Logarithmic from `least` to 1, labelled in percent."""
    axis.axes.set(**{f"{axis.axis_name}lim": (least, 1)})  # type: ignore[attr-defined]
    decades_axis(axis, low=least, high=1)
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))


def decades_axis(axis: Axis, *, low: float, high: float) -> None:
    """Logarithmic, with ticks at the powers of ten from `low` to `high`, and at three times them where they are few; at
    both ends where there is none of either.
    """
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})  # type: ignore[attr-defined]
    decades = [10.0**power for power in range(-9, 13)]
    between = sorted([*decades, *(3 * one for one in decades)])
    few, many = ([one for one in ticks if low * 0.999 <= one <= high * 1.001] for ticks in (decades, between))
    axis.set_major_locator(FixedLocator((few if len(few) >= 4 else many) or [low, high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(_Distinct())


def size_axis(axis: Axis, *, low: float, high: float) -> None:
    """Logarithmic, with numbers of parameters at the ticks: `300k`, `1M`."""
    decades_axis(axis, low=low, high=high)
    axis.set_major_formatter(FuncFormatter(lambda value, _: counted(value)))


def counted(value: float) -> str:
    """A large number in thousands, millions or billions: `300k`, `1.06M`."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def margins(values: Sequence[float], *, share: float = 0.12) -> tuple[float, float]:
    """Limits that leave a margin around the values."""
    low, high = float(np.min(values)), float(np.max(values))
    room = share * (high - low) or 0.05
    return low - room, high + room
