"""What trained attacks promise beyond the conformance suite: arrays that answer as scikit-learn, and no cheating."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sklearn.metrics import roc_auc_score

from vestige.attacks import Tables, discover, make_attack
from vestige.attacks.learned.base import LearnedAttack, fingerprints, grouped_parts
from vestige.attacks.learned.tabular import TabularAttack
from vestige.errors import ConfigError, DataError
from vestige.records import AttackModel
from vestige.testing.stats import Planted, planted_tables

TRAINED = [name for name, attack in discover().items() if issubclass(attack, LearnedAttack)]
every_architecture = pytest.mark.parametrize("name", TRAINED)


def trained(name: str) -> LearnedAttack:
    attack = make_attack(name)
    assert isinstance(attack, LearnedAttack)
    return attack


def small(seed: int, *, texts: int = 30) -> Planted:
    return planted_tables(2.0, members=texts, non_members=texts, seed=seed)


@cache
def taught(name: str) -> AttackModel:
    """What an attack learns from `small(1)`, fitted once for all tests that only look at it."""
    shadow = small(1)
    return trained(name).fit(shadow.tables, shadow.is_member, groups=shadow.tables.ids)


def renamed(tables: Tables) -> Tables:
    """The same texts under other record ids: another corpus's."""
    ids = np.array([f"other-{name}" for name in tables.ids])
    return Tables({view: replace(table, ids=ids) for view, table in tables.items()})


# Arrays instead of objects


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    values = random.normal(size=(300, 6))
    return values[:200], values[:200, 0] * values[:200, 1] + random.normal(size=200) > 0, values[200:]


