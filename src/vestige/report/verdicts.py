"""What a comparison at equal utility says, in sentences: the verdicts, what is undecided, refused or set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, final

from vestige.metrics.comparison import LEVELS, MEMORIZATION, PRIMARY_LEVEL, Comparison, Difference, Standing
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.outcome.wording import joined, level_name, plain, quantity_name, shown, stripped
from vestige.records import Estimated

Kind = Literal["decided", "undecided", "refused", "note"]


@final
@dataclass(frozen=True)
class Said:
    """A sentence or two, and what they are: a verdict, the lack of one, or what is to be known beside them."""

    kind: Kind
    text: str


def verdicts(results: Results, section: Section) -> list[Said]:
    """What the methods came to at equal utility on one base and corpus; why there is nothing to say, where so."""
    comparison = results.facts.comparison(base=section.base, corpus=section.corpus)
    if comparison is None:
        return [Said("refused", _missing(results))]
    if comparison.reach.value is None:
        nothing = f"Nothing is compared at equal utility: {comparison.reach.reason}."
        return [Said("refused", nothing), *_set_aside(comparison)]
    return [
        *_decided(comparison),
        *_undecided(comparison),
        *_refused(comparison),
        *_set_aside(comparison),
        *_by_memorization(comparison),
        *_last_part(comparison),
        *_notes(comparison),
    ]


def ranked(comparison: Comparison) -> list[Standing]:
    """The methods that are compared, what leaks least by the primary attack first, then those without a number."""
    kept = [one for one in comparison.standings if not one.set_aside]
    return sorted(kept, key=lambda one: _auc(comparison, one))


def between(comparison: Comparison, method: str, other: str, *, what: str | None = None) -> Difference | None:
    """One method minus another at the level that verdicts go by; None where they were not compared."""
    found = comparison.difference(method, other, what=what)
    return found.turned if found and found.method != method else found


def as_number(difference: Difference) -> Estimated:
    """A difference as it is written, with its sign."""
    kind = "memorization_difference" if difference.what == MEMORIZATION else "auc_difference"
    return Estimated(kind, difference.estimate)


def _auc(comparison: Comparison, standing: Standing) -> float:
    found = standing.at(comparison.primary)
    return found.value if found and found.value is not None else float("inf")


def _missing(results: Results) -> str:
    if len(results.facts.methods) == 1:
        return "The study has one method: there is none to compare it with at equal utility."
    return (
        "The methods have not been compared at equal utility: the store holds no comparison of them. `vestige run` "
        "makes it from what is there, and trains nothing anew."
    )


# Verdicts


def _decided(comparison: Comparison) -> Iterator[Said]:
    """A sentence for each method, on those that leak more than it or as much."""
    for method, pairs in _pairs(comparison):
        less = [one for one in pairs if one.verdict == "less"]
        more = [one for one in pairs if one.verdict == "more"]
        same = [_named(comparison, one.other) for one in pairs if one.verdict == "equivalent"]
        parts = [
            *([f"memorizes {_amounts(comparison, less, 'less')}"] if less else []),
            *([f"memorizes {_amounts(comparison, more, 'more')}"] if more else []),
            *([f"is equivalent to {joined(same)} within {stripped(comparison.margin)} AUC"] if same else []),
        ]
        if parts:
            yield Said("decided", f"{_where(comparison)} {_named(comparison, method)} {'; it '.join(parts)}.")


def _pairs(comparison: Comparison) -> Iterator[tuple[str, list[Difference]]]:
    """Each method with what it came to against those after it, by the primary attack."""
    methods = [one.method for one in ranked(comparison)]
    for place, method in enumerate(methods):
        found = (between(comparison, method, other) for other in methods[place + 1 :])
        yield method, [one for one in found if one is not None]


def _where(comparison: Comparison) -> str:
    axis = "" if comparison.utility == "loss" else f" in {quantity_name(comparison.utility)}"
    return f"At {level_name(PRIMARY_LEVEL)} of the reachable gain{axis}"


def _named(comparison: Comparison, method: str) -> str:
    """The name of a method, with its learning rate where it was held fixed, so that it is part of what is said."""
    rates = {one.method: one.learning_rate for one in comparison.standings}
    return f"{method} (at rate {plain(rates[method])})" if comparison.at_rate and method in rates else method


def _amounts(comparison: Comparison, pairs: Sequence[Difference], word: str) -> str:
    return joined([f"{_amount(one)} {word} than {_named(comparison, one.other)}" for one in pairs])


def _amount(difference: Difference) -> str:
    """How far apart two methods are, without a sign: `.21 [.16, .26] AUC`."""
    quantity, unit = ("memorization", "nats per token") if difference.what == MEMORIZATION else ("auc", "AUC")
    upward = difference.turned if difference.verdict == "less" else difference
    return f"{shown(Estimated(quantity, upward.estimate))} {unit}"


# What is not decided


def _undecided(comparison: Comparison) -> Iterator[Said]:
    pairs = [one for _, found in _pairs(comparison) for one in found if one.verdict == "undecided"]
    if pairs:
        each = "; ".join(_open(comparison, one) for one in pairs)
        yield Said("undecided", f"Undecided {_where(comparison).lower()}: {each}. {_would_decide(comparison)}")


def _open(comparison: Comparison, pair: Difference) -> str:
    names = f"{_named(comparison, pair.method)} against {_named(comparison, pair.other)}"
    bound = pair.equivalence_bound
    within = f", equivalent only within ±{stripped(bound)}" if bound is not None else ""
    return f"{names}, {shown(as_number(pair))} AUC{within}"


def _would_decide(comparison: Comparison) -> str:
    """What it takes for a verdict where the interval leaves one open."""
    margin = stripped(comparison.margin)
    said = f"A verdict takes an interval without 0, or one that lies within ±{margin}."
    if comparison.resolution is not None:
        seen = stripped(comparison.resolution)
        said += f" This design sees a difference of {seen} AUC in 80% of studies, and hardly a smaller one."
    if comparison.scope == "these trainings":
        return f"{said} A second seed comes first; then more groups of texts."
    return f"{said} More seeds narrow it most, then more groups of texts."


def _refused(comparison: Comparison) -> Iterator[Said]:
    """What is not said of which pairs, a sentence for each reason."""
    reasons: dict[str, list[str]] = {}
    for _, found in _pairs(comparison):
        for one in found:
            if one.verdict == "refused":
                reasons.setdefault(one.reason or one.estimate.reason, []).append(f"{one.method} against {one.other}")
    for reason, pairs in reasons.items():
        yield Said("refused", f"No verdict on {joined(pairs)}: {reason}.")


def _set_aside(comparison: Comparison) -> Iterator[Said]:
    for one in comparison.standings:
        if one.set_aside:
            yield Said("refused", f"{one.method} is compared with no other: {one.set_aside}.")


# What else is to be known


def _by_memorization(comparison: Comparison) -> Iterator[Said]:
    """Where counterfactual memorization decides and does not say what the primary attack says."""
    said = []
    for method, pairs in _pairs(comparison):
        for by_attack in pairs:
            one = between(comparison, method, by_attack.other, what=MEMORIZATION)
            if one is not None and one.verdict in ("less", "more") and one.verdict != by_attack.verdict:
                names = f"{_named(comparison, method)} memorizes {_amount(one)} {one.verdict}"
                said.append(f"{names} than {_named(comparison, one.other)}")
    if said:
        yield Said("note", f"By counterfactual memorization {joined(said)}, which {comparison.primary} does not show.")


def _last_part(comparison: Comparison) -> Iterator[Said]:
    """What is paid for going on to the lowest loss."""
    costs = [
        f"{one.method} {shown(Estimated('auc_difference', one.last_part))} AUC"
        for one in ranked(comparison)
        if one.last_part is not None and one.last_part.value is not None
    ]
    if costs:
        left = level_name(round(1 - max(LEVELS), 6))
        yield Said("note", f"The last {left} of utility cost {joined(costs)}: to stop before is cheaper.")


def _notes(comparison: Comparison) -> Iterator[Said]:
    if comparison.scope == "these trainings":
        said = "The intervals cover these trainings alone: what training again would change is not in them."
        yield Said("note", said)
    weak = (f"{one.method} against {one.other}: {one.reason}." for one in _weakened(comparison))
    tied = (_tie(one) for one in comparison.standings if one.tied and not one.set_aside)
    warned = (f"{one.method}: {warning}" for one in comparison.standings for warning in one.warnings)
    yield from (Said("note", text) for text in (*comparison.warnings, *weak, *tied, *warned))


def _weakened(comparison: Comparison) -> list[Difference]:
    return [one for _, found in _pairs(comparison) for one in found if one.verdict != "refused" and one.reason]


def _tie(standing: Standing) -> str:
    others = joined([plain(rate) for rate in standing.tied])
    return f"{standing.method}: the losses do not tell its rate {plain(standing.learning_rate)} from {others}."
