"""One method against another at equal utility, found by the names that people use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

from vestige.errors import ConfigError, named, near_misses, printable
from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL, Comparison, Difference, Verdict
from vestige.outcome.facts import ComparisonFacts, Facts
from vestige.outcome.wording import level_name, plain, quantity_name, shown, stripped
from vestige.records import Estimate, Estimated

_LONG = 2000


@final
@dataclass(frozen=True)
class Compared:
    """One method minus another where both are equally good: what a `Difference` says, and whose it is.

    Printed, it is a sentence. `comparison` has all methods of the base and corpus.
    """

    base: str
    corpus: str
    difference: Difference
    comparison: Comparison = field(repr=False)

    @property
    def estimate(self) -> Estimate:
        """The difference with its interval: AUC, or nats per token of memorization."""
        return self.difference.estimate

    @property
    def verdict(self) -> Verdict:
        """Of the first method: `less`, `more`, `equivalent`, `undecided` or `refused`."""
        return self.difference.verdict

    @property
    def reason(self) -> str:
        """Why there is no difference, or what weakens it; mostly empty."""
        return self.difference.reason

    def __repr__(self) -> str:
        one = self.difference
        where = "on average over 80 to 95%" if one.level is None else f"at {level_name(one.level)}"
        axis = quantity_name(self.comparison.utility)
        bound = one.equivalence_bound
        methods = f"{self._rated(one.method)} minus {self._rated(one.other)} on {self.base}, {self.corpus}"
        said = [
            f"{methods}, {where} of the reachable gain ({axis}): {self._amount}, {one.verdict}.",
            f"Equivalent only within ±{stripped(bound)}." if one.verdict == "undecided" and bound is not None else "",
            f"{one.reason}." if one.reason else "",
        ]
        return printable(" ".join(filter(None, said)), limit=_LONG)

    @property
    def _amount(self) -> str:
        is_memorization = self.difference.what == MEMORIZATION
        quantity = "memorization_difference" if is_memorization else "auc_difference"
        unit = "nats per token memorized" if is_memorization else f"AUC of {self.difference.what}"
        return f"{shown(Estimated(quantity, self.estimate))} {unit}"

    def _rated(self, method: str) -> str:
        """With its learning rate where a verdict on it holds at that rate alone."""
        rates = {one.method: one.learning_rate for one in self.comparison.standings}
        return f"{method} (rate {plain(rates[method])})" if method in self.comparison.at_rate else method


def compared(
    facts: Facts,
    method: str,
    other: str,
    *,
    base: str | None = None,
    corpus: str | None = None,
    attack: str | None = None,
    level: float | None = PRIMARY_LEVEL,
) -> Compared:
    """`method` minus `other`; arguments and errors as in `vestige.api.Result.compare`."""
    found = _of_pair(facts.comparisons, base=base, corpus=corpus)
    first, second = (_label(facts, found.comparison, name) for name in (method, other))
    if first == second:
        raise ConfigError(f"'{first}' is named twice: name two methods to compare.")
    difference = _difference(found.comparison, first, second, attack=attack, level=level)
    return Compared(found.base, found.corpus, difference.seen_from(first), found.comparison)


def _of_pair(every: Sequence[ComparisonFacts], *, base: str | None, corpus: str | None) -> ComparisonFacts:
    if not every:
        raise ConfigError(
            "The store holds no comparison of methods of this study: it takes two methods that have finished. Run it: "
            "vestige run STUDY"
        )
    for what, name, known in (
        ("base", base, [one.base for one in every]),
        ("corpus", corpus, [o.corpus for o in every]),
    ):
        if name is not None and name not in known:
            raise ConfigError(f"no {what} is called '{printable(name)}'.{near_misses(name, known)}")
        if name is None and len(set(known)) > 1:
            raise ConfigError(
                f"The study has more than one {what}: say which, {what}=… of {named([*dict.fromkeys(known)])}."
            )
    meant = [one for one in every if base in (None, one.base) and corpus in (None, one.corpus)]
    if not meant:
        raise ConfigError(f"The methods on '{base}' and '{corpus}' have not been compared. Run it: vestige run STUDY")
    return meant[0]


def _label(facts: Facts, comparison: Comparison, name: str) -> str:
    """The label of a method, by itself or by its name where one method bears it."""
    labels = [one.method for one in comparison.standings]
    meant = [one.label for one in facts.methods if one.name == name and one.label in labels]
    if name in labels or len(meant) == 1:
        return name if name in labels else meant[0]
    if meant:
        raise ConfigError(f"several methods are called '{name}': say which of {named(meant)}.")
    raise ConfigError(f"no method that was compared is called '{printable(name)}'.{near_misses(name, labels)}")


def _difference(
    comparison: Comparison, method: str, other: str, *, attack: str | None, level: float | None
) -> Difference:
    what = attack or comparison.primary
    difference = comparison.difference(method, other, what=what, level=level)
    # A pair of which nothing can be said is kept once, by the primary attack.
    refused = comparison.difference(method, other)
    if difference is None and refused is not None and refused.verdict == "refused":
        return refused
    if difference is None:
        own = [one for one in comparison.differences if {one.method, one.other} == {method, other}]
        raise _not_compared(what, level, own)
    return difference


def _not_compared(what: str, level: float | None, own: Iterable[Difference]) -> ConfigError:
    levels: dict[str, list[float | None]] = {}
    for one in own:
        levels.setdefault(one.what, []).append(one.level)
    if what not in levels:
        return ConfigError(f"the methods are not compared by '{printable(what)}'.{near_misses(what, list(levels))}")
    known = ", ".join("None (their mean)" if one is None else f"{one:g}" for one in dict.fromkeys(levels[what]))
    return ConfigError(f"by '{what}' methods are compared at level = {known}, got {level}.")
