"""Every attack against frozen numbers: those of attacks.json, derived apart (derive_attacks.py says how), and a few
worked out by hand.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vestige.attacks import Tables, discover, make_attack
from vestige.attacks.base import CALIBRATION, COUNTS, GRADIENTS, OtherCells
from vestige.attacks.learned.base import LearnedAttack
from vestige.forms import PLAIN, Behind, Form
from vestige.records import GradientNorms, OtherCell, TokenCounts, View
from vestige.testing.stats import token_stats

GOLDEN = json.loads(Path(__file__).with_name("attacks.json").read_text(encoding="utf-8"))
TEXTS = GOLDEN["texts"]
EXPECTED = GOLDEN["expected"]
READ = {view.form for one in EXPECTED.values() for need in make_attack(one["spec"]).reads for view in need.views}
FORMS = {form: GOLDEN["forms"][form.name] for form in READ - {PLAIN}}
COLUMNS = {
    "logp": ("target", "base"),
    "mean_logp": ("mean", "base_mean"),
    "var_logp": ("variance", "base_variance"),
    "rank": ("rank", "base_rank"),
    "token_id": ("token_id", "token_id"),
}


def _tables(rows: list[dict[str, Any]]) -> Tables:
    views = {}
    for place, view in enumerate((View("target"), View("base"))):
        tokens = {name: [row[sources[place]] for row in rows] for name, sources in COLUMNS.items()}
        sizes = {
            "zlib_bytes": [row["zlib_bytes"] for row in rows],
            "n_bytes": [len(row["text"].encode()) for row in rows],
            "n_tokens": [len(row["target"]) for row in rows],
        }
        views[view] = token_stats(tokens.pop("logp"), ids=[row["name"] for row in rows], tokens=tokens, texts=sizes)
    for form, column in FORMS.items():
        ids = [row["name"] for row in rows]
        tokens = {"token_id": [_token_ids(row, form, column) for row in rows]}
        views[View("target", form)] = token_stats([row[column] for row in rows], ids=ids, tokens=tokens)
    first, second = (np.array([row[name] for row in rows], dtype=np.float64) for name in ("norm_1", "norm_2"))
    gradients = GradientNorms(ids=views[View("target")].ids, first=first, second=second)
    names = [row["name"] for row in rows]
    cells = tuple(
        OtherCell(token_stats([row[name] for row in rows], ids=names), np.full(len(rows), is_member))
        for name, is_member in GOLDEN["members"].items()
    )
    counts = TokenCounts(np.array(GOLDEN["counts"]))
    beside = {COUNTS: counts, GRADIENTS: gradients, OtherCells(): cells, CALIBRATION: _calibration()}
    return Tables(views, beside)


def _token_ids(row: dict[str, Any], form: Form, column: str) -> list[int]:
    """Those of the text as it is behind a beginning and where a form changes nothing, others elsewhere."""
    same = isinstance(form, Behind) or form.name in row["same"]
    return row["token_id"] if same else [100 + i for i in range(len(row[column]))]


def _calibration() -> Tables:
    held = {name: token_stats(texts) for name, texts in GOLDEN["held"].items()}
    outside = np.zeros(len(GOLDEN["held"]["target"]), dtype=np.bool_)
    cells = tuple(OtherCell(held[name], outside) for name in GOLDEN["members"])
    return Tables({View("target"): held["target"]}, {OtherCells(): cells})


def _row(name: str) -> dict[str, Any]:
    return next(row for row in TEXTS if row["name"] == name)


def _score(spec: str | dict[str, Any], name: str) -> float:
    return float(make_attack(spec).score(_tables([_row(name)])).values[0])


def test_every_attack_has_golden_numbers() -> None:
    own = discover().own()
    trained = {name for name, one in own.items() if issubclass(one, LearnedAttack)}
    assert {entry["spec"]["name"] for entry in EXPECTED.values()} >= own.keys() - trained


@pytest.mark.parametrize("label", EXPECTED)
def test_against_the_numbers_derived_apart(label: str) -> None:
    attack = make_attack(EXPECTED[label]["spec"])
    assert attack.label == label
    scores = attack.score(_tables(TEXTS))
    for text, value, reason, expected in zip(
        scores.ids, scores.values, scores.reasons, EXPECTED[label]["scores"], strict=True
    ):
        if isinstance(expected, str):
            assert reason == expected, text
        else:
            assert value == pytest.approx(expected, rel=1e-12, abs=1e-15), text


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("loss", -18.125 / 7),
        ("zlib", -18.125 / 7 / 32),
        ("zlib_bits", -18.125 / 32),
        ("ref", 2.25 / 7),
        ("ratio", 20.375 / 18.125),
        ("min_k", -6.5),
        ({"name": "min_k", "k": 0.4}, (-6.5 - 4.75) / 2),
        ("min_k_ref", -6.5 + 8.0),
        # z: 0, −.375, .25, −4.75/1.5, 1/6, .8, −3.875/2.5; the lowest one of seven
        ("min_k_pp", -4.75 / 1.5),
        # the base's: .25, −.5, 0, −2, .75, −.25, −2
        ("min_k_pp_ref", -4.75 / 1.5 + 2.0),
        # the quantile at place 2.4 lies between −3.25 and −2; of the three below it, −3.25 stood where entropy was 2.5
        ("surp", (-6.5 - 4.75) / 2),
        # error tokens: −.25, +1.5, +.5, −.25
        ("ez", 2.0 / 2.5),
        # δ = .25, −.25, .5, 1.5, 0, .5, −.25; w = 2: 5 of 6 (a tie at 0), all 5, 4, 2 at w = 3, 4, 6, the whole above 0
        ("wbc", (5 / 6 + 9) / 10),
    ],
)
def test_against_numbers_worked_out_by_hand(spec: str | dict[str, Any], expected: float) -> None:
    assert _score(spec, "mixed") == pytest.approx(expected, rel=1e-12)


def test_dc_pdd_by_hand() -> None:
    """One token that the population has never seen: f = 1 / (90 + 10), p = e^−2.5, and the cap where it binds."""
    assert _score({"name": "dc_pdd", "a": 10.0}, "one token, an error") == pytest.approx(math.exp(-2.5) * math.log(100))
    assert _score("dc_pdd", "one token, an error") == 0.01


def test_repeated_tokens_count_once_for_dc_pdd() -> None:
    """Five times token 4: only the first, of probability e^−1 and frequency 2/100, counts."""
    value = _score({"name": "dc_pdd", "a": 10.0}, "ties, shorter than most windows")
    assert value == pytest.approx(math.exp(-1) * math.log(50))


@pytest.mark.parametrize(
    ("name", "score", "note"),
    [
        ("no error token", 1.0, "no_error_token"),
        ("one token, right", 1.0, "no_error_token"),
        ("only gains", 1.0, "only_gains"),
        ("only losses", 0.0, ""),
        ("nothing changed", 0.5, "no_change"),
        ("mixed", 0.8, ""),
    ],
)
def test_the_corners_of_ez_are_set_by_rule_and_noted(name: str, score: float, note: str) -> None:
    scores = make_attack("ez").score(_tables([_row(name)]))
    assert scores.values.tolist() == [score]
    assert scores.notes is not None
    assert scores.notes.tolist() == [note]


def test_known_by_heart_is_the_most_member_like_for_ratio_and_no_division_by_zero() -> None:
    heart = _score("ratio", "known by heart")
    assert heart == max(_score("ratio", row["name"]) for row in TEXTS if row["target"])
    assert heart == pytest.approx(0.5 * 2**23)
    assert _score("ratio", "known by heart to both") == 1.0


def test_the_loss_in_lower_case_is_divided_by_the_loss_as_written() -> None:
    row = {**_row("mixed"), "lowercase": [-4.0, -3.0, -2.0, -0.5]}
    value = make_attack("lowercase").score(_tables([row])).values[0]
    assert value == pytest.approx((9.5 / 4) / (18.125 / 7), rel=1e-12)
    assert _score("lowercase", "known by heart to both") == 1.0


def test_recall_is_the_log_likelihood_behind_the_beginning_over_the_one_alone() -> None:
    row = {**_row("mixed"), "prefixed-0": [-1.0, -3.0, -1.0, -7.0, -0.5, -2.0, -5.0]}
    value = make_attack({"name": "recall", "beginnings": 1}).score(_tables([row])).values[0]
    assert value == pytest.approx(-19.5 / -18.125, rel=1e-12)
    assert _score("recall", "known by heart to both") == 1.0


def test_pac_is_higher_where_the_text_is_more_evenly_likely_than_its_versions() -> None:
    """Two of seven tokens at each end: −.3125 + 5.625 apart, and versions at 4 and 6 nats apart, five each."""
    row = {**_row("mixed")}
    row |= {f"swap-{i}": [-1.0, -5.0, -3.0] if i % 2 else [-1.0, -7.0, -3.0] for i in range(10)}
    value = make_attack("pac").score(_tables([row])).values[0]
    assert value == pytest.approx(5.0 - (5.625 - 0.3125), rel=1e-12)
    even = {**row, "target": [-2.0] * 7}
    assert make_attack("pac").score(_tables([even])).values[0] == pytest.approx(5.0)


def test_a_certain_token_without_variance_does_not_divide_by_zero() -> None:
    assert _score("min_k_pp", "no variance") == pytest.approx(-8.0 / math.sqrt(1e-6))
    assert _score({"name": "min_k_pp", "k": 1.0}, "known by heart") == pytest.approx(1.0 / 1.5)


def test_ties_and_windows_longer_than_the_text() -> None:
    """δ = .5, −.5, .5, −.5, 0: w = 2: none; w = 3: 1 of 3; w = 4: none of 2; from w = 6 on the whole ties."""
    assert _score("wbc", "ties, shorter than most windows") == pytest.approx((0 + 1 / 3) / 10)


def test_the_bytes_that_are_collected_are_those_of_utf8(tiny_llama: Path) -> None:
    from vestige.data.encode import encode
    from vestige.models.loading import load_tokenizer
    from vestige.models.sources import resolve
    from vestige.records import Example

    row = _row("not ASCII")
    tokenizer = load_tokenizer(resolve(str(tiny_llama)))
    encoded = encode([Example("t", "", row["text"])], tokenizer, max_length=200)[0]
    assert not encoded.was_cut
    assert encoded.zlib_bytes == len(zlib.compress(row["text"].encode()))
    assert encoded.n_bytes == len(row["text"].encode()) > len(row["text"])
