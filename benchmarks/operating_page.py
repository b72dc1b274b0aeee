"""The page of operating characteristics, written from the pieces that there are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import numpy as np

from simulated_studies import ATTACK, DESIGNS, EPOCHS, MARGIN, MID, SAMPLES, Design
from tallies import Piece, Tally
from vestige.metrics.comparison import PRIMARY_LEVEL

_HEAD = f"""# How often the comparison at equal utility is right

Written by `benchmarks/operating_characteristics.py` from simulated studies whose truth is known; not by hand.

Two methods are compared, `fast` and `slow`, whose curves are like LoRA's on SmolLM2-135M: the AUC of members against
non-members is .61, .67, .73 and .89 where 80, 90, 95 and 100% of what can be won of the validation loss is won
(`vestige.testing.frontiers`). Slow takes 1.8 times as many epochs for the same. Unless the gap says otherwise both lie
on one frontier, so that neither leaks more than the other at equal utility; after the same number of epochs they
differ by .2. A text is easy or hard for all models, for a method, for a training and for a checkpoint; trainings of
one method differ by retraining noise, an SD of .015 AUC at equal utility unless said otherwise (low .007, high .03).
Two folds with complementary members, 250 + 250 texts of the pool and 300 validation texts, each a group of its own
unless said otherwise; 8 checkpoints from .25 to 6 epochs; one attack, {SAMPLES} bootstrap samples a study; level φ =
.9. Studies are numbered, and a number is a seed: whoever runs them again counts the same.

- **Bias**: mean of the difference minus the truth. **Cover**: studies whose 95% interval holds the truth.
- **Different**: studies whose interval leaves 0 out: false where the gap is 0, else the power. **Equivalent**: those
  that show equivalence within {f"{MARGIN:.2f}".lstrip("0")} (TOST): false where the gap is that large, else the power.
- **Half-width**: of the 95% interval, median. **Refused**, **reserve**: by the rules (`metrics/rules.py`); a
  refused study is not counted in the columns before, unless all are: then brackets say what it would have come to.
- **Equal epochs**, **best**: the same studies as published comparisons read them: both methods at the epoch of
  fast's lowest validation loss, and each at its own; an interval over texts and trainings, bias and different.
- Designs of **memorization** compare that, in nats per token, a d′ of 1 being .26 of them.

Shares are good to ±{{error:.1f}} percentage points (two standard errors at 95%, 1,000 studies; fewer are less exact).
"""

_BARS = """Bias at most .005. Cover .93 to .985 with 3 and 5 seeds of single texts, 8 checkpoints and .015 of retraining
noise at φ = .9; .92 or more in any other design that the rules let be said. At most 5% false differences, at most 5%
falsely equivalent. What misses a bar by more than two Monte Carlo errors:
"""

_COLUMNS = ("design", "studies", "bias", "cover", "different", "equivalent", "half-width", "refused", "reserve")
_BESIDE = ("equal epochs", "best")


def page(pieces: Mapping[str, Piece]) -> str:
    """Markdown."""
    null = {name: piece for name, piece in pieces.items() if DESIGNS[name].gap == 0}
    apart = {name: piece for name, piece in pieces.items() if DESIGNS[name].gap}
    parts = [
        _HEAD.format(error=100 * 2 * np.sqrt(0.95 * 0.05 / 1000)),
        "## On one frontier\n\n" + _table(null),
        "## A true gap\n\n" + _table(apart),
        "## Against the bars\n\n" + _BARS + "\n" + "".join(f"- {line}\n" for line in _judgements(pieces)),
        _missing(pieces),
    ]
    return "\n".join(part for part in parts if part)


def faults(design: Design, piece: Piece) -> list[str]:
    """Which bars the studies of a design miss by more than two Monte Carlo errors; none of a design that is refused.

    Bias ≤ .005 AUC; the 95% intervals of 3 and 5 seeds with mid noise and single texts at φ = .9 cover 93 to 98.5%, of
    any other design 92% or more; at most 5% false differences, and at most 5% falsely equivalent.
    """
    said = piece.said
    if said.studies < piece.studies / 2:
        return []
    low, high = (0.93, 0.985) if is_main(design) else (0.92, 1.0)
    cover, different, equivalent = (one / said.studies for one in (said.covered, said.different, said.equivalent))
    found = []
    if abs(_bias(said)) > 0.005 + 2 * _error_of_bias(said):
        found.append(f"bias {_signed(_bias(said))}")
    if not low - _noise(low, said) <= cover <= high + _noise(high, said):
        found.append(f"cover {_share(cover)}, expected {_share(low)} to {_share(high)}")
    if design.gap == 0 and different > 0.05 + _noise(0.05, said):
        found.append(f"{_share(different)} false differences")
    if design.gap >= MARGIN and equivalent > 0.05 + _noise(0.05, said):
        found.append(f"{_share(equivalent)} falsely equivalent")
    return found


def is_main(design: Design) -> bool:
    """Whether the narrow bars hold for it."""
    likely = (design.noise, design.folds, design.level, design.epochs) == (MID, 2, PRIMARY_LEVEL, EPOCHS)
    single = all(texts.groups == texts.texts for texts in design.texts)
    return design.seeds in (3, 5) and likely and single and not design.rates and design.what == ATTACK


def _judgements(pieces: Mapping[str, Piece]) -> Iterator[str]:
    missed = {name: faults(DESIGNS[name], piece) for name, piece in pieces.items()}
    for name, reasons in missed.items():
        if reasons:
            reserve = pieces[name].reserved / max(1, pieces[name].said.studies)
            yield f"{name}: {', '.join(reasons)}" + (", said with a reserve" if reserve > 0.95 else "")
    if not any(missed.values()):
        yield "none."


def _missing(pieces: Mapping[str, Piece]) -> str:
    missing = [name for name in DESIGNS if name not in pieces]
    return textwrap.fill(f"Not run yet: {', '.join(missing)}.", 120) + "\n" if missing else ""


def _table(pieces: Mapping[str, Piece]) -> str:
    rows = [(*_COLUMNS, *_BESIDE), ("---",) * (len(_COLUMNS) + len(_BESIDE))]
    rows += [(name, *_cells(piece)) for name, piece in pieces.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(piece: Piece) -> tuple[str, ...]:
    said = piece.said if piece.said.studies else piece.unsaid
    numbers = [
        _signed(_bias(said)),
        _share(said.covered / said.studies),
        _share(said.different / said.studies),
        _share(said.equivalent / said.studies),
        _share(said.half_width),
    ]
    if not piece.said.studies:
        numbers = [f"({number})" for number in numbers]
    ruled = [_percent(piece.unsaid.studies / piece.studies), _percent(piece.reserved / piece.studies)]
    beside = [
        f"{_signed(_bias(one))}, {_percent(one.different / one.studies)}" for one in (piece.equal_epochs, piece.best)
    ]
    return (f"{piece.studies:,}", *numbers, *ruled, *beside)


def _bias(tally: Tally) -> float:
    return tally.error / tally.studies


def _error_of_bias(tally: Tally) -> float:
    return float(np.sqrt(max(tally.squared / tally.studies - _bias(tally) ** 2, 0.0) / tally.studies))


def _noise(share: float, tally: Tally) -> float:
    """Two standard errors of a share over so many studies."""
    return float(2 * np.sqrt(share * (1 - share) / tally.studies))


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _signed(value: float) -> str:
    return ("−" if value < 0 else "+") + _share(abs(value))


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"
