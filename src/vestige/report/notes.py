"""What the study found, in sentences, and what a reader must know before believing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from vestige.outcome.frames import Results
from vestige.outcome.lengths import NO_END, remarks
from vestige.outcome.points import (
    NOT_MEASURED,
    Point,
    Section,
    best_and_last,
    cells_of,
    method_labels,
    scores_at,
    sections,
    text_quantities,
)
from vestige.outcome.wording import is_tied, joined, plain, quantity_name, shown, tpr_key
from vestige.report.primary import primary_caveat

_CHANCE = 0.5
_UNDER_TRAINED = (
    "validation loss is still falling at the last checkpoint. The method is under-trained here, and longer training "
    "may leak more."
)
_ENOUGH_FALSE_POSITIVES = 10
"""With fewer non-members than this over the FPR, the TPR at that rate is biased upward."""


def findings(results: Results) -> list[tuple[str, list[str]]]:
    """For each base and corpus its name, and a sentence per method on the primary attack at the best checkpoint."""
    attack = results.facts.study.primary
    return [
        (section.name, [_finding(section, method, attack) for method in method_labels(results)])
        for section in sections(results)
    ]


def _finding(section: Section, method: str, attack: str) -> str:
    point = section.best(method)
    auc = point.number("auc", attack) if point else None
    if point is None or auc is None or auc.estimate.value is None:
        return f"{method}: no number ({auc.estimate.reason if auc else NOT_MEASURED})."
    where = f"AUC {shown(auc)} at perplexity {shown(point.number('perplexity'))}"
    return f"{method}: {where} – {_against_the_floor(point, attack)}."


def _against_the_floor(point: Point, attack: str) -> str:
    """What the paired difference to the floor says; where there is none, what the AUC says of chance."""
    auc, above = point.estimate("auc", attack), point.number("auc_above_floor", attack)
    known = above.estimate.value is not None
    low, high = (above.estimate.low, above.estimate.high) if known else (_less(auc.low), _less(auc.high))
    if low is not None and low > 0:
        said = f"above the floor by {shown(above).removeprefix('+')}, on the same texts"
        return said if known else "its interval lies above chance; the floor is not measured"
    if high is not None and high < 0:
        return f"below {'the floor' if known else 'chance'}: the attack points the wrong way here"
    apart = f" (its AUC less the floor's: {shown(above)})" if known else ""
    return (
        f"not told apart from the floor by this attack on these texts{apart}, which does not show that nothing leaked"
    )


def _less(end: float | None) -> float | None:
    return None if end is None else end - _CHANCE


def how_to_read(results: Results) -> list[str]:
    """The caption of the headline table, a sentence or two per idea."""
    study = results.facts.study
    control = next(one.control_label for one in results.facts.attacks if one.label == study.primary)
    auc = (
        f"AUC is the chance that the attack {study.primary} ranks a random training text above a random text that "
        f"was not trained on: ½ is guessing, 1 is certainty.{_rates(study.fpr)}"
    )
    floor = (
        f"The floor is the base model, which has seen none of this training ({control}). What exceeds it is leakage: "
        "whether anything does is told by the difference of the two AUCs on the same texts, not by their intervals."
    )
    moments = (
        "“best” is the checkpoint with the lowest validation loss, “last” the end of the training; neither is "
        "chosen by leakage. Methods can be compared fairly only where their perplexity is alike: see the figure of "
        "leakage against utility."
    )
    brackets = (
        "Brackets are 95% intervals from a bootstrap over groups of texts. “—” is an estimate that the data cannot "
        "carry, or that was not measured; its tooltip and the caveats say why. “— (ties)”: so many non-members share "
        "the highest score that no threshold accuses as few of them."
    )
    return [auc, floor, moments, *_answers(results), brackets]


def _rates(rates: Sequence[float]) -> str:
    """What a TPR at the rates of this study means."""
    if not rates:
        return ""
    shares = joined([f"{100 * rate:g}%" for rate in rates])
    each = ", in this order" if len(rates) > 1 else ""
    return (
        f" TPR at {shares} FPR is the share of training texts that are caught when at most {shares} of the others are "
        f"accused wrongly{each}."
    )


def _answers(results: Results) -> list[str]:
    """What the quantities of generated texts mean, where there are any."""
    quantities, limits = text_quantities(results), results.facts.study.generate
    if not quantities:
        return []
    said = (
        f"{joined([quantity_name(one) for one in quantities])}: greedy answers of at most {limits.max_new_tokens} "
        f"tokens to the prompts of the first {limits.texts} validation texts, against all their references. BLEU "
        "and chrF run from 0 to 100, ROUGE-L and exact match from 0 to 1; more is better."
    )
    return [said]


def caveats(results: Results) -> list[str]:
    """What limits the conclusions of this study, from its own numbers; what holds in several places is said once."""
    places: dict[str, list[str]] = {}
    for place, said in _local(results):
        places.setdefault(said, []).append(place)
    local = [f"{'; '.join(dict.fromkeys(where))}: {said}" for said, where in places.items()]
    return [*_design(results), *local]


def _design(results: Results) -> Iterator[str]:
    study, facts = results.facts.study, results.facts
    if len(study.seeds) == 1:
        yield "One seed: the intervals cover the choice of texts and know nothing of how much a retraining would vary."
    if study.folds == 1:
        yield "One fold: members and non-members are different texts, and a chance difference looks like leakage."
    else:
        yield (
            "Two folds: every text is once a member and once not, so that the base's AUC averages to ½ by design, and "
            "a difference between the folds cancels. The base's TPR still says what chance gives."
        )
    if study.training.search == "validation" and any(one.rivals for one in facts.search):
        yield "Learning rates were searched on the first seed and fold only."
    if caveat := primary_caveat(study):
        yield caveat
    elif len(facts.attacks) > 1:
        yield f"Only {study.primary} was named before the run; the best of many, picked after, is optimistic."


def _local(results: Results) -> Iterator[tuple[str, str]]:
    """(place, caveat): what holds on one base and corpus, perhaps of one method."""
    for one in sections(results):
        for caveat in (_texts, _shift, _split_leaks, _known_members, _left_apart, _few_non_members, _refusals, _no_auc):
            yield from ((one.name, said) for said in caveat(results, one))
        for method in method_labels(results):
            yield from ((f"{one.name}, {method}", said) for said in _tied_at_the_top(results, one, method))
        for method in _still_falling(results, one):
            yield f"{one.name}, {method}", _UNDER_TRAINED
    yield from _edge_of_the_search(results)


def _texts(results: Results, section: Section) -> Iterator[str]:
    """Texts that were cut or that nothing can score, marks that they brought, and an end that they have not."""
    if not results.facts.base(section.base).has_end:
        yield NO_END
    corpus = results.facts.corpus(section.corpus)
    yield from remarks(corpus.lengths[section.base].values(), max_length=corpus.max_length)


def _shift(results: Results, section: Section) -> Iterator[str]:
    floor = section.floor.number("auc", results.facts.study.primary)
    low, high = floor.estimate.low, floor.estimate.high
    if low is not None and high is not None and not low <= _CHANCE <= high:
        yield (
            f"the base's own AUC is {shown(floor)}, not ½. Members and non-members differ before any training, and all "
            "figures of this corpus are shifted by it."
        )


def _split_leaks(results: Results, section: Section) -> Iterator[str]:
    for floor in results.facts.floors:
        auc = section.floor.number("auc", floor.name)
        if auc.estimate.low is None or auc.estimate.low <= _CHANCE:
            continue
        if floor.is_permuted:
            yield f"{floor.name} is {shown(auc)} on labels dealt out anew: do not trust the floors of this corpus."
        else:
            yield (
                f"{floor.name} tells members from non-members without any model, AUC {shown(auc)}: the split "
                "itself leaks, and every attack on it is inflated."
            )


def _known_members(results: Results, section: Section) -> Iterator[str]:
    """What an attack that knows members does to the texts that all attacks are compared on."""
    for attack in results.facts.attacks:
        counts = [point.estimate("auc", attack.label).counts for point in section.points]
        known = max((one.unscored.get("member:known_member", 0) for one in counts), default=0)
        if known:
            yield (
                f"{attack.label} knows members: they and their groups, {known} texts over all trainings, are no "
                "members of the evaluation, for any attack. In the other fold they are among the non-members still."
            )


def _left_apart(results: Results, section: Section) -> Iterator[str]:
    """Attacks that score so few texts that the others are not held to them."""
    for attack in results.facts.attacks:
        aucs = [point.number("auc", attack.label) for point in (section.floor, *section.points)]
        told = next((auc.apart for auc in aucs if auc.apart), "")
        if told:
            yield (
                f"{attack.label} is not compared on the texts of the others: {told}, and the others would lose the "
                "rest. Its numbers are of its own texts."
            )


def _few_non_members(results: Results, section: Section) -> Iterator[str]:
    study = results.facts.study
    counts = {point.estimate("auc", study.primary).counts.non_members for point in section.points} - {0}
    available = min(counts, default=0) // cells_of(results)
    thin = [rate for rate in study.fpr if 1 <= available * rate + 1e-9 < _ENOUGH_FALSE_POSITIVES]
    if thin:
        rates = joined([f"{100 * rate:g}%" for rate in thin])
        yield (
            f"{available} non-members per training are few for an FPR of {rates}: the TPR there is biased upward, in "
            "the base as well. Compare it with the floor."
        )


def _tied_at_the_top(results: Results, section: Section, method: str) -> Iterator[str]:
    """Where so many non-members share the highest score that no threshold gives a TPR."""
    attack = results.facts.study.primary
    told: dict[str, float] = {}
    rates: set[float] = set()
    for point in best_and_last(section, method):
        tied = [rate for rate in results.facts.study.fpr if is_tied(point.estimate(tpr_key(rate), attack))]
        if tied:
            told[plain(point.epoch)] = _share_at_the_top(results, section, point, attack)
            rates |= set(tied)
    if told:
        shares = joined([f"{100 * share:.0f}% at epoch {epoch}" for epoch, share in told.items()])
        yield (
            f"many non-members share the highest score of {attack} ({shares}): every threshold accuses all of them or "
            f"nobody, so that there is no TPR at {joined([f'{100 * rate:g}%' for rate in sorted(rates)])} FPR. This "
            "limits the attack, on texts like these, and says nothing of what the model remembers."
        )


def _share_at_the_top(results: Results, section: Section, point: Point, attack: str) -> float:
    """The share of non-members that have the highest score of their cell, averaged over the cells."""
    cells = scores_at(results, section, point).filter(attack=attack).drop_nulls("score")
    at_the_top = pl.col("score") == pl.col("score").max().over("seed", "fold")
    shares = cells.with_columns(at_the_top=at_the_top).filter(~pl.col("is_member")).group_by("seed", "fold")
    return float(shares.agg(pl.col("at_the_top").mean())["at_the_top"].mean() or 0.0)  # type: ignore[arg-type]


def _no_auc(results: Results, section: Section) -> Iterator[str]:
    """Why attacks other than the primary one have no AUC."""
    for attack in results.facts.attacks:
        aucs = [point.estimate("auc", attack.label) for point in (section.floor, *section.points)]
        reasons = dict.fromkeys(auc.reason for auc in aucs if auc.value is None and auc.reason != NOT_MEASURED)
        if reasons and attack.label != results.facts.study.primary:
            yield f"{attack.label} has no AUC (—): {next(iter(reasons))}."


def _refusals(results: Results, section: Section) -> Iterator[str]:
    study = results.facts.study
    keys: list[tuple[str, str | None]] = [("auc", study.primary)]
    keys += [(tpr_key(rate), study.primary) for rate in study.fpr]
    keys += [(quantity, None) for quantity in text_quantities(results)]
    numbers = [point.number(*key) for point in (section.floor, *section.points) for key in keys]
    for number in numbers:
        estimate = number.estimate
        if estimate.value is None and estimate.reason != NOT_MEASURED and not is_tied(estimate):
            yield f"{quantity_name(number.quantity)} is refused (—): {estimate.reason}."
    if any(number.estimate.reason == NOT_MEASURED for number in numbers):
        yield "some numbers are missing (—): they have not been measured, or their part of the study failed."
    missing = [method for method in method_labels(results) if section.best(method) is None]
    if missing:
        yield f"{joined(missing)} not measured."


def _still_falling(results: Results, section: Section) -> Iterator[str]:
    for method in method_labels(results):
        path = section.trajectory(method)
        if len(path) > 1 and path[-1].is_best:
            yield method


def _edge_of_the_search(results: Results) -> Iterator[tuple[str, str]]:
    tried = {method.label: sorted(method.learning_rates) for method in results.facts.methods}
    for found in results.facts.search:
        rates, rate = tried.get(found.method, []), found.learning_rate
        if found.chosen and len(rates) > 1 and rate in (rates[0], rates[-1]):
            end = "highest" if rate == rates[-1] else "lowest"
            said = f"the best learning rate, {plain(rate)}, is the {end} tried; a better one may lie beyond."
            yield f"{found.corpus} · {found.base}, {found.method}", said
