from __future__ import annotations

import pytest

from vestige.durations import duration
from vestige.outcome.wording import explained, folded, joined, quantity_name, shown
from vestige.records import Counts, Estimate, Estimated


@pytest.mark.parametrize(
    ("quantity", "value", "low", "high", "expected"),
    [
        ("auc", 0.7812, 0.741, 0.8249, ".78 [.74, .82]"),
        ("auc", 0.999, 0.95, 1.0, "1.0 [.95, 1.0]"),
        ("tpr@0.01", 0.031, 0.009, 0.118, "3.1% [0.9, 12]"),
        ("tpr@0.01", 1.0, 0.963, 1.0, "100% [96, 100]"),
        ("loss", 1.7514, 1.63, 1.87, "1.751 [1.630, 1.870]"),
        ("perplexity", 5.7148, 4.478, 17.784, "5.71 [4.48, 17.8]"),
        ("perplexity", 1234.5, 999.4, 2.5e6, "1234 [999, 2.5e+06]"),
    ],
)
def test_a_number_is_shown_with_its_interval(
    quantity: str, value: float, low: float, high: float, expected: str
) -> None:
    assert shown(Estimated(quantity, Estimate(value, low, high, Counts(), signature=""))) == expected


def test_a_refused_number_is_a_dash_that_explains_itself() -> None:
    counts = Counts(members=19, non_members=20, groups=9)
    refused = Estimate(None, None, None, counts, signature="tpr|v:1", reason="too few")
    assert shown(Estimated("tpr@0.01", refused, attack="ref")) == "—"
    assert explained(refused) == "Refused: too few · 19 members, 20 non-members, 9 groups · tpr|v:1"


def test_words() -> None:
    assert quantity_name("tpr@0.001") == "TPR at 0.1% FPR"
    assert [duration(seconds) for seconds in (42.4, 420, 7511)] == ["42 s", "7 min", "2 h 5 min"]
    assert [joined(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert folded("prefix(tokens=4, projection=True)", width=18) == ["prefix(tokens=4,", "projection=True)"]
