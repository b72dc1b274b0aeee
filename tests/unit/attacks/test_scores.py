"""Every score against a value worked out by hand, and the corners of short texts."""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np
import pytest

from vestige.attacks import Tables, make_attack
from vestige.attacks.base import CALIBRATION, OtherCells
from vestige.errors import ConfigError
from vestige.forms import Behind
from vestige.records import TokenStats, View
from vestige.testing.stats import planted_tables, token_stats

TARGET = [[-1.0, -2.0, -3.0, -4.0, -10.0], [-0.5], [], [-2.0, -2.0]]
BASE = [[-2.0, -2.0, -4.0, -4.0, -12.0], [-0.25], [], [-2.0, -2.0]]


@pytest.fixture
def tables() -> Tables:
    sizes = {"zlib_bytes": [20, 10, 8, 16]}
    return Tables({View("target"): token_stats(TARGET, texts=sizes), View("base"): token_stats(BASE, texts=sizes)})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("loss", [-4.0, -0.5, np.nan, -2.0]),
        ("zlib", [-0.2, -0.05, np.nan, -0.125]),
        ("ref", [0.8, -0.25, np.nan, 0.0]),
        ("min_k", [-10.0, -0.5, np.nan, -2.0]),
        ({"name": "min_k", "k": 0.1}, [-10.0, -0.5, np.nan, -2.0]),
        ({"name": "min_k", "k": 0.4}, [-7.0, -0.5, np.nan, -2.0]),
        ({"name": "min_k", "k": 0.6}, [-17 / 3, -0.5, np.nan, -2.0]),
        ({"name": "min_k", "k": 1.0}, [-4.0, -0.5, np.nan, -2.0]),
    ],
)
def test_against_values_worked_out_by_hand(tables: Tables, spec: object, expected: list[float]) -> None:
    scores = make_attack(spec).score(tables)  # type: ignore[arg-type]
    np.testing.assert_allclose(scores.values, expected, rtol=1e-12)
    assert scores.reasons.tolist() == ["", "", "too_short", ""]
    assert scores.ids.tolist() == tables.ids.tolist()


def test_zlib_divides_by_the_compressed_utf8_bytes_not_by_the_characters() -> None:
    text = "naïve café – 東京 " * 4
    size = len(zlib.compress(text.encode()))
    table = token_stats([[-1.0, -3.0]], texts={"zlib_bytes": [size]})
    score = make_attack("zlib").score(Tables({View("target"): table})).values[0]
    assert score == pytest.approx(-2.0 / size)
    assert size != len(zlib.compress(text.encode("latin-1", "replace")))


def test_zlib_without_bytes_is_masked_not_infinite() -> None:
    table = token_stats([[-1.0]], texts={"zlib_bytes": [0]})
    assert make_attack("zlib").score(Tables({View("target"): table})).reasons.tolist() == ["not_finite"]


def test_the_control_is_the_attack_with_the_base_as_its_target(tables: Tables) -> None:
    control = make_attack({"name": "min_k", "k": 0.4}).control(tables)
    np.testing.assert_allclose(control.values, [-8.0, -0.25, np.nan, -2.0])


def test_the_control_of_an_attack_that_compares_is_the_loss_of_the_base(tables: Tables) -> None:
    attack = make_attack("ref")
    assert not attack.has_own_control
    assert attack.control_label == "loss on the base"
    np.testing.assert_allclose(attack.control(tables).values, [-4.8, -0.25, np.nan, -2.0])


def test_a_text_without_a_surprise_scores_highest_by_a_rule_that_is_noted() -> None:
    """A single token, tokens all alike, and low ones where the model was unsure; then one that surprises it."""
    logp = [[-3.0], [-1.0, -1.0, -1.0], [-1.0, -5.0, -1.0], [-1.0, -5.0, -1.0], []]
    mean = [[-0.5], [-0.5] * 3, [-0.5, -2.5, -0.5], [-0.5] * 3, []]
    scores = make_attack("surp").score(Tables({View("target"): token_stats(logp, tokens={"mean_logp": mean})}))
    np.testing.assert_array_equal(scores.values, [0.0, 0.0, 0.0, -5.0, np.nan])
    assert scores.notes is not None
    assert scores.notes.tolist() == ["none_surprising"] * 3 + ["", ""]
    assert scores.reasons.tolist() == ["", "", "", "", "too_short"]


def _behind(whose: Literal["context", "members"], losses: list[float]) -> dict[View, TokenStats]:
    forms = [Behind(256, whose, which=one) for one in range(1, 1 + len(losses))]
    return {View("target", form): token_stats([[-loss] * 2]) for form, loss in zip(forms, losses, strict=True)}


def test_con_recall_with_a_gamma_of_0_is_recall_and_averages_over_its_beginnings() -> None:
    views = {View("target"): token_stats([[-1.0, -3.0]])}
    views |= _behind("context", [2.0, 3.0, 4.0, 7.0]) | _behind("members", [1.0, 1.0, 2.0, 4.0])
    tables = Tables(views)

    def value(**changes: object) -> float:
        return float(make_attack({"name": "con_recall", **changes}).score(tables).values[0])

    assert make_attack("recall").score(tables).values[0] == value(gamma=0.0) == 4.0 / 2
    assert value() == value(gamma=0.5) == (4.0 - 0.5 * 2) / 2
    assert value(gamma=1.0, beginnings=1) == (2.0 - 1.0) / 2
    assert make_attack("recall").assumed.passes == 5
    assert make_attack("con_recall").assumed.passes == 9


def test_rmia_breaks_ties_by_the_gain_and_never_turns_an_order_round() -> None:
    """Gains between two calibration texts shared a value; informia, with a constant of its own, agrees in the order."""
    planted = planted_tables(0.5, members=60, non_members=60, needs=[OtherCells(), CALIBRATION], seed=3)
    rmia, informia = (make_attack(name).score(planted.tables).values for name in ("rmia", "informia"))
    assert len(np.unique(rmia)) == len(rmia)
    assert np.array_equal(np.argsort(rmia), np.argsort(informia))
    assert 0 < rmia.min() < rmia.max() < 1
    held = len(planted.tables.read(CALIBRATION).ids)
    assert len(np.unique(np.floor(rmia * (held + 1)))) < len(rmia), "as many as calibration texts, without the ties"


@pytest.mark.parametrize("alpha", [0.005, 0.125, 1.01])
def test_pac_takes_alpha_in_hundredths(alpha: float) -> None:
    with pytest.raises(ConfigError, match="alpha"):
        make_attack({"name": "pac", "alpha": alpha})
    assert make_attack({"name": "pac", "versions": 5, "alpha": 0.3}).assumed.passes == 6
