"""What a comparison at equal utility says, in sentences: the verdicts, what is undecided, refused or set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

from vestige.metrics.comparison import LEVELS, MEMORIZATION, PRIMARY_LEVEL, Comparison, Difference, Standing
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.outcome.wording import joined, level_name, plain, quantity_name, shown, stripped
from vestige.records import Estimated

_DECIDED: Final = ("less", "more", "equivalent")

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
    if len(comparison.standings) == 1:
        return [*_alone(comparison), *_last_part(comparison), *_notes(comparison)]
    return [
        *_decided(comparison),
        *_undecided(comparison),
        *_refused(comparison),
        *_set_aside(comparison),
        *_by_other_attacks(comparison),
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
    return found and found.seen_from(method)


def as_number(difference: Difference) -> Estimated:
    """A difference as it is written, with its sign."""
    kind = "memorization_difference" if difference.what == MEMORIZATION else "auc_difference"
    return Estimated(kind, difference.estimate)


def _auc(comparison: Comparison, standing: Standing) -> float:
    found = standing.at(comparison.primary)
    return found.value if found and found.value is not None else float("inf")


def _missing(results: Results) -> str:
    if len(results.facts.methods) == 1:
        return "The method has not been read at equal utility: the store lacks what that takes. `vestige run` makes it."
    return (
        "The methods have not been compared at equal utility: the store holds no comparison of them. `vestige run` "
        "makes it of what is there, and does what that lacks."
    )


# Verdicts


def _alone(comparison: Comparison) -> Iterator[Said]:
    """What the only method of a study gives away."""
    (one,) = comparison.standings
    found = {"memorization": one.at(MEMORIZATION), "auc": one.at(comparison.primary)}
    numbers = {
        name: shown(Estimated(name, value)) for name, value in found.items() if value and value.value is not None
    }
    said = [f"memorizes {numbers['memorization']} nats per token"] if "memorization" in numbers else []
    said += [f"is attacked with an AUC of {numbers['auc']} ({comparison.primary})"] if "auc" in numbers else []
    if said:
        text = f"At {level_name(PRIMARY_LEVEL)} of its gain {_named(comparison, one.method)} {joined(said)}."
        yield Said("decided", f"{text} The study has no other method to compare it with.")
    for reason in dict.fromkeys(value.reason for value in found.values() if value and value.reason):
        yield Said("refused", f"No number at equal utility. {_sentence(reason)}")


def _decided(comparison: Comparison) -> Iterator[Said]:
    """Who leaks alike, then a sentence for each method, on those that leak more than it or as much."""
    alike = _alike(comparison)
    for group in alike:
        names = joined([_named(comparison, method) for method in group])
        yield Said("decided", f"{_where(comparison)} {names} are equivalent to one another {_within(comparison)}.")
    for method, pairs in _covered(comparison, alike):
        yield Said("decided", f"{_where(comparison)} {_named(comparison, method)} {'; it '.join(pairs)}.")


def _covered(comparison: Comparison, alike: list[list[str]]) -> Iterator[tuple[str, list[str]]]:
    """Every other pair with a verdict once, in as few sentences as it takes: of the method with the most of them, of
    several the one that leaks least, what it is beside the others.
    """
    left = [one for _, found in _pairs(comparison) for one in found if one.verdict in _DECIDED]
    left = [one for one in left if not any({one.method, one.other} <= set(group) for group in alike)]
    methods = [one.method for one in ranked(comparison)]
    while left:
        counts = [sum(method in (one.method, one.other) for one in left) for method in methods]
        method = methods[counts.index(max(counts))]
        own = [one for one in left if method in (one.method, one.other)]
        yield method, list(_parts(comparison, [one.seen_from(method) for one in own]))
        left = [one for one in left if one not in own]


def _parts(comparison: Comparison, pairs: Sequence[Difference]) -> Iterator[str]:
    """What one method is beside others: less, more, as much."""
    for word in ("less", "more"):
        found = [f"{_amount(o)} {word} than {_named(comparison, o.other)}" for o in pairs if o.verdict == word]
        if found:
            yield f"memorizes {joined(found)}"
    same = [_named(comparison, one.other) for one in pairs if one.verdict == "equivalent"]
    if same:
        yield f"is equivalent to {joined(same)} {_within(comparison)}"


def _within(comparison: Comparison) -> str:
    return f"within {stripped(comparison.margin)} AUC"


def _alike(comparison: Comparison) -> list[list[str]]:
    """Groups of three methods or more of which every two are equivalent, none in two groups."""
    left = [one.method for one in ranked(comparison)]
    groups = []
    while left:
        group = [left[0]]
        for other in left[1:]:
            if all(_is_equivalent(comparison, one, other) for one in group):
                group.append(other)
        left = [one for one in left if one not in group]
        groups.append(group)
    return [group for group in groups if len(group) > 2]


def _is_equivalent(comparison: Comparison, method: str, other: str) -> bool:
    found = comparison.difference(method, other)
    return found is not None and found.verdict == "equivalent"


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
    return f"{method} (at rate {plain(rates[method])})" if method in comparison.at_rate else method


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
    reasons: dict[str, dict[str, list[str]]] = {}
    for method, found in _pairs(comparison):
        for one in found:
            if one.verdict == "refused":
                reasons.setdefault(one.reason or one.estimate.reason, {}).setdefault(one.other, []).append(method)
    for reason, pairs in reasons.items():
        names = "; ".join(f"{joined(methods)} against {other}" for other, methods in pairs.items())
        yield Said("refused", f"No verdict on {names}. {_sentence(reason)}")


def _set_aside(comparison: Comparison) -> Iterator[Said]:
    for one in comparison.standings:
        if one.set_aside:
            unit = " nats per token" if comparison.utility == "loss" else ""
            own, reach = (shown(Estimated(comparison.utility, found)) for found in (one.gain, comparison.reach))
            others = f", where the others reach {reach}" if comparison.reach.value is not None else ""
            yield Said(
                "refused",
                f"{one.method} is compared with no other: it {one.set_aside}; its gain is {own}{unit}{others}.",
            )


def _sentence(reason: str) -> str:
    """A reason as a sentence of its own; one that begins with the name of a method leaves it as it is."""
    return f"{reason}." if not reason.endswith(".") else reason


# What else is to be known


def _by_other_attacks(comparison: Comparison) -> Iterator[Said]:
    """Which verdicts every attack gives, and which pairs that the primary one leaves some other tells apart."""
    every, some = [], []
    for method, pairs in _pairs(comparison):
        for one in pairs:
            attacks = len(comparison.over_attacks(method, one.other))
            if attacks > 1 and one.verdict in ("less", "more"):
                if comparison.under_all_attacks(method, one.other):
                    every.append(f"{method} {one.verdict} than {one.other}")
            elif found := comparison.under_some_attack(method, one.other):
                some.append(f"{method} against {one.other} ({joined(list(found))})")
    if every:
        yield Said("note", f"By every attack, each at 5%: {joined(every)}.")
    if some:
        yield Said("note", f"Told apart by some attack, corrected for their number (max-t): {joined(some)}.")


def _by_memorization(comparison: Comparison) -> Iterator[Said]:
    """Where counterfactual memorization decides and does not say what the primary attack says."""
    said = []
    for method, pairs in _pairs(comparison):
        for by_attack in pairs:
            one = between(comparison, method, by_attack.other, what=MEMORIZATION)
            if one is not None and one.verdict in ("less", "more") and one.verdict != by_attack.verdict:
                said.append(f"{method} memorizes {_amount(one)} {one.verdict} than {one.other}")
    if said:
        yield Said(
            "note", f"Counterfactual memorization tells apart what {comparison.primary} does not: {joined(said)}."
        )


def _last_part(comparison: Comparison) -> Iterator[Said]:
    """What is paid for going on to the lowest loss."""
    costs = [
        f"{shown(Estimated('auc_difference', one.last_part))} AUC with {one.method}"
        for one in ranked(comparison)
        if one.last_part is not None and one.last_part.value is not None
    ]
    if costs:
        left = level_name(round(1 - max(LEVELS), 6))
        yield Said("note", f"The last {left} of utility costs {joined(costs)}.")


def _notes(comparison: Comparison) -> Iterator[Said]:
    """What weakens all of it, a pair, a method; each thing once."""
    weak = [reason for one in _weakened(comparison) for reason in one.reason.split("; ")]
    warned = [warning for one in comparison.standings for warning in one.warnings]
    ties = (_tie(one) for one in comparison.standings if one.tied and not one.set_aside)
    for text in dict.fromkeys([*comparison.warnings, *weak, *warned, *ties, *_under_ties(comparison)]):
        yield Said("note", f"Under reserve – {_sentence(text)}")


def _weakened(comparison: Comparison) -> list[Difference]:
    return [one for _, found in _pairs(comparison) for one in found if one.verdict != "refused" and one.reason]


def _tie(standing: Standing) -> str:
    others = joined([plain(rate) for rate in standing.tied])
    return f"the losses of {standing.method} do not tell its rate {plain(standing.learning_rate)} from {others}"


def _under_ties(comparison: Comparison) -> Iterator[str]:
    """The differences that another rate, which does as well, would give."""
    for _, pairs in _pairs(comparison):
        for one in pairs:
            for tied in one.under_ties:
                value = shown(Estimated("auc_difference", tied.estimate))
                rate = f"with {tied.method} at rate {plain(tied.learning_rate)}"
                yield f"{one.method} minus {one.other} is {value} AUC {rate}, {shown(as_number(one))} AUC as chosen"
