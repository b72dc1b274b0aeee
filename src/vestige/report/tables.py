"""The tables of the report as rows of cells: what the page prints and nothing that it computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from vestige.outcome.facts import AttackFacts, Tried
from vestige.outcome.frames import Results
from vestige.outcome.points import (
    Point,
    Section,
    best_and_last,
    method_labels,
    searched,
    sections,
    text_quantities,
)
from vestige.outcome.wording import REFUSED, explained, moment, plain, quantity_name, shown, tpr_key
from vestige.records import Counts, Estimated

TRAINS = "the attacker trains models of his own before the first text is scored"


@final
@dataclass(frozen=True)
class Cell:
    """A text, a longer one for its tooltip, and the place in the study of the method whose colour marks it; `kind`:
    the verdict that colours it. `number`: what the text says, for files that others compute with.
    """

    text: str
    title: str = ""
    method: int | None = None
    kind: str = ""
    number: Estimated | None = None


@final
@dataclass(frozen=True)
class Row:
    """A line of a table; `kind` is `floor` for the base, `pick` for a choice, `published` for numbers of others."""

    cells: tuple[Cell, ...]
    kind: str = ""


@final
@dataclass(frozen=True)
class Group:
    """Rows under one heading, with a sentence about them; both may be empty."""

    rows: tuple[Row, ...]
    title: str = ""
    about: str = ""


@final
@dataclass(frozen=True)
class Table:
    """Column heads and groups of rows."""

    head: tuple[str, ...]
    groups: tuple[Group, ...]


def headline(results: Results) -> Table:
    """The primary attack: the base as floor, then each method at its best validation loss and at its end."""
    study = results.facts.study
    rates = [tpr_key(fpr) for fpr in study.fpr]
    is_told = results.estimates["quantity"].eq("memorization").any()
    utility = ["perplexity", "loss", *text_quantities(results), *(["memorization"] if is_told else [])]
    names = [quantity_name(one) for one in (*utility, "auc", *rates)]
    head = ("Method", "Checkpoint", "Epoch", "Learning rate", *names)
    leakage = [(quantity, study.primary) for quantity in ("auc", *rates)]
    groups = (Group(tuple(_headline_rows(results, one, utility, leakage)), one.name) for one in sections(results))
    return Table(head, tuple(groups))


def _headline_rows(
    results: Results, section: Section, utility: list[str], leakage: list[tuple[str, str]]
) -> Iterator[Row]:
    for label, point in _shown_points(results, section):
        numbers = [*(point.number(quantity) for quantity in utility), *(point.number(*key) for key in leakage)]
        settings = [Cell(moment(point)), Cell(plain(point.epoch)), Cell(plain(point.learning_rate))]
        if point.method is None:
            settings = [Cell("before", "before fine-tuning"), Cell(REFUSED), Cell(REFUSED)]
        yield Row((label, *settings, *map(as_cell, numbers)), "floor" if point.method is None else "")


def attack_table(results: Results, section: Section) -> Table:
    """Every attack on one base and corpus, with the counts behind the numbers; a group of rows for each attack."""
    facts = results.facts
    rates = [tpr_key(fpr) for fpr in facts.study.fpr]
    names = [quantity_name(one) for one in ("auc", *rates)]
    head = ("Method", "Checkpoint", "Epoch", *names, "Members", "Non-members", "Groups", "Left out")
    groups = []
    for attack in facts.attacks:
        label = attack.label
        title = f"{label} (primary)" if label == facts.study.primary else label
        about = f"{attack.about} Floor: {attack.control_label}."
        groups.append(Group(tuple(_attack_rows(results, section, label, rates)), title, about))
    return Table(head, tuple(groups))


def _attack_rows(results: Results, section: Section, attack: str, rates: list[str]) -> Iterator[Row]:
    for label, point in _shown_points(results, section):
        auc = point.number("auc", attack)
        numbers = map(as_cell, [auc, *(point.number(rate, attack) for rate in rates)])
        found = auc.estimate.counts
        counts = (Cell(f"{count:,}") for count in (found.members, found.non_members, found.groups))
        settings = (Cell(moment(point)), Cell(plain(point.epoch)))
        if point.method is None:
            settings = (Cell("before", "before fine-tuning"), Cell(REFUSED))
        yield Row((label, *settings, *numbers, *counts, _left_out(found)), "floor" if point.method is None else "")


def cost_table(results: Results, section: Section) -> Table:
    """AUC of every attack beside what one text costs it; those that learned elsewhere are in `transfer_table`."""
    columns = [(cell, point) for cell, point in _shown_points(results, section) if point.method is not None]
    attacks = [attack for attack in results.facts.attacks if not attack.train_on]
    rows = [Row((Cell(attack.label, attack.about), _cost_cell(attack), *_aucs(attack, columns))) for attack in attacks]
    return Table(("Attack", "Passes per text", *_moments(columns)), (Group(tuple(rows)),))


def _cost_cell(attack: AttackFacts) -> Cell:
    passes = str(attack.passes)
    return Cell(f"{passes} + training", TRAINS) if attack.assumes["shadow_models"] else Cell(passes)


def _moments(columns: list[tuple[Cell, Point]]) -> list[str]:
    return [f"{cell.text}, {moment(point)}" for cell, point in columns]


def _aucs(attack: AttackFacts, columns: list[tuple[Cell, Point]]) -> list[Cell]:
    return [as_cell(point.number("auc", attack.label)) for _, point in columns]


def transfer_table(results: Results, section: Section) -> Table | None:
    """AUC of the attack models that go from one method, corpus or base to another, beside those that learned from the
    shadow of the target's own method; None where none goes anywhere.
    """
    attacks = results.facts.attacks
    going = [attack.learner for attack in attacks if attack.learner and attack.train_on]
    columns = [(cell, point) for cell, point in _shown_points(results, section) if point.method is not None]
    groups = []
    for learner in dict.fromkeys(attack.learner for attack in attacks):
        if learner in going:
            rows = [_transfer_row(attack, columns) for attack in attacks if attack.learner == learner]
            groups.append(Group(tuple(rows), learner))
    head = ("Learned from the shadow of", *_moments(columns))
    return Table(head, tuple(groups)) if groups else None


def _transfer_row(attack: AttackFacts, columns: list[tuple[Cell, Point]]) -> Row:
    source = ", ".join(f"{what} {name}" for what, name in attack.train_on.items()) or "the method itself"
    return Row((Cell(source), *_aucs(attack, columns)))


def floor_table(results: Results) -> Table:
    """What tells members from non-members without any model, for each base and corpus, and the odds of chance."""
    quantities = ["auc", "auc_null", "p_value", *map(tpr_key, results.facts.study.fpr)]
    head = ("Floor", *map(quantity_name, quantities), "Groups", "Left out")
    groups = []
    for section in sections(results):
        rows = [_floor_row(section, floor, quantities) for floor in results.facts.floors]
        groups.append(Group(tuple(rows), section.name))
    return Table(head, tuple(groups))


def _floor_row(section: Section, name: str, quantities: list[str]) -> Row:
    numbers = [section.floor.number(quantity, name) for quantity in quantities]
    counts = numbers[0].estimate.counts
    return Row((Cell(name), *map(as_cell, numbers), Cell(f"{counts.groups:,}"), _left_out(counts)), "floor")


def _left_out(counts: Counts) -> Cell:
    """How many texts have no score, and why: `2 member: too short, 1 non member: too short`."""
    reasons = (f"{count} {why.replace(':', ': ').replace('_', ' ')}" for why, count in sorted(counts.unscored.items()))
    return Cell(f"{sum(counts.unscored.values()):,}", ", ".join(reasons))


def search_table(results: Results) -> Table | None:
    """The validation loss of every learning rate that was tried; None where there was nothing to choose."""
    groups = []
    for section in sections(results):
        found = searched(results, section)
        rows = []
        for one in found:
            loss = REFUSED if one.loss is None else f"{one.loss:.3f}"
            cells = (method_cell(results, one.method), Cell(plain(one.learning_rate)), Cell(loss))
            when = Cell(plain(epoch_of_lowest(one)))
            verdict = Cell(search_verdict(one, found))
            rows.append(Row((*cells, when, verdict), "pick" if one.chosen else ""))
        if rows:
            groups.append(Group(tuple(rows), section.name))
    head = ("Method", "Learning rate", "Lowest validation loss", "at epoch", "")
    return Table(head, tuple(groups)) if groups else None


def epoch_of_lowest(searched: Tried) -> float | None:
    """The epoch of the lowest validation loss of a searched learning rate; None where nothing is known of it."""
    return min(searched.losses, key=searched.losses.__getitem__, default=None)


def search_verdict(one: Tried, found: list[Tried]) -> str:
    """Of the chosen rate what may be better, one beyond those tried or a longer training; of another, whether it is
    as good as far as the texts can tell.
    """
    return _of_chosen(one, found) if one.chosen else "within noise of the chosen one" if one.tied else ""


def _of_chosen(chosen: Tried, found: list[Tried]) -> str:
    tried = [one.learning_rate for one in found if one.method == chosen.method]
    rate = chosen.learning_rate
    said = ["chosen"] if chosen.rivals else []
    if len(tried) > 1 and not min(tried) < rate < max(tried):
        said.append(f"the {'highest' if rate == max(tried) else 'lowest'} tried")
    if epoch_of_lowest(chosen) == max(chosen.losses, default=None):
        said.append("still falling")
    return "; ".join(said)


def signature_table(results: Results) -> Table:
    """Every number of the study with its counts and its signature."""
    head = ("Method", "Epoch", "Learning rate", "Attack", "Quantity", "Value [95% interval]", "Counts", "Signature")
    groups = []
    for section in sections(results):
        rows = (
            _signed(results, point, number)
            for point in (section.floor, *section.points)
            for number in point.numbers.values()
        )
        groups.append(Group(tuple(rows), section.name))
    return Table(head, tuple(groups))


def _signed(results: Results, point: Point, number: Estimated) -> Row:
    estimate, found = number.estimate, number.estimate.counts
    text = shown(number) if estimate.value is not None else f"{REFUSED} {estimate.reason}"
    settings = (Cell(plain(point.epoch)), Cell(plain(point.learning_rate)), Cell(number.attack or REFUSED))
    counts = f"{found.members} + {found.non_members}" if found.members or found.non_members else f"{found.texts}"
    counts += f" texts, {found.groups} groups"
    value = Cell(text, number=number)
    last = (Cell(quantity_name(number.quantity)), value, Cell(counts), Cell(estimate.signature))
    return Row((method_cell(results, point.method), *settings, *last), "floor" if point.method is None else "")


def as_cell(number: Estimated) -> Cell:
    """A number with what stands behind it."""
    return Cell(shown(number), explained(number.estimate), number=number)


def method_cell(results: Results, method: str | None) -> Cell:
    """The name of a method in its colour, or the base."""
    labels = method_labels(results)
    if method is None:
        return Cell("base (floor)", "the model before fine-tuning")
    return Cell(method, method=labels.index(method) if method in labels else None)


def _shown_points(results: Results, section: Section) -> Iterator[tuple[Cell, Point]]:
    """The base, then each method at its best and at its last checkpoint (once, where they are the same)."""
    yield method_cell(results, None), section.floor
    for method in method_labels(results):
        for point in best_and_last(section, method):
            yield method_cell(results, method), point
