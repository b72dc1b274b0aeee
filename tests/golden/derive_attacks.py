"""Works out attacks.json: scores of a few texts, text by text, in plain Python.

Provenance: each function below was written from the formula of its paper (arXiv numbers beside them), one text and one
token at a time, with nothing but `math`, `fractions` and `zlib`; it imports neither vestige nor NumPy and shares no
code with `vestige.attacks`. Every log-probability is a multiple of 1/64 and so exact in float32. Run by hand after a
change of the cases, and read the difference: `python tests/golden/derive_attacks.py`. Written 2026-11-24.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Answer = float | str

COUNTS = [40, 12, 0, 7, 1, 0, 25, 3, 0, 2]
"""Token counts of the population; the vocabulary has 10 tokens."""

SMALLEST_VARIANCE = 1e-6
SMALLEST_LOSS = 2.0**-23


def case(name: str, text: str, **columns: list[float]) -> Row:
    size = len(columns["target"])
    defaults = {"token_id": [i % 10 for i in range(size)], "rank": [1] * size}
    moments = {"mean": [-1.0] * size, "variance": [2.25] * size}
    base_moments = {"base_mean": [-1.5] * size, "base_variance": [4.0] * size}
    base_moments["base_rank"] = [(5 * i + size) % 7 for i in range(size)]
    forms = {
        "lowercase": sawtooth(size + 1 if size else 0, step=13, low=370),
        **{f"prefixed-{i}": sawtooth(size, step=17 + 2 * i, low=290 + i) for i in range(4)},
        **{f"members-{i}": sawtooth(size, step=23 + 2 * i, low=270 + i) for i in range(4)},
    }
    swaps = {f"swap-{i}": sawtooth(size + i % 3 - 1 if size > 1 else size, step=3 + i, low=300 + i) for i in range(10)}
    swaps |= {f"swap-{i}-30": sawtooth(size, step=5 + 2 * i, low=280 + i) for i in range(5)}
    gradients = {"norm_1": 3.5 * size or None, "norm_2": 0.75 + size / 8 if size else None}
    others = {f"cell-{i}": sawtooth(size, step=4 + 5 * i, low=200 + 40 * i) for i in range(4)}
    row = {**defaults, **moments, **base_moments, **forms, **swaps, **gradients, **others, **columns}
    return {
        "name": name,
        "text": text,
        "zlib_bytes": len(zlib.compress(text.encode("utf-8"))),
        "same": [],
        **row,
    }


def sawtooth(size: int, *, step: int, low: int) -> list[float]:
    """Values between −`low`/64 and 0 that look irregular and are the same everywhere."""
    return [-((i * i * step + 11 * i) % low) / 64 for i in range(size)]


CASES = [
    case(
        "mixed",
        "The kettle was still warm.",
        target=[-0.5, -3.25, -1.0, -6.5, -0.125, -2.0, -4.75],
        base=[-0.75, -3.0, -1.5, -8.0, -0.125, -2.5, -4.5],
        rank=[0, 3, 0, 40, 0, 1, 9],
        mean=[-0.5, -2.5, -1.25, -1.75, -0.25, -3.0, -0.875],
        variance=[0.25, 4.0, 1.0, 2.25, 0.5625, 1.5625, 6.25],
        base_mean=[-1.0, -2.0, -1.5, -3.0, -0.5, -2.25, -1.5],
        base_variance=[1.0, 4.0, 2.25, 6.25, 0.25, 1.0, 2.25],
        token_id=[0, 3, 0, 7, 1, 3, 9],
    ),
    case("one token, an error", "No", target=[-2.5], base=[-3.0], rank=[4], token_id=[2]),
    case("one token, right", "Yes", target=[-0.25], base=[-0.125], rank=[0], token_id=[0], lowercase=[]),
    case("no scored token", "", target=[], base=[]),
    case("no error token", "a b c d", target=[-0.25] * 4, base=[-1.0, -0.125, -0.5, -0.25], rank=[0] * 4),
    case("only gains", "gains gains", target=[-1.0, -2.0, -3.0], base=[-1.5, -2.0, -5.0], rank=[1, 2, 0]),
    case("only losses", "losses", target=[-1.5, -2.5, -5.0], base=[-1.0, -2.0, -3.0], rank=[1, 2, 0]),
    case("nothing changed", "the same again", target=[-1.5, -2.5, -5.0], base=[-1.5, -2.5, -5.0], rank=[1, 2, 3]),
    case(
        "no variance",
        "certain",
        target=[0.0, -8.0, -0.5, 0.0, -1.0],
        base=[-0.5, -8.0, -0.25, 0.0, -2.0],
        rank=[0, 1, 0, 0, 2],
        mean=[0.0, 0.0, -0.5, 0.0, -1.5],
        variance=[0.0, 0.0, 0.0, 0.0, 1.0],
        base_mean=[0.0, -1.0, -0.25, 0.0, -1.0],
        base_variance=[0.0, 1.0, 0.0, 0.0, 0.25],
    ),
    case(
        "ties, shorter than most windows",
        "0 1 2 3 4",
        target=[-1.0, -1.5, -1.0, -1.5, -1.0],
        base=[-1.5, -1.0, -1.5, -1.0, -1.0],
        token_id=[4, 4, 4, 4, 4],
    ),
    case("known by heart", "To be, or not to be", target=[0.0] * 3, base=[-0.5, -1.0, 0.0], rank=[0, 0, 0]),
    case(
        "no capitals, no two words",
        "东京",
        target=[-1.5, -2.25],
        base=[-2.0, -2.5],
        lowercase=[-1.5, -2.25],
        **{f"swap-{i}": [-1.5, -2.25] for i in range(10)},
        **{f"swap-{i}-30": [-1.5, -2.25] for i in range(5)},
    ),
    case(
        "known by heart to both",
        "Amen",
        target=[0.0] * 2,
        base=[0.0] * 2,
        rank=[0, 0],
        lowercase=[0.0] * 3,
        **{f"prefixed-{i}": [0.0] * 2 for i in range(4)},
    ),
    case(
        "not ASCII",
        "Füße, 東京 – naïve ☕ 東京 – naïve",
        target=sawtooth(12, step=5, low=300),
        base=sawtooth(12, step=9, low=320),
    ),
    case(
        "longer than the longest window",
        "one two three four five six seven eight nine ten " * 5,
        target=sawtooth(53, step=7, low=311),
        base=sawtooth(53, step=3, low=331),
        rank=[(3 * i) % 4 for i in range(53)],
        mean=sawtooth(53, step=2, low=190),
        variance=[0.25 + (i % 7) / 4 for i in range(53)],
        base_mean=sawtooth(53, step=4, low=200),
        base_variance=[0.5 + (i % 5) / 4 for i in range(53)],
        token_id=[(i * i) % 10 for i in range(53)],
    ),
]


ITSELF = ("lowercase", *(f"swap-{i}" for i in range(10)), *(f"swap-{i}-30" for i in range(5)))
"""The forms that change nothing in a text without capitals and without two words."""

for row in CASES:
    if row["name"] == "no capitals, no two words":
        row["same"] += ITSELF


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def lowest(values: list[float], share: str) -> float:
    count = max(1, math.floor(Fraction(share) * len(values)))
    return mean(sorted(values)[:count])


def loss(row: Row) -> Answer:  # 1709.01604
    return mean(row["target"])


def zlib_(row: Row) -> Answer:  # 2012.07805, as in the code of Min-K%++ and MIMIR
    return mean(row["target"]) / float(row["zlib_bytes"])


def zlib_bits(row: Row) -> Answer:  # 2012.07805, total loss
    return math.fsum(row["target"]) / float(row["zlib_bytes"])


def ref(row: Row) -> Answer:  # 2203.03929
    return mean([t - b for t, b in zip(row["target"], row["base"], strict=True)])


def ratio(row: Row) -> Answer:  # 2601.02751, baselines
    return max(-mean(row["base"]), SMALLEST_LOSS) / max(-mean(row["target"]), SMALLEST_LOSS)


def min_k(row: Row, k: str = "0.2") -> Answer:  # 2310.16789
    return lowest(row["target"], k)


def _z(row: Row, logp: str, mu: str, variance: str) -> list[float]:
    columns = zip(row[logp], row[mu], row[variance], strict=True)
    return [(x - m) / math.sqrt(max(v, SMALLEST_VARIANCE)) for x, m, v in columns]


def min_k_pp(row: Row, k: str = "0.2") -> Answer:  # 2404.02936
    return lowest(_z(row, "target", "mean", "variance"), k)


def min_k_ref(row: Row) -> Answer:  # 2507.18302
    return lowest(row["target"], "0.2") - lowest(row["base"], "0.2")


def min_k_pp_ref(row: Row) -> Answer:  # 2507.18302
    base = lowest(_z(row, "base", "base_mean", "base_variance"), "0.2")
    return lowest(_z(row, "target", "mean", "variance"), "0.2") - base


def surp(row: Row, k: str = "0.4", entropy: float = 2.0) -> Answer:  # 2407.21248
    ordered = sorted(row["target"])
    place = (len(ordered) - 1) * Fraction(k)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    bound = Fraction(ordered[below]) + (Fraction(ordered[above]) - Fraction(ordered[below])) * (place - below)
    chosen = [x for x, mu in zip(row["target"], row["mean"], strict=True) if x < bound and -mu < entropy]
    return mean(chosen) if chosen else 0.0  # by rule: nothing surprised the model


def ez(row: Row) -> Answer:  # 2601.12104
    gains = losses = 0.0
    errors = 0
    for target, base, rank in zip(row["target"], row["base"], row["rank"], strict=True):
        if rank > 0:
            errors += 1
            gains += max(target - base, 0)
            losses += max(base - target, 0)
    if errors == 0 or (losses == 0 and gains > 0):
        return 1.0
    return 0.5 if gains == losses == 0 else gains / (gains + losses)


def lowercase(row: Row) -> Answer:  # 2012.07805, section 5.2
    if not row["lowercase"]:
        return "too_short"
    if "lowercase" in row["same"]:
        return "unchanged"
    return max(-mean(row["lowercase"]), SMALLEST_LOSS) / max(-mean(row["target"]), SMALLEST_LOSS)


def recall(row: Row, count: int = 4) -> Answer:  # 2406.15968, eq. 1; both log-likelihoods are negative
    alone = min(mean(row["target"]), -SMALLEST_LOSS)
    return mean([min(mean(row[f"prefixed-{i}"]), -SMALLEST_LOSS) / alone for i in range(count)])


def pac(row: Row, k: str = "0.3", far: str = "", versions: int = 10, words: str = "") -> Answer:  # 2405.11930
    def distance(values: list[float]) -> float:
        likely, unlikely = (max(1, math.floor(Fraction(share) * len(values))) for share in (far or k, k))
        return mean(sorted(values, reverse=True)[:likely]) - mean(sorted(values)[:unlikely])

    forms = [f"swap-{i}{words}" for i in range(versions)]
    if all(form in row["same"] for form in forms):
        return "unchanged"
    return -(distance(row["target"]) - mean([distance(row[form]) for form in forms]))


def wbc(row: Row) -> Answer:  # 2601.02751
    change = [t - b for t, b in zip(row["target"], row["base"], strict=True)]
    shares = []
    for window in (2, 3, 4, 6, 9, 13, 18, 25, 32, 40):
        size = min(window, len(change))
        sums = [math.fsum(change[start : start + size]) for start in range(len(change) - size + 1)]
        shares.append(sum(one > 0 for one in sums) / len(sums))
    return mean(shares)


def dc_pdd(row: Row, a: float = 0.01) -> Answer:  # 2409.14669
    seen: set[int] = set()
    values = []
    for token, logp in zip(row["token_id"], row["target"], strict=True):
        if token not in seen:
            seen.add(token)
            frequency = (COUNTS[token] + 1) / (sum(COUNTS) + len(COUNTS))
            values.append(min(math.exp(logp) * math.log(1 / frequency), a))
    return mean(values)


MEMBERS = {"cell-0": True, "cell-1": False, "cell-2": True, "cell-3": False}
"""Which of the four other cells were trained on every one of these texts."""

HELD = {
    name: [sawtooth(size, step=size + place, low=190 + 30 * place) for size in (5, 1, 8, 4)]
    for place, name in enumerate(("target", *MEMBERS))
}
"""Calibration texts, of which no cell is a member."""


def logit(logp: list[float]) -> float:
    return -math.log(math.exp(max(-mean(logp), SMALLEST_LOSS)) - 1)


def neighbourhood(row: Row, versions: int = 10) -> Answer:
    if all(f"swap-{i}" in row["same"] for i in range(versions)):
        return "unchanged"
    return mean([-mean(row[f"swap-{i}"]) for i in range(versions)]) + mean(row["target"])


def con_recall(row: Row, gamma: float = 0.5, count: int = 4) -> float:  # 2409.03363, with the γ of the authors' code
    outsiders = -mean([mean(row[f"prefixed-{i}"]) for i in range(count)])
    members = -mean([mean(row[f"members-{i}"]) for i in range(count)])
    return (outsiders - gamma * members) / max(-mean(row["target"]), SMALLEST_LOSS)


def lira(row: Row) -> float:
    inside = mean([logit(row[name]) for name, is_member in MEMBERS.items() if is_member])
    outside = mean([logit(row[name]) for name, is_member in MEMBERS.items() if not is_member])
    return (logit(row["target"]) - (inside + outside) / 2) * (inside - outside)


def lira_offline(row: Row) -> float:
    return logit(row["target"]) - mean([logit(row[name]) for name, is_member in MEMBERS.items() if not is_member])


def gain(target: list[float], others: list[list[float]], a: float) -> float:
    """p(x | target) / p(x), with p(x) from models that were not trained on x."""
    typical = ((1 + a) * mean([math.exp(mean(one)) for one in others]) + 1 - a) / 2
    return math.exp(mean(target)) / typical


def gains(row: Row, a: float) -> tuple[float, list[float]]:
    """That of a text, and those of the calibration texts."""
    own = gain(row["target"], [row[name] for name, is_member in MEMBERS.items() if not is_member], a)
    texts = range(len(HELD["target"]))
    return own, [gain(HELD["target"][i], [HELD[name][i] for name in MEMBERS], a) for i in texts]


def rmia(row: Row, gamma: float = 1.0, a: float = 1.0) -> float:  # 2312.03262
    """The number of calibration texts that gained less, and a part of one by the gain, over one more than there are."""
    own, held = gains(row, a)
    beaten = sum(own / other >= gamma for other in held)
    return (beaten + 0.5 + math.atan(math.log(own)) / math.pi) / (len(held) + 1)


def informia(row: Row, a: float = 1.0) -> float:  # 2510.05582
    own, held = gains(row, a)
    return math.log(own) + mean([math.log(1 / other) for other in held])


ATTACKS: dict[str, tuple[Row, Callable[[Row], Answer]]] = {
    "loss": ({"name": "loss"}, loss),
    "zlib": ({"name": "zlib"}, zlib_),
    "zlib_bits": ({"name": "zlib_bits"}, zlib_bits),
    "ref": ({"name": "ref"}, ref),
    "ratio": ({"name": "ratio"}, ratio),
    "min_k": ({"name": "min_k"}, min_k),
    "min_k(k=0.57)": ({"name": "min_k", "k": 0.57}, lambda row: min_k(row, "0.57")),
    "min_k_ref": ({"name": "min_k_ref"}, min_k_ref),
    "min_k_pp": ({"name": "min_k_pp"}, min_k_pp),
    "min_k_pp(k=0.5)": ({"name": "min_k_pp", "k": 0.5}, lambda row: min_k_pp(row, "0.5")),
    "min_k_pp_ref": ({"name": "min_k_pp_ref"}, min_k_pp_ref),
    "surp": ({"name": "surp"}, surp),
    "surp(k=0.25, entropy=1.25)": (
        {"name": "surp", "k": 0.25, "entropy": 1.25},
        lambda row: surp(row, "0.25", 1.25),
    ),
    "ez": ({"name": "ez"}, ez),
    "lowercase": ({"name": "lowercase"}, lowercase),
    "recall": ({"name": "recall"}, recall),
    "pac": ({"name": "pac"}, pac),
    "recall(beginnings=1)": ({"name": "recall", "beginnings": 1}, lambda row: recall(row, 1)),
    "pac(k=0.05)": ({"name": "pac", "k": 0.05}, lambda row: pac(row, "0.05")),
    "pac(far=0.05, alpha=0.3, versions=5)": (
        {"name": "pac", "far": 0.05, "alpha": 0.3, "versions": 5},
        lambda row: pac(row, far="0.05", versions=5, words="-30"),
    ),
    "grad_norm": ({"name": "grad_norm"}, lambda row: -row["norm_2"]),
    "grad_norm(p=1)": ({"name": "grad_norm", "p": 1}, lambda row: -row["norm_1"]),
    "neighbourhood": ({"name": "neighbourhood"}, neighbourhood),
    "neighbourhood(versions=3)": ({"name": "neighbourhood", "versions": 3}, lambda row: neighbourhood(row, 3)),
    "con_recall": ({"name": "con_recall"}, con_recall),
    "con_recall(beginnings=1, gamma=1.0)": (
        {"name": "con_recall", "beginnings": 1, "gamma": 1.0},
        lambda row: con_recall(row, 1.0, 1),
    ),
    "lira": ({"name": "lira"}, lira),
    "lira(online=false)": ({"name": "lira", "online": False}, lira_offline),
    "rmia": ({"name": "rmia"}, rmia),
    "rmia(gamma=0.5, a=0.3)": ({"name": "rmia", "gamma": 0.5, "a": 0.3}, lambda row: rmia(row, 0.5, 0.3)),
    "informia": ({"name": "informia"}, informia),
    "informia(a=0.3)": ({"name": "informia", "a": 0.3}, lambda row: informia(row, 0.3)),
    "wbc": ({"name": "wbc"}, wbc),
    "dc_pdd": ({"name": "dc_pdd"}, dc_pdd),
    "dc_pdd(a=0.5)": ({"name": "dc_pdd", "a": 0.5}, lambda row: dc_pdd(row, 0.5)),
}


FORMS = {
    **{f"{kind}-256" + (f"-{i + 1}" if i else ""): f"{kind}-{i}" for kind in ("prefixed", "members") for i in range(4)},
    **{form: form for form in ("lowercase", *(f"swap-{i}" for i in range(10)), *(f"swap-{i}-30" for i in range(5)))},
}
"""Each form of the texts that attacks read, and what the rows call log p in it. An attack on another one adds it here
and to `case`.
"""


def main() -> None:
    expected = {
        label: {"spec": spec, "scores": [score(row) if row["target"] else "too_short" for row in CASES]}
        for label, (spec, score) in ATTACKS.items()
    }
    path = Path(__file__).with_name("attacks.json")
    inputs = {"forms": FORMS, "counts": COUNTS, "members": MEMBERS, "held": HELD, "texts": CASES}
    content = {"made_by": "derive_attacks.py", **inputs, "expected": expected}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
