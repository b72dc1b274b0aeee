"""What was asked, of which data, on which machine: the facts of a study in words and tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from vestige.durations import duration
from vestige.errors import named, printable
from vestige.outcome.facts import AttackFacts, BaseFacts, CorpusFacts, Facts, MethodFacts, TrainingFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import cells_of
from vestige.outcome.primary import Naming, naming
from vestige.outcome.wording import REFUSED, joined, plain
from vestige.report.tables import Cell, Group, Row, Table, method_cell


def asked(results: Results) -> list[tuple[str, list[str]]]:
    """The study file in words: a term, and one or more sentences about it."""
    facts = results.facts
    return [
        (_plural("Base model", facts.bases), [_base(base) for base in facts.bases]),
        ("Corpora", [_corpus(corpus) for corpus in facts.corpora]),
        ("Methods", [_method(method) for method in facts.methods]),
        ("Training", [_training(facts.study.training)]),
        ("Trainings per number", [_cells(results)]),
        ("Attacks", [_attacks(facts)]),
    ]


def _plural(word: str, values: Collection[object]) -> str:
    return word if len(values) == 1 else f"{word}s"


def _base(base: BaseFacts) -> str:
    parts = (base.name, base.note, f"Frozen weights in {base.dtype}")
    return ". ".join(part for part in parts if part) + "."


def _corpus(corpus: CorpusFacts) -> str:
    roles = {role: size for role, size in corpus.roles.items() if size.texts}
    sizes = joined([f"{size.texts:,} {role} texts in {size.groups:,} groups" for role, size in roles.items()])
    return f"{corpus.name}: {sizes}; at most {corpus.max_length} tokens each."


def _method(method: MethodFacts) -> str:
    settings = ", ".join(f"{key} {_value(value)}" for key, value in method.spec.items() if key != "name")
    sizes = joined([f"{count:,} on {base}" for base, count in method.trainable.items()])
    rates = joined([plain(rate) for rate in method.learning_rates])
    trained = f" Trained parameters: {sizes}." if sizes else ""
    return f"{method.label} ({method.family}): {settings}; learning rate {rates}.{trained}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _training(training: TrainingFacts) -> str:
    points = joined([plain(point) for point in training.checkpoints])
    return f"Epochs: {plain(training.epochs)}; batch size {training.batch_size}; checkpoints at epochs {points}."


def _cells(results: Results) -> str:
    study = results.facts.study
    seeds = joined([str(seed) for seed in study.seeds])
    folds = "trained on one half of the pool and attacked with the other as non-members"
    folds += ", then the reverse" if study.folds == 2 else ", one way only"
    return f"{cells_of(results)}: {folds}; seeds: {seeds}. Metrics are computed for each and averaged."


def _attacks(facts: Facts) -> str:
    names = joined([attack.label for attack in facts.attacks])
    return f"{names}; the primary one, {_WHEN_NAMED[naming(facts.study)]}, is {facts.study.primary}."


_NAMED = 10
"""Near copies that the page names; the facts beside it have all."""

_WHEN_NAMED: Mapping[Naming, str] = {
    "before the run": "named before the run",
    "changed": "changed since the first run",
    "not on record": "named when is not on record",
    "late": "named when there were numbers already",
}


def data_table(results: Results) -> Table:
    """Texts and groups of each role, tokens, texts cut and unscorable, for each base's tokenizer."""
    head = ("Role", "Tokenizer of", "Texts", "Groups", "Tokens", "Scored tokens", "Cut", "Unscorable")
    groups = []
    for corpus in results.facts.corpora:
        dropped = f"{corpus.dropped_duplicates} duplicates dropped{_near_duplicates(corpus)}"
        about = f"source {corpus.source} · {dropped} · sha256 {corpus.sha256}"
        groups.append(Group(tuple(_data_rows(corpus)), corpus.name, about))
    return Table(head, tuple(groups))


def _near_duplicates(corpus: CorpusFacts) -> str:
    if corpus.near_duplicates is None:
        return ""
    pairs = [f"{printable(one)} ≈ {printable(other)}" for one, other in sorted(corpus.near_duplicates.items())]
    return f" · {len(pairs)} near copies left out{': ' if pairs else ''}{named(pairs, most=_NAMED)}"


def _data_rows(corpus: CorpusFacts) -> Iterator[Row]:
    for base, roles in corpus.lengths.items():
        for role, length in roles.items():
            count = (length.tokens, length.scored, length.cut, length.unscorable)
            numbers = (length.texts, corpus.roles[role].groups, *count)
            yield Row((Cell(role), Cell(base), *(Cell(f"{number:,}") for number in numbers)))


