"""How half-widths add up, and which verdict follows: analytic values."""

from __future__ import annotations

import pytest

from vestige.claims.decide import decide
from vestige.claims.measured import Measured, independent, minus, of_shared_texts
from vestige.outcome.claims import Expected
from vestige.records import Counts, Estimate


def measured(value: float, wide: float) -> Measured:
    return Measured(value, wide, 0.8 * wide)


def test_an_estimate_is_as_wide_as_its_longer_side() -> None:
    estimate = Estimate(0.3, 0.2, 0.35, Counts(), "")
    assert Measured.of(estimate, bound=0.36).wide == pytest.approx(0.1)
    assert Measured.of(estimate, bound=0.36).narrow == pytest.approx(0.06)
    assert Measured.of(estimate).narrow == pytest.approx(0.08393), "at most that share for any t"
    with pytest.raises(ValueError, match="refused"):
        Measured.of(Estimate(None, None, None, Counts(), "", "few"))


def test_independent_errors_add_up_as_squares() -> None:
    found = minus(measured(0.3, 0.03), measured(0.1, 0.04))
    assert (found.value, found.wide, found.narrow) == pytest.approx((0.2, 0.05, 0.04))
    assert independent([(0.5, measured(0.2, 0.03)), (0.5, measured(0.4, 0.04))]).wide == pytest.approx(0.025)


def test_a_mean_over_shared_texts_is_as_wide_as_its_parts() -> None:
    found = of_shared_texts([measured(0.2, 0.03), measured(0.4, 0.05)])
    assert (found.value, found.wide, found.narrow) == pytest.approx((0.3, 0.04, 0.032))


def test_what_is_left_out_is_carried_along_once() -> None:
    one = Measured(0.1, 0.1, 0.1, without=("head",))
    assert minus(of_shared_texts([one, one]), measured(0, 0)).without == ("head",)


@pytest.mark.parametrize(
    ("value", "wide", "expected", "verdict", "why"),
    [
        (0.10, 0.05, "more", "supported", "above 0"),
        (-0.10, 0.05, "more", "contradicted", "below 0"),
        (0.01, 0.02, "more", "contradicted", "equivalent to 0 within 0.05"),
        (0.03, 0.06, "more", "undecided", "about 4 times the groups and trainings"),
        (-0.10, 0.05, "less", "supported", "below 0"),
        (0.10, 0.05, "less", "contradicted", "above 0"),
        (0.01, 0.04, "equivalent", "supported", "two one-sided tests"),
        (-0.20, 0.10, "equivalent", "contradicted", "beyond the margin"),
        (0.04, 0.04, "equivalent", "undecided", "leaves it open"),
        (0.30, 0.10, "no less", "supported", "not below −0.05"),
        (-0.03, 0.02, "no less", "supported", "not below −0.05"),
        (-0.20, 0.10, "no less", "contradicted", "below −0.05"),
        (-0.04, 0.10, "no less", "undecided", "leaves it open"),
    ],
)
def test_verdicts(value: float, wide: float, expected: Expected, verdict: str, why: str) -> None:
    found = decide(measured(value, wide), expected=expected, margin=0.05)
    assert found.verdict == verdict
    assert why in found.why


def test_on_the_margin_nothing_decides() -> None:
    assert "no size of study" in decide(measured(0.05, 0.02), expected="equivalent", margin=0.05).why
