"""A small study that no model has seen and that passes every check which applies to it: one base, corpus and method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import polars as pl
import pytest

from vestige.attacks.base import Assumes
from vestige.checks.base import Verdict
from vestige.checks.registry import discover
from vestige.metrics.comparison import PRIMARY_LEVEL, AtLevel, Comparison, Crossing, CurvePoint, Standing
from vestige.outcome.facts import (
    AttackFacts,
    BaseFacts,
    ComparisonFacts,
    CorpusFacts,
    Facts,
    GenerateFacts,
    MethodFacts,
    NamedPrimary,
    RoleSize,
    StudyFacts,
    TrainingFacts,
)
from vestige.outcome.frames import ESTIMATES, LOSSES, SCORES, Results
from vestige.outcome.lengths import Lengths
from vestige.records import Counts, Estimate

Row = dict[str, Any]
Change = Callable[..., Results]

EPOCHS = (1.0, 2.0, 3.0)
BEST = 2.0
NON_MEMBERS = 200
"""Of each training; there are six: three seeds, two folds."""


@pytest.fixture
def sound() -> Results:
    """Two attacks, of which `ref` is the primary one, two floors without a model, and a method measured three times."""
    return Results(
        facts=_facts(),
        estimates=pl.DataFrame(list(_estimates()), schema=ESTIMATES, orient="row"),
        scores=pl.DataFrame(schema=SCORES),
        losses=pl.DataFrame(schema=LOSSES),
    )


@pytest.fixture
def verdict() -> Callable[[str, Results], Verdict]:
    """The verdict of the check with a code."""
    return lambda code, results: discover()[code]().look(results)


@pytest.fixture
def with_facts(sound: Results) -> Change:
    """The study with other facts; those of `study` by their own names."""

    def change(study: Row | None = None, **facts: Any) -> Results:
        return replace(sound, facts=replace(sound.facts, study=replace(sound.facts.study, **(study or {})), **facts))

    return change


@pytest.fixture
def with_rows(sound: Results) -> Change:
    """The study with other values in those estimates for which all of `where` holds."""

    def change(where: Row, **values: Any) -> Results:
        those = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(value)) for name, value in where.items())
        columns = {
            name: pl.when(those).then(pl.lit(value, ESTIMATES[name])).otherwise(name) for name, value in values.items()
        }
        return replace(sound, estimates=sound.estimates.with_columns(**columns))

    return change


@pytest.fixture
def without_rows(sound: Results) -> Change:
    """The study without those estimates for which all of `where` holds."""

    def change(**where: Any) -> Results:
        those = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(value)) for name, value in where.items())
        return replace(sound, estimates=sound.estimates.filter(~those))

    return change


def _attack(label: str, **assumes: bool) -> AttackFacts:
    """An attack of which nothing matters but its name and what it assumes."""
    assumed = asdict(Assumes(**assumes))
    passes = assumed.pop("passes")
    return AttackFacts(label, "loss on the base", "One.", assumed, passes, learner=None, train_on={}, name=label)


def _facts() -> Facts:
    lengths = Lengths(texts=400, tokens=4000, scored=3600, cut=0, unscorable=0)
    return Facts(
        study=StudyFacts(
            name="sound",
            seeds=(0, 1, 2),
            folds=2,
            utility=("loss",),
            training=TrainingFacts("none", 3.0, 8, EPOCHS, {}),
            generate=GenerateFacts(max_new_tokens=64, texts=100),
            primary="ref",
            primaries=(NamedPrimary("ref", "2026-01-01T10:00:00+00:00"),),
            attacked_since="2026-01-01T10:00:09+00:00",
            fpr=(0.1,),
        ),
        bases=(BaseFacts("tiny", "folder", None, "float32", has_end=True, model={}),),
        corpora=(
            CorpusFacts(
                name="notes",
                source="own files",
                max_length=64,
                dropped_duplicates=0,
                sha256="",
                roles={"pool": RoleSize(400, 400), "validation": RoleSize(100, 100)},
                lengths={"tiny": {"pool": lengths, "validation": replace(lengths, texts=100)}},
            ),
        ),
        methods=(MethodFacts("lora", "lora", "parameter", {}, (1e-3,), {}),),
        attacks=(_attack("loss"), _attack("ref", reference_model=True)),
        attack_models=(),
        floors=("blind_bow", "blind_length"),
        corners=(),
        search=(),
        failures=(),
        environments=(),
        seconds={},
        comparisons=(ComparisonFacts("tiny", "notes", _comparison()),),
    )


def _comparison() -> Comparison:
    """The one method at 90% of its own gain: between the second and the third of three attacked checkpoints."""
    auc = Estimate(0.7, 0.65, 0.75, Counts(), "auc")
    gain = Estimate(1.0, 0.9, 1.1, Counts(), "gain")
    curve = tuple(CurvePoint(epoch / 3, 2.0, epoch, 0.7, 0.6, 0.8, attacked=True) for epoch in EPOCHS)
    crossing, found = Crossing(PRIMARY_LEVEL, 2.1, 2.5), AtLevel("ref", PRIMARY_LEVEL, auc)
    standing = Standing("lora", 1e-3, (), gain, "", (crossing,), (found,), None, curve)
    return Comparison("loss", "ref", 0.05, 3.0, gain, (standing,), (), (), "retrainings", 0.05)


def _estimates() -> Iterator[Row]:
    base = {"base": "tiny", "corpus": "notes", "is_best": True, "is_last": True, "reason": "", "unscored": "{}"}
    yield from _rows(base, auc=0.5, attacks=("loss", "ref", "blind_bow", "blind_length"))
    for name in ("blind_bow", "blind_length"):
        for quantity, value, low, high in (("auc_null", 0.5, 0.44, 0.56), ("p_value", 0.4, 0.33, 0.47)):
            ends = {"value": value, "low": low, "high": high}
            yield {**base, "attack": name, "quantity": quantity, "signature": quantity, **ends}
    for epoch in EPOCHS:
        names = {"method": "lora", "family": "parameter", "learning_rate": 1e-3, "epoch": epoch}
        moment = {"is_best": epoch == BEST, "is_last": epoch == EPOCHS[-1]}
        yield from _rows({**base, **names, **moment}, auc=0.7, attacks=("loss", "ref"))


def _rows(point: Row, *, auc: float, attacks: tuple[str, ...]) -> Iterator[Row]:
    counts = {"members": 6 * NON_MEMBERS, "non_members": 6 * NON_MEMBERS, "texts": 400, "groups": 400}
    for name in attacks:
        for quantity, value in (("auc", auc), ("tpr@0.1", auc - 0.35)):
            ends = {"value": value, "low": value - 0.05, "high": value + 0.05}
            made = {"attack": name, "quantity": quantity, "signature": quantity}
            yield {**point, **counts, **made, **ends, "apart": ""}
    for quantity in ("loss", "perplexity"):
        yield {**point, "quantity": quantity, "signature": quantity, "value": 2.0, "low": 1.9, "high": 2.1}
