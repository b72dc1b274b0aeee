"""Names and tables → attacks, and what the messages say when they are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vestige.attacks import discover, make_attack
from vestige.attacks.loss import Loss
from vestige.attacks.min_k import MinK
from vestige.errors import ConfigError


def test_finds_the_attacks_of_the_package() -> None:
    assert {"loss", "zlib", "ref", "min_k"} <= set(discover())
    assert discover()["loss"] is Loss


def test_a_name_means_the_defaults_and_a_table_sets_parameters() -> None:
    assert make_attack("min_k") == MinK(k=0.2)
    assert make_attack({"name": "min_k", "k": 0.1}) == MinK(k=0.1)
    assert make_attack({"name": "min_k", "k": 1}) == MinK(k=1.0)


def test_the_label_shows_what_is_not_the_default() -> None:
    assert make_attack("min_k").label == make_attack({"name": "min_k", "k": 0.2}).label == "min_k"
    assert make_attack({"name": "min_k", "k": 0.1}).label == "min_k(k=0.1)"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("minn_k", "unknown attack 'minn_k'. Did you mean 'min_k' or "),
        ("min_k(k=0.1)", 'as a table: { name = "min_k"'),
        ({"name": "min_k", "kk": 1}, "unknown parameter 'kk'. Did you mean 'k'?"),
        ({"name": "loss", "k": 1}, "unknown parameter 'k': it has none"),
        ({"name": "min_k", "k": 1.5}, "k should be less than or equal to 1, got 1.5"),
        ({"name": "min_k", "k": 0}, "k should be greater than 0, got 0"),
        ({"name": "min_k", "k": "0.1"}, "k should be a valid number, got '0.1'"),
        ({"name": "min_k", "k": float("nan")}, "finite"),
        ({"name": "surp", "entropy": 0}, "entropy should be greater than 0, got 0"),
        ({"name": "dc_pdd", "a": -1}, "a should be greater than 0, got -1"),
        ({"name": "wbc", "windows": [0, 2]}, "windows.0 should be greater than or equal to 1, got 0"),
        ({"name": "wbc", "windows": []}, "at least 1 item"),
        ({"name": "wbc", "windows": [4, 2]}, "window lengths must ascend"),
        ({"name": "wbc", "windows": [2.5]}, "windows.0 should be a valid integer"),
        ({"k": 0.1}, "a table with a 'name'"),
    ],
)
def test_a_wrong_spec_is_answered_with_the_remedy(spec: str | Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_attack(spec)
    assert message in str(caught.value)
