"""Works out attack_models.json: figures of a few texts, and what five attack models say of them, in plain Python.

Provenance: the figures are written from the list in the docstrings of `vestige.attacks.learned.features`, classifiers
from their textbook formulas (the transformer's from Vaswani et al. 2017, arXiv:1706.03762, with the layer norm ahead of
each part as in Xiong et al. 2020, arXiv:2002.04745), one text and one number at a time, with nothing but `math`. It
imports neither vestige nor NumPy nor torch; the single scores among the figures are those of derive_attacks.py beside
it. Weights come from `weight`, which the test evaluates as well. Run by hand after a change of the cases:
`python tests/golden/derive_attack_models.py`. Written 2026-11-24.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import derive_attacks as single

Row = dict[str, Any]
Vector = list[float]
Matrix = list[Vector]

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
WIDTH, HEADS = 32, 4
HIDDEN = 2
TREES: dict[str, Vector] = {
    # Two trees: a stump, and one of three leaves; places in the list of nodes, −1 in a leaf.
    "left": [1, -1, -1, 4, -1, 6, -1, -1],
    "right": [2, -1, -1, 5, -1, 7, -1, -1],
    "feature": [0, -2, -2, 90, -2, 3, -2, -2],
    "threshold": [-0.25, -2.0, -2.0, 0.125, -2.0, -0.5, -2.0, -2.0],
    "value": [0.5, 0.25, 0.875, 0.5, 0.0625, 0.5, 0.375, 0.96875],
    "roots": [0, 3],
}


def weight(name: str, *places: int) -> float:
    """A number between −.5 and .5 for each place of an array, irregular and exact in every float."""
    seed = sum(ord(letter) for letter in name)
    total = seed + sum((37 + 4 * axis) * (place + 1) * (axis + 1) for axis, place in enumerate(places))
    return (total * total % 127 - 63) / 128


def vector(name: str, size: int) -> Vector:
    return [weight(name, i) for i in range(size)]


def matrix(name: str, rows: int, columns: int) -> Matrix:
    return [[weight(name, i, j) for j in range(columns)] for i in range(rows)]


def channels(row: Row) -> dict[str, Vector]:
    """Per token, of target and base: log p, mean, spread, log(1 + rank), standardized log p; and the gain."""
    found: dict[str, Vector] = {}
    for model, logp, mean, variance, rank in (
        ("target", row["target"], row["mean"], row["variance"], row["rank"]),
        ("base", row["base"], row["base_mean"], row["base_variance"], row["base_rank"]),
    ):
        found[f"{model}_logp"] = logp
        found[f"{model}_mean"] = mean
        found[f"{model}_spread"] = [math.sqrt(one) for one in variance]
        found[f"{model}_rank"] = [math.log(1 + one) for one in rank]
        found[f"{model}_standardized"] = [
            (value - middle) / math.sqrt(max(square, single.SMALLEST_VARIANCE))
            for value, middle, square in zip(logp, mean, variance, strict=True)
        ]
    found["gain"] = [own - other for own, other in zip(row["target"], row["base"], strict=True)]
    return found


def quantile(values: Vector, share: float) -> float:
    ordered, place = sorted(values), share * (len(values) - 1)
    # The shares are decimals, and so are the places: .1 · 10 must not be a hair above 1.
    place = round(place, 9)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1) if place > below else below
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def figures(row: Row) -> Vector:
    values: Vector = []
    for channel in channels(row).values():
        middle = sum(channel) / len(channel)
        spread = math.sqrt(sum((one - middle) ** 2 for one in channel) / len(channel))
        values += [middle, spread, *(quantile(channel, share) for share in SHARES)]
    scores = (
        *(single.ratio(row), single.zlib_(row), single.min_k(row), single.min_k_ref(row)),
        *(single.min_k_pp(row), single.min_k_pp_ref(row), single.ez(row), single.wbc(row)),
    )
    return [*values, *(float(score) for score in scores), math.log(len(row["target"]))]


def scaled(values: Vector) -> Vector:
    """As the arrays `mean` and `scale` of every model have it: scale is 1 and a half, and up."""
    size = len(values)
    return [
        (value - middle) / (1.5 + scale)
        for value, middle, scale in zip(values, vector("mean", size), vector("scale", size), strict=True)
    ]


def dot(one: Vector, other: Vector) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def logistic(row: Row) -> float:
    x = scaled(figures(row))
    return dot(x, vector("weights", len(x))) + weight("bias", 0)


def mlp(row: Row) -> float:
    x = scaled(figures(row))
    first = matrix("first", len(x), HIDDEN)
    hidden = [max(0.0, dot(x, [line[unit] for line in first]) + weight("shift", unit)) for unit in range(HIDDEN)]
    return dot(hidden, vector("last", HIDDEN)) + weight("bias", 0)


def trees(row: Row) -> float:
    x = scaled(figures(row))
    leaves = []
    for node in TREES["roots"]:
        place = int(node)
        while TREES["left"][place] != -1:
            goes_left = x[int(TREES["feature"][place])] <= TREES["threshold"][place]
            place = int(TREES["left" if goes_left else "right"][place])
        leaves.append(TREES["value"][place])
    return sum(leaves) / len(leaves)


def linear(name: str, rows: int, x: Vector, *, ending: str = ".") -> Vector:
    weights, bias = matrix(f"{name}{ending}weight", rows, len(x)), vector(f"{name}{ending}bias", rows)
    return [dot(line, x) + shift for line, shift in zip(weights, bias, strict=True)]


def normed(name: str, x: Vector) -> Vector:
    middle = sum(x) / len(x)
    variance = sum((one - middle) ** 2 for one in x) / len(x)
    gains, shifts = vector(f"{name}.weight", len(x)), vector(f"{name}.bias", len(x))
    return [
        (one - middle) / math.sqrt(variance + 1e-5) * gain + shift
        for one, gain, shift in zip(x, gains, shifts, strict=True)
    ]


def attended(states: Matrix) -> Matrix:
    """Self-attention of all tokens to all tokens, four heads of eight."""
    name, size = "encode.layers.0.self_attn", WIDTH // HEADS
    joint = [linear(f"{name}.in_proj_", 3 * WIDTH, state, ending="") for state in states]
    answers: Matrix = []
    for token in joint:
        heads: Vector = []
        for head in range(HEADS):
            span = slice(head * size, (head + 1) * size)
            query = token[:WIDTH][span]
            likeness = [dot(query, other[WIDTH : 2 * WIDTH][span]) / math.sqrt(size) for other in joint]
            most = max(likeness)
            shares = [math.exp(one - most) for one in likeness]
            total = sum(shares)
            values = [other[2 * WIDTH :][span] for other in joint]
            heads += [dot(shares, [value[i] for value in values]) / total for i in range(size)]
        answers.append(linear(f"{name}.out_proj", WIDTH, heads))
    return answers


def transformer(row: Row) -> float:
    columns = [*channels(row).values(), [math.log(1 + place) for place in range(len(row["target"]))]]
    tokens = [scaled(list(token)) for token in zip(*columns, strict=True)]
    states = [linear("embed", WIDTH, token) for token in tokens]
    layer = "encode.layers.0"
    answers = attended([normed(f"{layer}.norm1", state) for state in states])
    states = [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(states, answers, strict=True)]
    for place, state in enumerate(states):
        inner = [max(0.0, one) for one in linear(f"{layer}.linear1", 2 * WIDTH, normed(f"{layer}.norm2", state))]
        outer = linear(f"{layer}.linear2", WIDTH, inner)
        states[place] = [a + b for a, b in zip(state, outer, strict=True)]
    states = [normed("encode.norm", state) for state in states]
    pooled = [sum(column) / len(states) for column in zip(*states, strict=True)]
    return linear("judge", 1, pooled)[0]


MODELS = {"logistic": logistic, "mlp": mlp, "forest": trees, "boosting": trees, "transformer": transformer}


def main() -> None:
    scorable = [row for row in single.CASES if row["target"]]
    content = {
        "made_by": "derive_attack_models.py",
        "trees": TREES,
        "hidden": HIDDEN,
        "names": [row["name"] for row in scorable],
        "figures": [figures(row) for row in scorable],
        "scores": {name: [score(row) for row in scorable] for name, score in MODELS.items()},
    }
    path = Path(__file__).with_name("attack_models.json")
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
