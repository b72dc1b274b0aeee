"""Trained attacks against frozen numbers, those of attack_models.json: derive_attack_models.py says how it got them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vestige.attacks import Tables, discover, make_attack
from vestige.attacks.learned.base import LearnedAttack
from vestige.attacks.learned.features import text_features, token_channels
from vestige.records import AttackModel, View
from vestige.testing.stats import token_stats

FOLDER = Path(__file__).parent
GOLDEN = json.loads((FOLDER / "attack_models.json").read_text(encoding="utf-8"))
TEXTS = json.loads((FOLDER / "attacks.json").read_text(encoding="utf-8"))["texts"]
COLUMNS = {
    "logp": ("target", "base"),
    "mean_logp": ("mean", "base_mean"),
    "var_logp": ("variance", "base_variance"),
    "rank": ("rank", "base_rank"),
}
WIDTH = 32


@pytest.fixture
def weight(monkeypatch: pytest.MonkeyPatch) -> Callable[..., float]:
    """The formula of the weights, from the file that derived the numbers."""
    monkeypatch.syspath_prepend(FOLDER)
    formula: Callable[..., float] = importlib.import_module("derive_attack_models").weight
    return formula


def array(weight: Callable[..., float], name: str, *shape: int) -> np.ndarray:
    return np.array([weight(name, *places) for places in np.ndindex(*shape)]).reshape(shape)


def tables() -> Tables:
    names = [row["name"] for row in TEXTS]
    views = {}
    for place, view in enumerate((View("target"), View("base"))):
        tokens = {name: [row[sources[place]] for row in TEXTS] for name, sources in COLUMNS.items()}
        tokens["token_id"] = [row["token_id"] for row in TEXTS]
        sizes = {"zlib_bytes": [row["zlib_bytes"] for row in TEXTS]}
        views[view] = token_stats(tokens.pop("logp"), ids=names, tokens=tokens, texts=sizes)
    return Tables(views)


def model(name: str, weight: Callable[..., float]) -> AttackModel:
    """The arrays of an attack model, each from the formula."""
    figures = len(GOLDEN["figures"][0]) if name != "transformer" else len(token_channels(tables())) + 1
    arrays = {"mean": array(weight, "mean", figures), "scale": 1.5 + array(weight, "scale", figures)}
    if name in ("forest", "boosting"):
        arrays |= {key: np.array(values) for key, values in GOLDEN["trees"].items()}
    if name in SHAPES:
        arrays |= {key: array(weight, key, *shape) for key, shape in SHAPES[name](figures).items()}
    return AttackModel(arrays=arrays, facts={}, seen=np.zeros(0, dtype=np.int64))


def _of_transformer(channels: int) -> dict[str, tuple[int, ...]]:
    layer = "encode.layers.0"
    square = {
        "embed": (WIDTH, channels),
        f"{layer}.self_attn.out_proj": (WIDTH, WIDTH),
        f"{layer}.linear1": (2 * WIDTH, WIDTH),
        f"{layer}.linear2": (WIDTH, 2 * WIDTH),
        "judge": (1, WIDTH),
    }
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": shape for name, shape in square.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in square.items()}
    norms = (f"{layer}.norm1", f"{layer}.norm2", "encode.norm")
    shapes |= {f"{name}.{part}": (WIDTH,) for name in norms for part in ("weight", "bias")}
    joint = {f"{layer}.self_attn.in_proj_weight": (3 * WIDTH, WIDTH), f"{layer}.self_attn.in_proj_bias": (3 * WIDTH,)}
    return {**shapes, **joint}


SHAPES: dict[str, Callable[[int], dict[str, tuple[int, ...]]]] = {
    "logistic": lambda figures: {"weights": (figures,), "bias": (1,)},
    "mlp": lambda figures: {"first": (figures, 2), "shift": (2,), "last": (2,), "bias": (1,)},
    "transformer": _of_transformer,
}


def test_every_trained_attack_has_golden_numbers() -> None:
    assert set(GOLDEN["scores"]) == {name for name, one in discover().items() if issubclass(one, LearnedAttack)}


def test_figures_of_texts_against_those_derived_apart() -> None:
    features = text_features(tables())
    usable = [bool(row["target"]) for row in TEXTS]
    assert features.usable.tolist() == usable
    assert GOLDEN["names"] == [row["name"] for row in TEXTS if row["target"]]
    assert np.allclose(features.values[features.usable], GOLDEN["figures"], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", GOLDEN["scores"])
def test_scores_against_those_derived_apart(name: str, weight: Callable[..., float]) -> None:
    attack = make_attack(name)
    assert isinstance(attack, LearnedAttack)
    scores = attack.score(tables().given(attack.learned, model(name, weight)))
    assert scores.reasons.tolist() == ["" if row["target"] else "too_short" for row in TEXTS]
    expected = GOLDEN["scores"][name]
    assert len(set(expected)) >= 3, "the cases tell the branches apart"
    assert np.allclose(scores.values[scores.scored], expected, rtol=1e-9, atol=1e-9)
