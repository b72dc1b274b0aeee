"""The kit for attacks: small attacks as an outside author would write them are accepted, and broken ones refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, final

import numpy as np
import pytest

from vestige.attacks import Attack, Tables
from vestige.attacks.base import (
    BASE_LOGP,
    CALIBRATION,
    COUNTS,
    GRADIENTS,
    N_BYTES,
    TARGET_LOGP,
    TARGET_MEAN,
    TARGET_RANK,
    TARGET_TOKEN,
    TARGET_VARIANCE,
    Assumes,
    Column,
    Needs,
    OtherCells,
    as_scores,
)
from vestige.attacks.needs.other_cells import mean_over_cells
from vestige.attacks.ragged import Ragged
from vestige.forms import Behind, Lowercase, Masked
from vestige.records import Floats, Scores, View
from vestige.testing.attacks import check_attack

Rule = Callable[[Tables], Floats]
LOWERCASE = Column(View("target", Lowercase()), "logp")


def attack(rule: Rule, *needs: object) -> Attack:
    """An attack that scores by a rule."""

    @final
    class Own(Attack):
        name: Literal["own"] = "own"
        needs: ClassVar[Needs]

        def score(self, tables: Tables) -> Scores:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.where(tables.lengths > 0, rule(tables), np.nan)
            return as_scores(tables, values, lengths=tables.lengths)

    Own.needs = needs  # type: ignore[assignment]
    return Own()


def right(tables: Tables) -> Floats:
    """Share of tokens that were the target's first choice."""
    ranks = tables.read(TARGET_RANK)
    return Ragged((ranks.values == 0).astype(float), ranks.offsets).means()


def over_bytes(tables: Tables) -> Floats:
    return tables.read(TARGET_LOGP).sums() / tables.read(N_BYTES)


def above_others(tables: Tables) -> Floats:
    outside = mean_over_cells(tables.read(OtherCells()), Ragged.means, members=False)
    return tables.read(TARGET_LOGP).means() - outside


def above_calibration(tables: Tables) -> Floats:
    held = np.sort(tables.read(CALIBRATION).read(TARGET_LOGP).means())
    above: Floats = tables.read(TARGET_LOGP).means() - held[len(held) // 2]
    return above


def rare(tables: Tables) -> Floats:
    logp, tokens = tables.read(TARGET_LOGP), tables.read(TARGET_TOKEN)
    frequencies = tables.read(COUNTS).frequencies(tokens.values.astype(int))
    return Ragged(logp.values - np.log(frequencies), logp.offsets).means()


VALID = {
    "rank alone": attack(lambda tables: -tables.read(TARGET_RANK).means(), TARGET_RANK),
    "first choices": attack(right, TARGET_RANK),
    "mean_logp alone": attack(lambda tables: tables.read(TARGET_MEAN).means(), TARGET_MEAN),
    "least sure places": attack(lambda tables: tables.read(TARGET_MEAN).lowest_means(share=0.2), TARGET_MEAN),
    "var_logp alone": attack(lambda tables: -tables.read(TARGET_VARIANCE).means(), TARGET_VARIANCE),
    "another form alone": attack(lambda tables: tables.read(LOWERCASE).means(), LOWERCASE),
    "n_bytes": attack(over_bytes, TARGET_LOGP, N_BYTES),
    "other cells": attack(above_others, TARGET_LOGP, OtherCells(0, 2)),
    "calibration alone": attack(above_calibration, TARGET_LOGP, CALIBRATION),
    "gradients alone": attack(lambda tables: -tables.read(GRADIENTS).first, GRADIENTS),
    "counts": attack(rare, TARGET_LOGP, TARGET_TOKEN, COUNTS),
}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_attack_is_accepted_whatever_it_reads(name: str) -> None:
    check_attack(VALID[name])


def _company(tables: Tables) -> Floats:
    means = tables.read(TARGET_LOGP).means()
    return means - np.nanmean(means)


BROKEN = {
    "the wrong sign": (attack(lambda tables: tables.read(TARGET_RANK).means(), TARGET_RANK), "higher = more likely"),
    "nothing that tells": (
        attack(lambda tables: -tables.read(N_BYTES), N_BYTES),
        "no declared column carries a signal.* It reads n_bytes of target; declare .* TARGET_LOGP",
    ),
    "the base alone": (
        attack(lambda tables: tables.read(BASE_LOGP).means(), BASE_LOGP),
        "no declared column carries a signal",
    ),
    "the company of a text": (attack(_company, TARGET_LOGP), "depends on the order or the company"),
    "noise": (
        attack(lambda tables: np.random.default_rng(0).normal(size=len(tables.ids)), TARGET_LOGP),
        "AUC 0.* on a planted signal",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_attack_is_refused_with_the_reason(name: str) -> None:
    broken, message = BROKEN[name]
    with pytest.raises(AssertionError, match=message):
        check_attack(broken)


def test_a_column_that_was_not_declared_is_not_there() -> None:
    from vestige.errors import DataError

    sly = attack(lambda tables: -tables.read(TARGET_RANK).means(), TARGET_LOGP)
    with pytest.raises(DataError, match="has no token column 'rank', only logp"):
        check_attack(sly)
    slyer = attack(lambda tables: -tables.read(GRADIENTS).first, TARGET_LOGP)
    with pytest.raises(DataError, match="no gradient norms: declare GRADIENTS in `needs`"):
        check_attack(slyer)


def test_a_text_without_tokens_that_is_scored_is_refused() -> None:
    @final
    class Zero(Attack):
        name: Literal["zero"] = "zero"
        needs: ClassVar[Needs] = (TARGET_LOGP,)

        def score(self, tables: Tables) -> Scores:
            values = np.nan_to_num(tables.read(TARGET_LOGP).means())
            return as_scores(tables, values, lengths=np.ones(len(values), dtype=int))

    with pytest.raises(AssertionError, match="scored a text without tokens"):
        check_attack(Zero())


def test_what_an_attack_assumes_follows_from_its_needs() -> None:
    found = {name: one.assumed for name, one in VALID.items()}
    assert found["rank alone"] == Assumes(distributions=True)
    assert found["n_bytes"] == found["another form alone"] == Assumes(texts=True)
    assert found["other cells"] == Assumes(reference_model=True, population=True, shadow_models=True, passes=3)
    assert found["calibration alone"] == found["counts"] == Assumes(population=True)
    assert found["gradients alone"] == Assumes(gradients=True, passes=3)
    masked = attack(above_others, Column(View("target", Masked(0, "bert")), "logp"))
    assert masked.assumed == Assumes(texts=True, passes=2)
    behind = attack(above_others, TARGET_LOGP, Column(View("target", Behind(256, "members")), "logp"))
    assert behind.assumed == Assumes(population=True, known_members=True, passes=2)
    shadow = attack(above_others, TARGET_LOGP, Column(View("shadow"), "logp"))
    assert shadow.assumed == Assumes(reference_model=True, population=True, shadow_models=True, passes=2)


def test_controls_are_of_the_base_alone_or_its_loss() -> None:
    own = {name for name, one in VALID.items() if one.has_own_control}
    assert own == VALID.keys() - {"other cells", "calibration alone"}
    assert VALID["gradients alone"].control_needs[0].views == (View("base"),)
    assert VALID["n_bytes"].control_needs[1].views == (View("base"),)
    assert VALID["other cells"].control_needs == (BASE_LOGP,)
    assert {name for name, one in VALID.items() if one.only_for_pool} == {"other cells", "calibration alone", "counts"}