def base_table(results: Results) -> Table:
    """Which weights exactly: kind, data type and identity of each base."""
    rows = [
        Row((Cell(base.name), Cell(base.kind), Cell(base.dtype), Cell(_flat({"model": base.model}))))
        for base in results.facts.bases
    ]
    return Table(("Base", "Source", "Weights in", "Identity"), (Group(tuple(rows)),))


def method_table(results: Results) -> Table:
    """The full settings of each method."""
    rows = [
        Row((method_cell(results, method.label), Cell(method.family), Cell(_flat(method.spec))))
        for method in results.facts.methods
    ]
    return Table(("Method", "Family", "Settings"), (Group(tuple(rows)),))


def attack_table(results: Results) -> Table:
    """What each attack assumes that the attacker has, and its forward passes per text."""
    attacks = results.facts.attacks
    rows = [_assumed_row(attack) for attack in attacks]
    return Table(("Attack", *_ASSUMED.values(), "Passes per text"), (Group(tuple(rows)),))


def _assumed_row(attack: AttackFacts) -> Row:
    marks = (Cell("yes" if attack.assumes[name] else REFUSED) for name in _ASSUMED)
    return Row((Cell(attack.label, attack.about), *marks, Cell(str(attack.passes))))


_ASSUMED: Mapping[str, str] = {
    "log_probabilities": "Log-probabilities",
    "distributions": "Whole distributions",
    "texts": "Text as written",
    "reference_model": "Reference model",
    "population": "Population",
    "shadow_models": "Shadow models",
    "known_members": "Known members",
    "gradients": "Gradients",
}


def corner_table(results: Results) -> Table | None:
    """Texts that an attack scored by rule because its formula has no value there; None where there are none."""
    groups: dict[str, list[Row]] = {}
    for one in results.facts.corners:
        settings = (Cell(plain(one.epoch)), Cell(plain(one.learning_rate)), Cell(one.attack))
        counts = (Cell(one.note.replace("_", " ")), Cell(f"{one.members:,}"), Cell(f"{one.non_members:,}"))
        row = Row((method_cell(results, one.method), *settings, *counts))
        groups.setdefault(f"{one.corpus} · {one.base}", []).append(row)
    head = ("Method", "Epoch", "Learning rate", "Attack", "Corner", "Members", "Non-members")
    return Table(head, tuple(Group(tuple(rows), name) for name, rows in groups.items())) if groups else None


def attack_model_table(results: Results) -> Table | None:
    """What each attack model was fitted on, the settings that were chosen there, and how it did on texts of its own
    shadow that it had not seen; None where no attack is trained.
    """
    groups: dict[str, list[Row]] = {}
    for one in results.facts.attack_models:
        settings = (Cell(plain(one.epoch)), Cell(plain(one.learning_rate)), Cell(str(one.seed)))
        found = (Cell(one.attack), Cell(_flat(one.chosen)), Cell(f"{one.cross_validated_auc:.3f}"))
        counts = (Cell(f"{one.members:,}"), Cell(f"{one.non_members:,}"))
        row = Row((method_cell(results, one.method), *settings, *found, *counts))
        groups.setdefault(f"{one.corpus} · {one.base}", []).append(row)
    settings_head = ("Method", "Epoch", "Learning rate", "Seed")
    head = (*settings_head, "Attack", "Chosen", "AUC, cross-validated", "Members", "Non-members")
    return Table(head, tuple(Group(tuple(rows), name) for name, rows in groups.items())) if groups else None


def environment_tables(results: Results) -> list[Table]:
    """One two-column table for each environment that a stage of the study ran in."""
    return [_pairs(environment.record, head="Environment") for environment in results.facts.environments]


def seconds_table(results: Results) -> Table:
    """How long each stage took, all its tasks together."""
    seconds = results.facts.seconds
    rows = [Row((Cell(stage), Cell(duration(value), f"{value} s"))) for stage, value in seconds.items()]
    rows.append(Row((Cell("all"), Cell(duration(sum(seconds.values()))))))
    return Table(("Stage", "Time"), (Group(tuple(rows)),))


def commits(results: Results) -> str:
    """Versions and commits for the foot of the page; a dirty work tree is said."""
    found = []
    for one in results.facts.environments:
        commit = f"commit {one.commit[:12]}" if one.commit else "commit unknown"
        dirty = " with uncommitted changes" if one.dirty else ""
        found.append(f"vestige {one.vestige}, {commit}{dirty}")
    return "; ".join(dict.fromkeys(found))


def _pairs(record: Mapping[str, Any], *, head: str) -> Table:
    rows = [Row((Cell(key), Cell(REFUSED if value is None else _flat(value)))) for key, value in record.items()]
    return Table((head, ""), (Group(tuple(rows)),))


def _flat(value: object) -> str:
    """A nested JSON value on one line: `gguf_sha256 b179…, conversion 1`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else _value(value)