@pytest.mark.parametrize("name", [name for name in TRAINED if issubclass(discover()[name], TabularAttack)])
def test_the_arrays_answer_as_scikit_learn_does(name: str, data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    attack = trained(name)
    assert isinstance(attack, TabularAttack)
    values, labels, others = data
    fitted = attack.estimator(3).set_params(**{key: options[-1] for key, options in attack.grid().items()})
    with pytest.warns() if name == "mlp" else np.errstate():  # it is stopped early, and says so
        fitted.fit(values, labels)
    found = attack.margins(attack.arrays(fitted), others)
    share = fitted.predict_proba(others)[:, 1]
    if name == "forest":
        expected = share
    elif name == "boosting":
        first = fitted.init_.class_prior_[1]
        total = fitted.learning_rate * len(fitted.estimators_)
        expected = (fitted.decision_function(others) - np.log(first / (1 - first))) / total
    else:
        expected = np.log(share / (1 - share))
    assert np.allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", [2**32 - 1, 2**32, 20261125093000, 2**63 - 1])
@pytest.mark.parametrize("name", ["forest", "boosting", "mlp"])
def test_a_seed_may_have_more_than_32_bits(name: str, seed: int) -> None:
    parts = grouped_parts(np.arange(8) % 2 == 0, groups=np.array(list("abcdefgh")), seed=seed)
    assert len(parts) == 4
    attack = trained(name)
    assert isinstance(attack, TabularAttack)
    own = attack.estimator(seed).random_state
    assert 0 <= own < 2**32
    assert (own == seed) == (seed < 2**32)


@every_architecture
def test_the_same_shadow_gives_the_same_model_and_moves_no_random_state(name: str) -> None:
    shadow, target = small(1), small(2)
    one = taught(name)
    before = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002  # it must stay as it is
    other = trained(name).fit(shadow.tables, shadow.is_member, groups=shadow.tables.ids)
    after = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    assert one.facts == other.facts
    assert one.arrays.keys() == other.arrays.keys()
    assert all(np.array_equal(values, other.arrays[key]) for key, values in one.arrays.items())
    scores = trained(name).score(renamed(target.tables).given(trained(name).learned, one))
    assert roc_auc_score(target.is_member, scores.values) > 0.7


@every_architecture
def test_a_model_comes_back_from_its_files(name: str, tmp_path: Path) -> None:
    target, model = renamed(small(2).tables), taught(name)
    save_file(dict(model.arrays), tmp_path / "model.safetensors")
    facts = json.loads(json.dumps(model.facts, allow_nan=False))
    again = AttackModel(arrays=load_file(tmp_path / "model.safetensors"), facts=facts, seen=model.seen)
    attack = trained(name)
    first, second = (attack.score(target.given(attack.learned, one)).values for one in (model, again))
    assert np.array_equal(first, second)
    assert facts == model.facts


# No cheating


@every_architecture
def test_a_text_of_the_shadow_under_attack_is_caught(name: str) -> None:
    shadow, target = small(1), renamed(small(2).tables)
    attack, model = trained(name), taught(name)
    assert attack.score(target.given(attack.learned, model)).scored.all()
    with pytest.raises(DataError, match=rf"{name}: 60 of the texts under attack .* \(t000000, .*, …\)"):
        attack.score(shadow.tables.given(attack.learned, model))
    with pytest.raises(DataError, match=r"1 of the texts .* \(t000007\)"):
        attack.score(shadow.tables.rows(7, 8).given(attack.learned, model))


def test_without_the_refusal_a_leak_would_look_like_memory() -> None:
    """Labels dealt out at random: on its own texts a forest still tells them, on others it does not."""
    noise = planted_tables(0.0, members=60, non_members=60, seed=3)
    model = trained("forest").fit(noise.tables, noise.is_member, groups=noise.tables.ids)
    leaked = trained("forest").score(renamed(noise.tables).given(trained("forest").learned, model))
    assert roc_auc_score(noise.is_member, leaked.values) > 0.9
    fresh = planted_tables(0.0, members=500, non_members=500, seed=9)
    honest = trained("forest").score(renamed(fresh.tables).given(trained("forest").learned, model))
    assert abs(roc_auc_score(fresh.is_member, honest.values) - 0.5) < 0.08


def test_the_same_tokens_under_another_id_are_another_text() -> None:
    """A long prompt may leave of two texts the same two tokens; that is no leak."""
    tables = small(1).tables
    assert not np.isin(fingerprints(renamed(tables)), fingerprints(tables)).any()
    assert len(np.unique(fingerprints(tables))) == len(tables.ids)


def test_nothing_is_scored_before_it_is_fitted() -> None:
    with pytest.raises(DataError, match="no attack model: fit one on a shadow"):
        trained("mlp").score(small(1).tables)


# Groups


def test_parts_split_no_group_and_hold_both_classes() -> None:
    groups = np.array([f"g{i // 3}" for i in range(60)])
    is_member = np.arange(60) // 3 % 2 == 0
    parts = grouped_parts(is_member, groups=groups, seed=0)
    assert len(parts) == 5
    assert sorted(np.concatenate([left for _, left in parts]).tolist()) == list(range(60))
    for fitted, left in parts:
        assert not set(groups[fitted]) & set(groups[left])
        assert len(set(is_member[left])) == len(set(is_member[fitted])) == 2


def test_few_groups_make_few_parts_and_one_is_refused() -> None:
    groups, is_member = np.array(list("aabbccdd")), np.array([1, 1, 0, 0, 1, 1, 0, 0], dtype=bool)
    assert len(grouped_parts(is_member, groups=groups, seed=0)) == 2
    with pytest.raises(DataError, match=r"at least two groups each .* 2 members and 4 non-members in 3 groups"):
        grouped_parts(is_member[2:], groups=groups[2:], seed=0)


# Names


@pytest.mark.parametrize(
    ("train_on", "label"),
    [
        ({"method": "prompt"}, "forest(train_on=prompt)"),
        ({"corpus": "webnlg"}, "forest(train_on=webnlg)"),
        ({"method": "lora(r=2)", "base": "tiny"}, "forest(train_on=tiny, lora(r=2))"),
    ],
)
def test_a_transfer_says_where_it_learned(train_on: dict[str, str], label: str) -> None:
    attack = make_attack({"name": "forest", "train_on": train_on})
    assert isinstance(attack, LearnedAttack)
    assert attack.label == label
    assert make_attack(json.loads(json.dumps(attack.spec()))) == attack
    assert attack.told == trained("forest").told == {"name": "forest"}


@pytest.mark.parametrize(
    ("train_on", "message"),
    [
        ({}, "names a method, a corpus or a base"),
        ({"metod": "lora"}, r"unknown parameter 'train_on.metod'. Did you mean 'method'\?"),
        ("lora", "train_on"),
    ],
)
def test_a_transfer_that_names_nothing_known_is_refused(train_on: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_attack({"name": "forest", "train_on": train_on})
