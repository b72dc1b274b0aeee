"""A study that no model has seen: parameter-based methods that leak more with every epoch, a prompt that never does,
and both alike where they are equally useful.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from vestige.claims.known import CLAIMS
from vestige.metrics.comparison import LEVELS, AtLevel, Comparison, Difference, Standing
from vestige.metrics.slopes import STANDINGS, Measured, Slope
from vestige.metrics.slopes import Standing as Place
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
    ScalingFacts,
    StudyFacts,
    TrainingFacts,
)
from vestige.outcome.frames import ESTIMATES, LOSSES, SCORES, Results
from vestige.records import Counts, Estimate

SIZES = {"small": 2**20, "middle": 2**21, "large": 2**22}
CORPORA = ("webnlg", "wikitext")
FAMILIES = {"lora": "parameter", "head": "parameter", "prompt": "prompt"}
EPOCHS = (1.0, 3.0)
SEATS = tuple(itertools.product((0, 1, 2), "AB"))
GROUPS, EACH = 40, 3
GAIN = {"lora": 0.90, "head": 0.91, "prompt": 0.92}


@pytest.fixture(scope="session")
def results() -> Results:
    """Three bases and two corpora; the claims of 2507.00258."""
    scores = pl.concat([pl.DataFrame(one, schema=SCORES) for one in _scores()])
    return Results(FACTS, pl.DataFrame(list(_estimates()), schema=ESTIMATES, orient="row"), scores, _NO_LOSSES)


@pytest.fixture(scope="session")
def auc_of() -> Callable[..., float]:
    """The true AUC of a method (`lora` or `prompt`) on a base after so many epochs."""
    return lambda *place: float(norm.cdf(_shift(*place) / 2**0.5))


@pytest.fixture
def comparisons() -> Callable[..., tuple[ComparisonFacts, ...]]:
    """The comparison of every base and corpus, changed as in `_comparison`."""
    return lambda **changes: tuple(
        ComparisonFacts(*pair, _comparison(**changes)) for pair in itertools.product(SIZES, CORPORA)
    )


def _shift(method: str, base: str, epoch: float) -> float:
    """By how many standard deviations members score higher."""
    if FAMILIES[method] == "prompt":
        return 0.02
    return {"small": 0.8, "middle": 1.1, "large": 1.4}[base] * (epoch / 3)


def _places() -> Iterator[tuple[str, str, str, float]]:
    return itertools.product(SIZES, CORPORA, FAMILIES, EPOCHS)


def _estimates() -> Iterator[dict[str, Any]]:
    for base, corpus, method, epoch in _places():
        names = {"base": base, "corpus": corpus, "method": method, "family": FAMILIES[method], "learning_rate": 1e-3}
        row = {**names, "epoch": epoch, "is_best": epoch == 3, "is_last": epoch == 3, "unscored": "{}", "reason": ""}
        loss = 3.0 - GAIN[method] * epoch / 3
        yield {**row, "quantity": "loss", "value": loss, "low": loss - 0.01, "high": loss + 0.01, "signature": "loss"}
        yield {**row, "attack": "ref", "quantity": "auc", "value": 0.7, "low": 0.6, "high": 0.8, "signature": "auc"}


def _scores() -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(0)
    texts = GROUPS * EACH
    group = np.repeat(np.arange(GROUPS), EACH)
    hard = random.normal(size=texts)
    for base, corpus, method, epoch in _places():
        for seed, fold in SEATS:
            is_member = (np.random.default_rng(seed).permutation(GROUPS) % 2 == (fold == "A"))[group]
            noise = 0.5 * hard + np.sqrt(0.75) * random.normal(size=texts)
            yield {
                "base": base,
                "corpus": corpus,
                "method": method,
                "learning_rate": 1e-3,
                "epoch": epoch,
                "seed": seed,
                "fold": fold,
                "attack": "ref",
                "id": [f"{corpus}-{text}" for text in range(texts)],
                "group": [f"g{one}" for one in group],
                "is_member": is_member,
                "score": noise + _shift(method, base, epoch) * is_member,
                "reason": [""] * texts,
            }


def _estimate(value: float, half: float) -> Estimate:
    """Value ± half."""
    return Estimate(value, value - half, value + half, Counts(), "made by hand")


def _comparison(*, gap: float = 0.01, half: float = 0.02, aside: tuple[str, ...] = ()) -> Comparison:
    """Every parameter-based method leaks more than every prompt by `gap` ± `half` at every level; of those that were
    set `aside` there is no difference.
    """
    differences = [_difference(*pair, gap, half, aside) for pair in itertools.combinations(FAMILIES, 2)]
    return Comparison(
        utility="loss",
        primary="ref",
        margin=0.05,
        base_loss=3.0,
        reach=_estimate(0.9, 0.05),
        standings=tuple(_standing(method, gap, method in aside) for method in FAMILIES),
        differences=tuple(differences),
        at_rate=(),
        scope="retrainings",
        resolution=0.05,
    )


def _standing(method: str, gap: float, is_aside: bool) -> Standing:
    auc = 0.6 + gap * (FAMILIES[method] == "parameter")
    found = () if is_aside else tuple(AtLevel("ref", level, _estimate(auc, 0.02)) for level in LEVELS)
    return Standing(method, 1e-3, (), _estimate(GAIN[method], 0.01), "never gets there" * is_aside, (), found, None, ())


def _difference(method: str, other: str, gap: float, half: float, aside: tuple[str, ...]) -> Difference:
    value = gap * ((FAMILIES[method] == "parameter") - (FAMILIES[other] == "parameter"))
    if {method, other} & set(aside):
        none = Estimate(None, None, None, Counts(), "", "never gets there")
        return Difference(method, other, "ref", 0.9, 2.2, none, None, None, None, "refused", "never gets there")
    return Difference(
        method, other, "ref", 0.9, 2.2, _estimate(value, half), 0.5, 0.5, abs(value) + 0.8 * half, "undecided"
    )


def _slope(method: str, standing: Place) -> Slope:
    """1 ± .2 for a tenfold at the end for what trains parameters, 0 ± .1 for prompts, and where sizes are as useful."""
    steep = FAMILIES[method] == "parameter" and standing == "last"
    points = tuple(Measured(float(size), _estimate(0.6, 0.01)) for size in SIZES.values())
    slope = _estimate(1.0, 0.2) if steep else _estimate(0.0, 0.1)
    return Slope(method, "ref", standing, slope, _estimate(0.0, 0.1), 0.99, points)


_NO_LOSSES = pl.DataFrame(schema=LOSSES)

FACTS = Facts(
    study=StudyFacts(
        name="claimed",
        seeds=(0, 1, 2),
        folds=2,
        utility=("loss",),
        training=TrainingFacts("none", 3.0, 8, EPOCHS, {}),
        generate=GenerateFacts(max_new_tokens=64, texts=100),
        primary="ref",
        primaries=(NamedPrimary("ref", None),),
        attacked_since=None,
        fpr=(),
        claims=CLAIMS["2507.00258"],
    ),
    bases=tuple(BaseFacts(name, "folder", None, "float32", True, {}, size) for name, size in SIZES.items()),
    corpora=tuple(
        CorpusFacts(name, name, 64, 0, "", {"pool": RoleSize(GROUPS * EACH, GROUPS)}, {}) for name in CORPORA
    ),
    methods=tuple(
        MethodFacts(name, name, family, {"name": name, "targets": "all"}, (1e-3,), {})
        for name, family in FAMILIES.items()
    ),
    attacks=(AttackFacts("ref", "loss on the base", "One.", {}, 2, None, {}),),
    attack_models=(),
    floors=(),
    corners=(),
    search=(),
    failures=(),
    environments=(),
    seconds={},
    comparisons=tuple(ComparisonFacts(*pair, _comparison()) for pair in itertools.product(SIZES, CORPORA)),
    scalings=tuple(
        ScalingFacts("parameters", name, tuple(_slope(*one) for one in itertools.product(FAMILIES, STANDINGS)))
        for name in CORPORA
    ),
)
