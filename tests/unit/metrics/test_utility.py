"""Validation loss and perplexity: by hand, over cells, and where they are refused."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats

from vestige.metrics import Bootstrap, TextLosses, perplexity, text_losses, validation_loss
from vestige.testing.stats import planted_tables, token_stats

QUICK = Bootstrap(samples=200)
LOGP = [[-1.0, -2.0], [-6.0], [], [-3.0]]
OWN = np.array([""] * 4)


def losses(rows: list[list[float]], ids: Sequence[str] = ()) -> TextLosses:
    return text_losses(token_stats(rows, ids=ids))


def test_every_token_weighs_the_same() -> None:
    loss = validation_loss([losses(LOGP)], groups=OWN, bootstrap=QUICK)
    assert loss.value == pytest.approx(12 / 4)
    assert (loss.counts.texts, loss.counts.groups, dict(loss.counts.unscored)) == (3, 3, {"too_short": 1})
    assert loss.signature == "loss|cells:1|seeds:1|boot:200|unit:group|level:0.95|seed:0|t|trainings:these|v:2"


def test_cells_are_averaged_and_their_groups_drawn_together() -> None:
    better = losses([[2 * x for x in text] for text in LOGP])
    worse = losses([[-20 - 2 * x for x in text] for text in LOGP])  # the mirror image: their mean is 10 everywhere
    both = validation_loss([better, worse], groups=OWN, bootstrap=QUICK)
    # The texts add nothing; the trainings, at 6 and 14 nats, (6 − 14)²/4 with one degree of freedom: t is tan(.95 π/2).
    reach = 4 * math.tan(0.95 * math.pi / 2)
    assert [both.low, both.value, both.high] == pytest.approx([10.0 - reach, 10.0, 10.0 + reach])
    assert "|t|trainings:2|" in both.signature


def test_perplexity_is_the_exponential_of_the_loss_and_of_its_interval() -> None:
    tables = planted_tables(1.0, members=30, non_members=30).tables
    arguments = {"groups": tables.ids, "bootstrap": QUICK}
    cells = list(map(text_losses, tables.values()))
    loss = validation_loss(cells, **arguments)  # type: ignore[arg-type]
    ppl = perplexity(cells, **arguments)  # type: ignore[arg-type]
    assert loss.value is not None
    assert loss.low is not None
    assert loss.high is not None
    assert (ppl.low, ppl.value, ppl.high) == (math.exp(loss.low), math.exp(loss.value), math.exp(loss.high))
    assert ppl.signature.startswith("perplexity|cells:2|")
    assert loss.low < loss.value < loss.high


def test_seeds_that_differ_widen_the_interval() -> None:
    """Losses near 3, 4 and 5 nats: s²/S is 1/3, far above what 40 groups give, so t has two degrees of freedom: 4.303
    (any table).
    """
    generator = np.random.default_rng(0)
    tables = [losses((generator.normal(-3 - i, 0.1, size=(40, 5))).tolist()) for i in range(3)]
    groups = np.array([f"g{i}" for i in range(40)])
    one = validation_loss(tables[:1], groups=groups, bootstrap=QUICK)
    seeds = validation_loss(tables, groups=groups, seeds=[0, 1, 2], bootstrap=QUICK)
    assert one.high - one.low < 0.1  # type: ignore[operator]
    assert seeds.high - seeds.low == pytest.approx(2 * 4.303 / math.sqrt(3), rel=0.05)  # type: ignore[operator]
    assert "|t|trainings:3|" in seeds.signature


def test_few_groups_have_the_t_form() -> None:
    """Seven texts of one token each: the loss is their mean, the interval that of any textbook, but for the drawing."""
    values = np.array([2.1, 3.4, 2.8, 5.0, 3.9, 2.2, 4.4])
    found = validation_loss(
        [losses([[-one] for one in values.tolist()])],
        groups=np.array([""] * 7),
        bootstrap=Bootstrap(samples=20_000),
    )
    truth = scipy.stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high), rel=0.01)


def test_the_order_of_the_texts_decides_nothing() -> None:
    generator = np.random.default_rng(0)
    rows = [generator.normal(-3, 1, size=n).tolist() for n in range(20)]
    ids = [f"t{i:02d}" for i in range(20)]
    straight = validation_loss([losses(rows, ids=ids)], groups=np.array(ids), bootstrap=QUICK)
    turned = validation_loss([losses(rows[::-1], ids=ids[::-1])], groups=np.array(ids[::-1]), bootstrap=QUICK)
    assert straight == turned


@pytest.mark.parametrize(
    ("rows", "groups", "reason"),
    [
        ([[], []], ["a", "b"], "no text has a scored token"),
        ([[-1.0, float("-inf")], [-1.0]], ["a", "b"], "diverged"),
        ([[-1.0], [float("nan")]], ["a", "b"], "diverged"),
        ([[-1.0], [-2.0]], ["a", "a"], "one group"),
    ],
)
def test_what_the_texts_cannot_carry_is_refused(rows: list[list[float]], groups: list[str], reason: str) -> None:
    for metric in (validation_loss, perplexity):
        estimate = metric([losses(rows)], groups=np.array(groups), bootstrap=QUICK)
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert reason in estimate.reason


def test_a_perplexity_beyond_numbers_is_refused() -> None:
    estimate = perplexity([losses([[-800.0], [-900.0]])], groups=np.array(["a", "b"]), bootstrap=QUICK)
    assert estimate.value is None
    assert "850 nats" in estimate.reason


def test_cells_of_different_texts_are_an_error() -> None:
    one = losses(LOGP)
    for other in (losses(LOGP, ids=list("abcd")), losses([[-1.0], [-2.0, -6.0], [], [-3.0]])):
        with pytest.raises(ValueError, match="the cells"):
            validation_loss([one, other], groups=OWN)
    with pytest.raises(ValueError, match="a seed for each"):
        validation_loss([one], groups=OWN, seeds=[0, 1])
    with pytest.raises(ValueError, match="a group for each"):
        validation_loss([one], groups=OWN[:2])
