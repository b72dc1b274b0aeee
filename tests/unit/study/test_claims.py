"""What a study file may claim, and what is wrong with it otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vestige.claims.judge import judge
from vestige.errors import ConfigError
from vestige.outcome.claims import Claim, Part
from vestige.study.results.collect import collect
from vestige.study.spec import make_study
from vestige.testing.studies import Outcome

Table = dict[str, Any]

CLAIM = {"methods": "lora(r=2)", "expected": "more", "against": ["prompt"]}


def test_claims_by_name_come_before_ones_own(table: Table) -> None:
    table["study"]["claims"] = "2507.00258"
    table["claim"] = [CLAIM, {**CLAIM, "says": "It leaks.", "epoch": 1, "margin": 0.02}]
    claims = make_study(table).claims
    assert [one.name for one in claims] == ["C1", "C2", "C3", "C4", "C5", "C6", "1", "2"]
    assert claims[-2].parts == (Part(("lora(r=2)",), "more", against=("prompt",)),)
    assert [one.said for one in claims[-2:]] == ["lora(r=2): leak more than prompt", "It leaks."]
    assert (claims[-1].epoch, claims[-1].margin) == (1, 0.02)


def test_a_study_claims_nothing_by_default(table: Table) -> None:
    assert make_study(table).claims == ()


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"methods": "lora", "expected": "more"}, "give one of against, grows_with and against_corpora, got none"),
        ({**CLAIM, "grows_with": "size"}, "got against and grows_with"),
        ({**CLAIM, "expected": "higher"}, "claim.1.expected"),
        ({**CLAIM, "againts": "x"}, "claim.1.againts: unknown key. Did you mean 'against'"),
        ({**CLAIM, "margin": 0}, "claim.1.margin"),
        ({**CLAIM, "attack": "los"}, "a claim is by the attack 'los', not used here. Did you mean 'loss'?"),
        ({"methods": "lora", "expected": "more", "grows_with": "size", "quantity": "utility"}, "give `against`"),
        ({"methods": "lora", "expected": "more", "against_corpora": "x"}, "name these too"),
    ],
)
def test_a_claim_that_says_nothing_is_refused(table: Table, claim: Table, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_study({**table, "claim": [claim]})
    assert words in str(caught.value)


def test_claims_that_nobody_knows_are_refused(table: Table) -> None:
    table["study"]["claims"] = ["2507.0258"]
    with pytest.raises(ConfigError, match=r"no claims are known of '2507.0258'. Did you mean '2507.00258'\?"):
        make_study(table)


def test_a_claim_on_a_finished_study_is_read_off_its_scores(finished: Outcome) -> None:
    """The difference of the AUCs of the table, at the last epoch; with one seed its interval spans the folds."""
    results = collect(finished.plan)
    claim = Claim("1", "", (Part(("lora",), "more", against=("prompt",)),))
    study = replace(results.facts.study, claims=(claim,))
    (one,) = judge(replace(results, facts=replace(results.facts, study=study)))
    found = one.rulings[0].answers[0].measured
    rows = results.estimates.filter(is_last=True, quantity="auc", attack=study.primary).drop_nulls("method")
    lora, prompt = rows.sort("method")["value"]
    assert found is not None
    assert found.value == pytest.approx(lora - prompt)
    assert found.wide > 0
