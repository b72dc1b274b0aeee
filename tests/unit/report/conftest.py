"""A finished study that no model has seen: two corpora, two methods, four checkpoints, and every kind of trouble."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from vestige.attacks.base import Assumes
from vestige.metrics.comparison import (
    LEVELS,
    MEMORIZATION,
    AtLevel,
    Comparison,
    Crossing,
    CurvePoint,
    Difference,
    Standing,
    Verdict,
)
from vestige.outcome.facts import (
    AttackFacts,
    BaseFacts,
    ComparisonFacts,
    Corner,
    CorpusFacts,
    Environment,
    Facts,
    GenerateFacts,
    MethodFacts,
    NamedPrimary,
    RoleSize,
    StudyFacts,
    TrainingFacts,
    Tried,
)
from vestige.outcome.frames import ESTIMATES, LOSSES, SCORES, Results
from vestige.outcome.lengths import Lengths
from vestige.records import Counts, Estimate
from vestige.report.html import render

BASE = "tiny"
CORPORA = ("notes", "articles")
METHODS = ("lora", "prompt(tokens=50)")
ATTACKS = ("loss", "ref")
FLOORS = ("blind_length", "blind_bow")
EPOCHS = (0.5, 1.0, 2.0, 3.0)
RATES = {"lora": (3e-4, 1e-3), "prompt(tokens=50)": (1e-2, 3e-2)}
SIGNATURE = "cells:2|seeds:1|boot:1000|unit:group|level:0.95|seed:0|v:1"
TEXTS = 60
FRAMES = ("estimates", "scores")

# Validation loss per epoch: the first method turns, the second still falls.
LOSS = {"lora": (2.2, 1.9, 1.8, 2.0), "prompt(tokens=50)": (2.6, 2.3, 2.1, 2.05)}
AUC = {"lora": (0.55, 0.62, 0.78, 0.93), "prompt(tokens=50)": (0.50, 0.52, 0.55, 0.56)}


@pytest.fixture
def results() -> Results:
    """The study as it should be."""
    return _results()


@functools.cache
def _results() -> Results:
    return Results(
        facts=FACTS,
        estimates=pl.DataFrame(list(_estimates()), schema=ESTIMATES, orient="row"),
        scores=pl.concat([pl.DataFrame(frame, schema=SCORES) for frame in _scores()]),
        losses=pl.DataFrame(schema=LOSSES),
    )


@pytest.fixture(scope="session")
def page() -> str:
    """Its page, made once."""
    return render(_results())


@pytest.fixture(scope="session")
def one_corpus() -> Results:
    """The study on its first corpus alone, which halves the figures."""
    results = _results()
    first = pl.col("corpus") == CORPORA[0]
    facts = replace(results.facts, corpora=results.facts.corpora[:1])
    return replace(results, facts=facts, estimates=results.estimates.filter(first), scores=results.scores.filter(first))


@pytest.fixture
def comparison() -> Callable[..., Comparison]:
    """Makes a comparison; see `comparison_of`."""
    return comparison_of


@pytest.fixture
def compared(one_corpus: Results) -> Results:
    """The same with its methods compared at equal utility: the first leaks more by .21 [.16, .26]."""
    comparison = comparison_of({"lora": (0.71, 0.051), "prompt(tokens=50)": (0.50, 0.010)})
    facts = ComparisonFacts(BASE, CORPORA[0], comparison)
    return replace(one_corpus, facts=replace(one_corpus.facts, comparisons=(facts,)))


@pytest.fixture
def renamed(compared: Results) -> Callable[[dict[str, str]], Results]:
    """The study on one corpus with other names wherever the old ones stand alone."""

    def rename(names: dict[str, str]) -> Results:
        frames = {name: getattr(compared, name).with_columns(pl.col(pl.String).replace(names)) for name in FRAMES}
        return replace(compared, facts=_renamed(compared.facts, names), **frames)

    return rename


def comparison_of(found: Mapping[str, tuple[float, float]], *, wide: float = 0.05, **changes: Any) -> Comparison:
    """Methods with their AUC and memorization at 90% of the common reach; every difference is ± `wide`, in hundredths
    of a nat for memorization.
    """
    standings = tuple(_standing(name, auc, nats) for name, (auc, nats) in found.items())
    pairs = itertools.combinations(standings, 2)
    comparison = Comparison(
        utility="loss",
        primary="ref",
        margin=0.05,
        base_loss=3.0,
        reach=_interval(0.9, 0.06, "reach"),
        standings=standings,
        differences=tuple(row for one, other in pairs for row in _differences(one, other, wide)),
        at_rate=(),
        scope="retrainings",
        resolution=0.06,
    )
    return replace(comparison, **changes)


def _standing(method: str, auc: float, nats: float) -> Standing:
    at = {level: 0.5 + (auc - 0.5) * (0.4 + 6 * (level - 0.8)) for level in LEVELS}
    found = [AtLevel(what, level, _interval(value, 0.04, "auc")) for level, value in at.items() for what in ATTACKS]
    found += [AtLevel(MEMORIZATION, level, _interval(nats * level / 0.9, 0.004, MEMORIZATION)) for level in LEVELS]
    shares = [0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 1.0, 0.97]
    curve = tuple(_along(share, epoch, auc) for epoch, share in enumerate(shares))
    crossings = tuple(Crossing(level, 3.0 - 0.9 * level, 4 * level) for level in LEVELS)
    gain, last = _interval(0.92, 0.05, "gain"), _interval(auc - 0.45, 0.05, "auc")
    return Standing(method, RATES.get(method, (0, 1e-3))[1], (), gain, "", crossings, tuple(found), last, curve)


def _along(share: float, epoch: float, auc: float) -> CurvePoint:
    value = min(0.5 + (auc - 0.5) * epoch / 4, 1.0)
    return CurvePoint(share, 3.0 - 0.9 * share, epoch, value, value - 0.03, value + 0.03, attacked=epoch > 1)


def _differences(one: Standing, other: Standing, wide: float) -> Iterator[Difference]:
    for what, level in itertools.product((*ATTACKS, MEMORIZATION), (*LEVELS, None)):
        ends = [standing.at(what, level=level or 0.9) for standing in (one, other)]
        first, second = (end.value if end and end.value else 0.0 for end in ends)
        half = wide / 10 if what == MEMORIZATION else wide
        gap, bound = first - second, abs(first - second) + 0.8 * half
        verdict: Verdict = "less" if gap < -half else "more" if gap > half else "undecided"
        if verdict == "undecided" and bound < (0.05 if what != MEMORIZATION else 0):
            verdict = "equivalent"
        number, found = _interval(gap, half, "difference"), (0.001 if abs(gap) > half else 0.3)
        loss = 3.0 - 0.9 * (level or 0.9)
        yield Difference(one.method, other.method, what, level, loss, number, found, found, bound, verdict)


def _interval(value: float, half: float, name: str) -> Estimate:
    counts = Counts(members=59, non_members=59, groups=30)
    return Estimate(value, value - half, value + half, counts, f"{name}|at:utility|{SIGNATURE}")


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _renamed(getattr(value, one.name), names) for one in fields(value)})
    if isinstance(value, dict):
        return {_renamed(key, names): _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_renamed(inner, names) for inner in value)
    return names.get(value, value) if isinstance(value, str) else value


def _estimates() -> Iterator[dict[str, Any]]:
    for corpus in CORPORA:
        floor = {"base": BASE, "corpus": corpus, "is_best": True, "is_last": True}
        yield from _rows(floor, loss=3.0, auc=0.5, attacks=(*ATTACKS, *FLOORS))
        for name in FLOORS:
            for quantity, ends in (("auc_null", (0.5, 0.44, 0.56)), ("p_value", (0.4, 0.33, 0.47))):
                made = {
                    "attack": name,
                    "quantity": quantity,
                    "signature": f"{quantity}|null:200 splits|v:1",
                    "reason": "",
                }
                yield {**floor, **made, **dict(zip(("value", "low", "high"), ends, strict=True)), "unscored": "{}"}
        for method in METHODS:
            best = int(np.argmin(LOSS[method]))
            for place, epoch in enumerate(EPOCHS):
                moment = {"epoch": epoch, "is_best": place == best, "is_last": epoch == EPOCHS[-1]}
                names = {"method": method, "learning_rate": RATES[method][1], "family": method.partition("(")[0]}
                yield from _rows({**floor, **moment, **names}, loss=LOSS[method][place], auc=AUC[method][place])


def _rows(
    point: dict[str, Any], *, loss: float, auc: float, attacks: tuple[str, ...] = ATTACKS
) -> Iterator[dict[str, Any]]:
    validation = {"texts": 40, "groups": 20, "members": 0, "non_members": 0, "unscored": "{}", "reason": ""}
    for quantity, value in (("loss", loss), ("perplexity", float(np.exp(loss)))):
        made = {"quantity": quantity, "signature": f"{quantity}|{SIGNATURE}"}
        yield {**point, **validation, **made, "value": value, "low": 0.95 * value, "high": 1.05 * value}
    counts = {"texts": TEXTS - 1, "groups": 30, "members": 59, "non_members": 59, "reason": ""}
    counts["unscored"] = json.dumps({"member:too_short": 1, "non_member:too_short": 1})
    for attack in attacks:
        made = {"attack": attack, "quantity": "auc", "signature": f"auc|{SIGNATURE}"}
        yield {**point, **counts, **made, "value": auc, "low": auc - 0.04, "high": min(auc + 0.04, 1.0)}
        if "method" in point:
            made = {"attack": attack, "quantity": "auc_above_floor", "signature": f"auc_above_floor|{SIGNATURE}"}
            yield {**point, **counts, **made, "value": auc - 0.5, "low": auc - 0.55, "high": auc - 0.45}
        tpr = (auc - 0.45) / 3
        made = {"attack": attack, "quantity": "tpr@0.1", "signature": f"tpr|fpr:0.1|{SIGNATURE}"}
        yield {**point, **counts, **made, "value": tpr, "low": tpr / 2, "high": tpr * 1.5}
        refused = {"reason": "cell 0/A has 30 scored non-members: FPR 0.01 needs at least 100"}
        yield {**point, **counts, **made, "quantity": "tpr@0.01", "signature": f"tpr|fpr:0.01|{SIGNATURE}", **refused}


def _scores() -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(0)
    for corpus in CORPORA:
        points: list[tuple[str | None, float | None, float | None, float]] = [(None, None, None, 0.5)]
        points += [(m, RATES[m][1], e, AUC[m][place]) for m in METHODS for place, e in enumerate(EPOCHS)]
        for method, rate, epoch, auc in points:
            for fold in "AB":
                is_member = (np.arange(TEXTS) % 2 == 0) == (fold == "A")
                for attack in ATTACKS:
                    score = random.normal(-2 + 3 * (auc - 0.5) * is_member, 0.7)
                    yield {
                        "base": BASE,
                        "corpus": corpus,
                        "method": method,
                        "learning_rate": rate,
                        "epoch": epoch,
                        "seed": 0,
                        "fold": fold,
                        "attack": attack,
                        "id": [f"{corpus}-{text}" for text in range(TEXTS)],
                        "group": [f"g{text // 2}" for text in range(TEXTS)],
                        "is_member": is_member,
                        "score": [None, *score[1:].tolist()],
                        "reason": ["too_short"] + [""] * (TEXTS - 1),
                    }


_LENGTH = Lengths(texts=40, tokens=2000, scored=1900, cut=7, unscorable=1)
_ROLES = {"pool": RoleSize(TEXTS, 30), "validation": RoleSize(40, 20), "shadow": RoleSize(0, 0)}


def _attack(label: str, about: str, assumed: Assumes) -> AttackFacts:
    assumes = asdict(assumed)
    passes = assumes.pop("passes")
    return AttackFacts(label, "loss on the base", about, assumes, passes, learner=None, train_on={})


def _method(label: str, family: str, trainable: int) -> MethodFacts:
    name = label.partition("(")[0]
    return MethodFacts(label, name, family, {"name": name, "warmup": 0.2}, RATES[label], {BASE: trainable})


def _tried(corpus: str, method: str, rate: float) -> Tried:
    loss = min(LOSS[method]) + 0.1 * (rate == RATES[method][0])
    chosen, rivals = rate == RATES[method][1], len(RATES[method]) - 1
    return Tried(BASE, corpus, method, rate, loss, {1.0: 2.9, 3.0: loss}, chosen, rivals)


FACTS = Facts(
    study=StudyFacts(
        name="small",
        seeds=(0,),
        folds=2,
        utility=("loss",),
        training=TrainingFacts("validation", 3.0, 8, EPOCHS, {"weight_decay": 0.0, "clip": 1.0}),
        generate=GenerateFacts(max_new_tokens=64, texts=100),
        primary="ref",
        primaries=(NamedPrimary("ref", "2026-01-01T10:00:00+00:00"),),
        attacked_since="2026-01-01T10:00:09+00:00",
        fpr=(0.1, 0.01),
    ),
    bases=(
        BaseFacts(BASE, "registry", "4 bits, de-quantized", "float32", has_end=True, model={"gguf_sha256": "ab" * 32}),
    ),
    corpora=tuple(
        CorpusFacts(
            name=corpus,
            source="own files",
            max_length=64,
            dropped_duplicates=2,
            sha256="cd" * 32,
            roles=_ROLES,
            lengths={BASE: {"pool": replace(_LENGTH, texts=TEXTS), "validation": _LENGTH}},
        )
        for corpus in CORPORA
    ),
    methods=(_method("lora", "parameter", 2_442_240), _method("prompt(tokens=50)", "prompt", 11_520)),
    attacks=(
        _attack("loss", "Mean log-probability.", Assumes()),
        _attack("ref", "Difference to the base.", Assumes(reference_model=True, passes=2)),
    ),
    attack_models=(),
    floors=FLOORS,
    corners=(Corner(BASE, "notes", "lora", "parameter", 1e-3, 3.0, "ref", "no_change", 3, 1),),
    search=tuple(_tried(corpus, method, rate) for corpus in CORPORA for method in METHODS for rate in RATES[method]),
    failures=(),
    environments=(
        Environment(
            vestige="0.1.0",
            commit="0123456789abcdef",
            dirty=True,
            record={
                "vestige": "0.1.0",
                "commit": "0123456789abcdef",
                "dirty": True,
                "python": "3.11.7",
                "packages": {"torch": "2.13.0"},
                "platform": "Linux x86_64",
                "processor": "some",
                "cores": 2,
                "threads": 2,
                "accelerator": None,
            },
        ),
    ),
    seconds={"stats": 268.2, "train": 7511.4, "utility": 0.0},
)
