"""How numbers are written: always with the interval, `.78 [.74, .82]`, and `—` where the estimate is refused."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from vestige.outcome.points import Point
from vestige.records import TIES, Counts, Estimate, Estimated

REFUSED = "—"
TIED = "— (ties)"

_NAMES = {
    "auc": "AUC",
    "auc_own_texts": "AUC on all texts of its own",
    "auc_above_floor": "AUC above the floor",
    "auc_null": "AUC on other splits",
    "p_value": "p",
    "loss": "Validation loss",
    "auc_at_utility": "AUC at equal utility",
    "memorization": "Memorization, nats per token",
    "memorization_at_utility": "Memorization at equal utility, nats per token",
    "perplexity": "Perplexity",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge_l": "ROUGE-L",
    "exact_match": "Exact match",
    "final_number": "Final number",
}


def shown(number: Estimated) -> str:
    """Value, interval: AUC and other shares as `.78 [.74, .82]`, a difference of AUCs as `+.28 [+.22, +.34]`, TPR as
    `3.1% [0.9, 12]`, perplexity, BLEU and chrF to three digits, loss and memorization to .001. `—` where there is no
    estimate, and `— (ties)` where ties are why.
    """
    estimate = number.estimate
    if estimate.value is None:
        return TIED if is_tied(estimate) else REFUSED
    write = _writer(number.quantity)
    unit = "%" if number.quantity.startswith("tpr@") else ""
    value = f"{write(estimate.value)}{unit}"
    if estimate.low is None or estimate.high is None:
        return f"{value} [no interval]"
    return f"{value} [{write(estimate.low)}, {write(estimate.high)}]"


def is_tied(estimate: Estimate) -> bool:
    """Whether a true-positive rate is refused because too many non-members share the highest score."""
    return estimate.value is None and estimate.reason.startswith(TIES)


def explained(estimate: Estimate) -> str:
    """What stands behind a number, for its tooltip: why it is refused, its counts, its signature."""
    refused = f"Refused: {estimate.reason}" if estimate.value is None else ""
    parts = (refused, counted(estimate.counts), estimate.signature)
    return " · ".join(part for part in parts if part)


def counted(counts: Counts) -> str:
    """`300 members, 300 non-members, 120 groups`, or texts and groups where there are no classes."""
    if counts.members or counts.non_members:
        return f"{counts.members} members, {counts.non_members} non-members, {counts.groups} groups"
    return f"{counts.texts} texts, {counts.groups} groups" if counts.texts else ""


def quantity_name(quantity: str) -> str:
    """`tpr@0.01` → `TPR at 1% FPR`."""
    if quantity.startswith("tpr@"):
        return f"TPR at {100 * float(quantity.removeprefix('tpr@')):g}% FPR"
    return _NAMES.get(quantity, quantity)


def tpr_key(fpr: float) -> str:
    """The `quantity` of the true-positive rate at this false-positive rate."""
    return f"tpr@{fpr:g}"


def moment(point: Point) -> str:
    """`best`, `last`, `best=last`, or nothing in between."""
    if point.is_best and point.is_last:
        return "best=last"
    return "best" if point.is_best else "last" if point.is_last else ""


def axis_name(utility: str) -> str:
    """What methods are held equal on, as it is said within a sentence."""
    return "validation loss" if utility == "loss" else quantity_name(utility)


def level_name(value: float) -> str:
    """A share of the reachable gain as it is said: `90%` of .9."""
    return f"{100 * value:g}%"


def stripped(value: float) -> str:
    """A number that has no interval, such as a margin, to two digits: `.05`, `.065`."""
    text = f"{value:.2g}"
    return text.removeprefix("0") if text.startswith("0.") else text


def printed(value: float) -> str:
    """A published number, to the four digits of its source: `.8860`, `9.0279`."""
    return f"{value:.4f}".removeprefix("0")


def plain(value: float | None) -> str:
    """A setting such as an epoch or a learning rate, as it was written in the study file."""
    return REFUSED if value is None else f"{value:g}"


def folded(text: str, *, width: int) -> list[str]:
    """The text in lines of at most `width` characters, broken behind blanks where there are any."""
    return textwrap.wrap(text, width) or [""]


def joined(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def significant(value: float) -> str:
    """Three significant digits without an exponent up to 99,999."""
    if value >= 99_999.5:
        return f"{value:.1e}"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}"


def _writer(quantity: str) -> Callable[[float], str]:
    if quantity.startswith("tpr@"):
        return _percent
    return _WRITERS.get(quantity, significant)


def _nats(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _signed(value: float) -> str:
    sign = "−" if value < 0 else "+"
    return sign + _share(abs(value))


def _share(value: float) -> str:
    text = f"{value:.2f}"
    return "1.0" if text == "1.00" else text.removeprefix("0")


def _percent(value: float) -> str:
    return f"{100 * value:.1f}" if 100 * value < 9.95 else f"{100 * value:.0f}"


def _signed_nats(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


_WRITERS: Mapping[str, Callable[[float], str]] = {
    "slope": _signed,
    "nats_slope": _signed_nats,
    "auc": _share,
    "auc_own_texts": _share,
    "auc_above_floor": _signed,
    "auc_at_utility": _share,
    "auc_difference": _signed,
    "auc_null": _share,
    "p_value": _nats,
    "exact_match": _share,
    "final_number": _share,
    "loss": _nats,
    "memorization": _nats,
    "memorization_at_utility": _nats,
    "memorization_difference": lambda value: "+" * (value >= 0) + _nats(value),
    "rouge_l": _share,
}
