"""One suite over every attack there is: a new file in `vestige.attacks` is under test the moment it lands."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.attacks import Attack, Tables, discover, make_attack
from vestige.attacks.base import (
    CALIBRATION,
    COUNTS,
    GRADIENTS,
    TARGET_LOGP,
    Assumes,
    ComparingAttack,
    OtherCells,
    assumed_by,
    score_in_blocks,
)
from vestige.attacks.learned.base import LearnedAttack
from vestige.attacks.needs.view import is_rewritten
from vestige.forms import PLAIN
from vestige.records import GradientNorms, OtherCell, Scores, TokenCounts, View
from vestige.testing.attacks import check_attack, ready
from vestige.testing.stats import planted_tables, token_stats

ATTACKS = sorted(discover())
every_attack = pytest.mark.parametrize("name", ATTACKS)

logps = st.lists(st.lists(st.floats(-50, 0, width=32), max_size=12), min_size=1, max_size=8)


READ = {view.form for name in ATTACKS for need in make_attack(name).reads for view in need.views}
FORMS = sorted(READ - {PLAIN}, key=lambda form: form.name)


def _cells(base: list[list[float]]) -> tuple[OtherCell, ...]:
    """A cell that was trained on every text, and knows each a little better than the one that was trained on none."""
    trained = [[min(0.0, value + 0.5) for value in text] for text in base]
    both = ((trained, np.ones(len(base), dtype=bool)), (base, np.zeros(len(base), dtype=bool)))
    return tuple(OtherCell(token_stats(logp), is_member) for logp, is_member in both)


def _calibration() -> Tables:
    held = [[-1.0, -3.0], [-4.0], [-2.0, -0.5, -7.0]]
    return Tables(
        {View("target"): token_stats(held)}, {OtherCells(): _cells([[value - 0.1 for value in one] for one in held])}
    )


def _gradients(texts: int) -> GradientNorms:
    """All alike, in the order of `token_stats`."""
    ids = np.array([f"t{i}" for i in range(texts)], dtype=np.str_)
    return GradientNorms(ids=ids, first=np.full(texts, 3.0), second=np.ones(texts))


def _tables(target: list[list[float]], *, base: list[list[float]]) -> Tables:
    """Other forms of the texts are as likely as the texts are to the base, and have other tokens."""
    texts = {"zlib_bytes": [8 + len(text) for text in target], "n_bytes": [4 * len(text) for text in target]}
    extra: dict[str, list[list[float]]] = {
        "token_id": [[i % 5 for i in range(len(text))] for text in target],
        "mean_logp": [[-1.5] * len(text) for text in target],
        "var_logp": [[2.0] * len(text) for text in target],
        "rank": [[i % 3 for i in range(len(text))] for text in target],
    }
    others = [[5 + i % 5 for i in range(len(text))] for text in base]
    return Tables(
        {
            View("target"): token_stats(target, texts=texts, tokens=extra),
            View("base"): token_stats(base, texts=texts, tokens=extra),
            **{View("target", form): token_stats(base, tokens={"token_id": others}) for form in FORMS},
        },
        {
            COUNTS: TokenCounts(np.array([5, 0, 3, 1, 0, 0])),
            GRADIENTS: _gradients(len(target)),
            OtherCells(): _cells(base),
            CALIBRATION: _calibration(),
        },
    )


def _scores(name: str, tables: Tables) -> Scores:
    attack = make_attack(name)
    return attack.score(ready(attack, tables))


@every_attack
def test_keeps_the_promises_of_an_attack(name: str) -> None:
    check_attack(make_attack(name))


COMPARING = [name for name in ATTACKS if issubclass(discover()[name], ComparingAttack)]


@pytest.mark.parametrize("name", COMPARING)
def test_keeps_its_promises_with_a_shadow_as_its_reference_too(name: str) -> None:
    check_attack(make_attack({"name": name, "reference": "shadow"}))


@pytest.mark.parametrize("name", COMPARING)
def test_a_shadow_that_says_what_the_base_says_changes_no_score(name: str) -> None:
    tables = planted_tables(1.0, members=40, non_members=40).tables
    as_shadow = Tables({View("target"): tables[View("target")], View("shadow"): tables[View("base")]})
    scores = make_attack({"name": name, "reference": "shadow"}).score(as_shadow)
    assert np.array_equal(scores.values, make_attack(name).score(tables).values)
    assert "reference" not in make_attack(name).spec(), "keys of scores are older than this parameter"


@every_attack
def test_is_final_frozen_documented_and_named_by_one_literal(name: str) -> None:
    attack = discover()[name]
    assert getattr(attack, "__final__", False)
    assert attack.__doc__
    assert any(source in attack.__doc__ for source in ("arXiv", "doi", "No paper:")), "name the source, or its absence"
    assert "nscorable" in attack.__doc__
    assert get_args(attack.model_fields["name"].annotation) == (name,)
    with pytest.raises(ValueError, match="frozen"):
        make_attack(name).name = "other"  # type: ignore[misc]


@every_attack
def test_comes_back_from_its_json_spec(name: str) -> None:
    attack = make_attack(name)
    assert make_attack(json.loads(json.dumps(attack.spec()))) == attack
    assert attack.label == name


@every_attack
@settings(deadline=None)  # the first text waits until a trained attack has been fitted
@given(target=logps)
def test_every_score_is_finite_or_masked_with_a_reason(name: str, target: list[list[float]]) -> None:
    base = [[max(-50.0, value - 0.5) for value in text] for text in target]
    scores = _scores(name, _tables(target, base=base))
    assert np.array_equal(np.isfinite(scores.values), scores.reasons == "")
    assert all(reason for reason, text in zip(scores.reasons, target, strict=True) if not text)


@pytest.mark.parametrize("name", [name for name in ATTACKS if TARGET_LOGP in make_attack(name).reads])
def test_infinite_and_nan_log_probabilities_are_masked_not_scored(name: str) -> None:
    bad = [[-1.0, float("-inf"), -2.0], [-1.0, float("nan"), -2.0], [-1.0, -3.0, -2.0]]
    scores = _scores(name, _tables(bad, base=[[-1.0, -2.0, -3.0]] * 3))
    assert scores.reasons[:2].tolist() == ["not_finite", "not_finite"]
    assert scores.scored[2]


def _views(attack: Attack) -> list[View]:
    return [view for need in attack.reads for view in need.views]


COMPARING_FORMS = [name for name in ATTACKS if any(map(is_rewritten, _views(make_attack(name))))]


@pytest.mark.parametrize("name", COMPARING_FORMS)
def test_a_text_whose_other_form_is_the_text_itself_is_masked(name: str) -> None:
    """The first text has its own tokens in every form, with noise in their last digit; the second has others."""
    tables = _tables([[-1.0, -2.0], [-1.0, -2.0]], base=[[-1.0, -2.0 - 1e-6], [-1.5, -2.5]])
    views = dict(tables.views)
    for view in views:
        if is_rewritten(view):
            ids = {"token_id": [[0, 1], [7, 8]]}
            views[view] = token_stats([[-1.0, -2.0 - 1e-6], [-1.5, -2.5]], tokens=ids)
    scores = make_attack(name).score(replace(tables, views=views))
    assert scores.reasons.tolist() == ["unchanged", ""]


@every_attack
def test_no_text_at_all_is_no_error(name: str) -> None:
    assert _scores(name, _tables([], base=[])).values.shape == (0,)


TRAINED = [name for name in ATTACKS if issubclass(discover()[name], LearnedAttack)]


BY_LIKELIHOOD = (
    *("dc_pdd", "ez", "informia", "lira", "loss", "lowercase", "min_k", "min_k_pp", "min_k_pp_ref", "min_k_ref"),
    *("neighbourhood", "ratio", "recall", "ref", "rmia", "surp", "wbc", "zlib", "zlib_bits"),
)
"""The attacks that claim no more than that a member is likelier; others, and those to come, need not be here."""


@pytest.mark.parametrize("name", BY_LIKELIHOOD)
@given(data=st.data())
def test_a_text_that_the_target_finds_likelier_never_scores_lower(name: str, data: st.DataObject) -> None:
    """Every token raised alike; and one token alone, but for surp, whose choice of tokens it may change.
    Pac is about how far apart the tokens of a text lie, which likelier tokens may be; con_recall divides by the loss
    what may be negative; grad_norm reads no likelihood; what a trained attack makes of it is its own affair.
    """
    target = data.draw(st.lists(st.floats(-20, -5, width=16), min_size=1, max_size=50))
    raised = data.draw(st.floats(0, 4, width=16))
    place = None if name == "surp" else data.draw(st.none() | st.integers(0, len(target) - 1))
    after = [value + raised * (place in (None, i)) for i, value in enumerate(target)]
    scores = _scores(name, _tables([target, after], base=[[-10.0] * len(target)] * 2))
    before, now = scores.values
    assert scores.reasons[0] == scores.reasons[1]
    assert not now < before - 1e-9 * abs(before)


@every_attack
def test_blocks_of_texts_score_as_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = make_attack(name)
    needs = [*attack.reads, *attack.control_needs]
    tables = planted_tables(1.0, members=40, non_members=40, needs=needs).tables
    monkeypatch.setattr("vestige.attacks.base._TOKENS_PER_BLOCK", 100)
    for blocks, whole in (
        (score_in_blocks(attack, tables), attack.score(tables)),
        (score_in_blocks(attack, tables, control=True), attack.control(tables)),
    ):
        assert np.array_equal(blocks.ids, whole.ids)
        assert np.allclose(blocks.values, whole.values, rtol=1e-9, atol=1e-12, equal_nan=True)
        assert np.array_equal(blocks.reasons, whole.reasons)
        assert (blocks.notes is None) == (whole.notes is None)
    assert score_in_blocks(attack, ready(attack, _tables([], base=[]))).values.shape == (0,)


@every_attack
def test_an_attack_assumes_what_its_needs_take(name: str) -> None:
    """A table of the base is another model's; a pass for each view; what a shadow takes, and so on: of itself."""
    attack = make_attack(name)
    takes = assumed_by(attack.reads)
    assert attack.assumed == takes
    assert takes.passes >= len({view for need in attack.reads for view in need.views})
    assert takes.reference_model or not any(view.model != "target" for view in _views(attack))


def test_an_attack_that_assumes_less_than_its_needs_take_is_caught() -> None:
    ref = discover()["ref"]

    class Silent(ref):  # type: ignore[valid-type,misc]
        @property
        def assumed(self) -> Assumes:
            return Assumes()

    with pytest.raises(AssertionError, match="take more than it assumes: reference model, passes"):
        check_attack(Silent())


def test_a_scorer_turned_round_is_caught() -> None:
    loss = discover()["loss"]

    class Backwards(loss):  # type: ignore[valid-type,misc]
        def score(self, tables: Tables) -> object:
            scores = super().score(tables)
            return type(scores)(ids=scores.ids, values=-scores.values, reasons=scores.reasons)

    attack: Attack = Backwards()
    with pytest.raises(AssertionError, match="higher = more likely"):
        check_attack(attack)
