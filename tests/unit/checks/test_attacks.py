"""What an attack was told, which texts it was judged on, and what its scores can carry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from vestige.checks.base import Remark, Verdict
from vestige.outcome.frames import SCORES, Results
from vestige.records import TIES

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]

REFUSED = {"value": None, "low": None, "high": None}
WHERE = "notes · tiny"
KNOWN = json.dumps({"member:known_member": 7, "member:too_short": 1})


@pytest.fixture
def told(sound: Results) -> Results:
    """The study in which `loss` is told members."""
    loss, ref = sound.facts.attacks
    knowing = replace(loss, assumes={**loss.assumes, "known_members": True})
    return replace(sound, facts=replace(sound.facts, attacks=(knowing, ref)))


def _leaving_out(results: Results, *, folds: int = 2) -> Results:
    of_loss = pl.when(pl.col("attack") == "loss").then(pl.lit(KNOWN)).otherwise("unscored")
    study = replace(results.facts.study, folds=folds)
    estimates = results.estimates.with_columns(unscored=of_loss)
    return replace(results, facts=replace(results.facts, study=study), estimates=estimates)


def test_an_attack_that_is_told_members_takes_them_from_all(verdict: Judge, told: Results) -> None:
    (remark,) = verdict("V014", _leaving_out(told)).remarks
    assert remark.place == WHERE
    assert remark.said == (
        "loss is told some of the training texts beforehand. No attack is judged on finding these, or the others of "
        "their groups: 7 texts are left out as members, summed over the trainings. Where the other fold was trained "
        "they are non-members, and count as such."
    )
    (remark,) = verdict("V014", _leaving_out(told, folds=1)).remarks
    assert "other fold" not in remark.said


def test_members_that_nobody_misses(verdict: Judge, sound: Results, told: Results) -> None:
    assert verdict("V014", told) == Verdict(), "none of those that it is told is in the evaluation"
    assert verdict("V014", sound).reason == "no attack is told members"


def test_an_attack_on_texts_of_its_own(verdict: Judge, sound: Results, with_rows: Change, with_facts: Change) -> None:
    assert verdict("V015", sound) == Verdict()
    apart = with_rows({"attack": "loss", "quantity": "auc"}, apart="it scores 12 of 60 texts")
    words = (
        "loss is not compared on the texts of the others: it scores 12 of 60 texts, and the others would lose the "
        "rest. Its numbers are of its own texts."
    )
    assert verdict("V015", apart).remarks == (Remark(words, WHERE),)
    alone = with_facts(attacks=sound.facts.attacks[1:])
    assert verdict("V015", alone).reason == "there is one attack alone"


def test_non_members_that_are_few_for_a_rate(verdict: Judge, sound: Results, with_facts: Change) -> None:
    """200 non-members of each training: 20 for 10%, 4 for 2%, 1 for 0.5%, none for 0.1%."""
    assert verdict("V016", sound) == Verdict()
    (remark,) = verdict("V016", with_facts({"fpr": (0.1, 0.02, 0.005, 0.001)})).remarks
    assert remark.place == WHERE
    assert remark.said.startswith("200 non-members per training are few for an FPR of 2% and 0.5%: the TPR there is")
    assert verdict("V016", with_facts({"fpr": (0.05,)})) == Verdict(), "ten are enough"
    for rates in ((), (0.001,)):
        assert verdict("V016", with_facts({"fpr": rates})).reason == "no TPR has been measured"


def _tied(results: Results, **estimates: Any) -> Results:
    """A fifth of the non-members have the highest score in both cells of the best checkpoint."""
    cells = []
    for fold in "AB":
        names = {"base": "tiny", "corpus": "notes", "method": "lora", "learning_rate": 1e-3, "epoch": 2.0, "seed": 0}
        texts = {"id": [f"{text}" for text in range(20)], "group": "", "is_member": np.arange(20) % 2 == 0}
        score = [9.0 if text in (1, 2, 3) else -float(text) for text in range(20)]
        cells.append(pl.DataFrame({**names, "fold": fold, "attack": "ref", **texts, "score": score, "reason": ""}))
    scores = pl.concat([cell.select(pl.col(name).cast(kind) for name, kind in SCORES.items()) for cell in cells])
    return replace(results, scores=scores, **estimates)


def test_ties_that_leave_no_rate(verdict: Judge, sound: Results, with_rows: Change, with_facts: Change) -> None:
    assert verdict("V017", _tied(sound)) == Verdict(), "the TPR is not refused"
    where = {"method": "lora", "attack": "ref", "quantity": "tpr@0.1", "epoch": 2.0}
    refused = with_rows(where, **REFUSED, reason=f"{TIES}: 2 of the 10 non-members of cell 0/A share it")
    (remark,) = verdict("V017", _tied(refused)).remarks
    assert remark.place == "notes · tiny, lora"
    assert "share the highest score of ref (20% at epoch 2): every threshold" in remark.said
    assert "there is no TPR at 10% FPR" in remark.said
    other = with_rows(where, **REFUSED, reason="too few non-members")
    assert verdict("V017", _tied(other)) == Verdict()
    assert verdict("V017", with_facts({"fpr": ()})).reason == "no TPR has been measured"


def test_attacks_without_an_auc(verdict: Judge, sound: Results, with_rows: Change, without_rows: Change) -> None:
    assert verdict("V018", sound) == Verdict()
    reason = "cell 0/A: all 59 scores are equal"
    refused = {**REFUSED, "reason": reason}
    (remark,) = verdict("V018", with_rows({"attack": "loss", "quantity": "auc", "method": "lora"}, **refused)).remarks
    assert remark == Remark(f"loss has no AUC (—): {reason}.", WHERE)
    primary = with_rows({"attack": "ref", "quantity": "auc"}, **refused)
    assert verdict("V018", primary) == Verdict(), "of the primary one V019 tells"
    assert verdict("V018", without_rows(attack="loss")).outcome == "not applicable"
