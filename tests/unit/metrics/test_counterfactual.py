"""Counterfactual memorization against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from vestige.metrics import (
    KnownTexts,
    TextLosses,
    known_texts,
    mean_memorization,
    memorization,
    text_losses,
    text_memorization,
)
from vestige.records import Estimate
from vestige.testing.stats import token_stats

A = [True, False]
B = [False, True]


def losses(*texts: list[float]) -> TextLosses:
    """Of texts whose tokens have these log-probabilities."""
    return text_losses(token_stats(texts))


def known(
    losses: list[list[float]],
    is_member: list[list[bool]],
    *,
    tokens: list[float] | None = None,
    levels: list[float] | None = None,
    seeds: tuple[int, ...] | None = None,
) -> KnownTexts:
    """Losses per token, as models would have them."""
    sizes = np.asarray(tokens or [1.0] * len(losses[0]))
    level = np.asarray(levels or [0.0] * len(losses))
    cells = seeds or (0,) * len(losses)
    return KnownTexts(np.asarray(losses) * sizes, sizes, np.asarray(is_member), level, cells)


def estimate(found: KnownTexts, groups: list[str] | None = None) -> Estimate:
    ids = np.asarray([f"t{place}" for place in range(len(found.tokens))])
    return memorization(found, ids=ids, groups=np.asarray(groups or [""] * len(ids)))


# One text


def test_two_folds_by_hand() -> None:
    """Text 0 costs 1 nat where trained on and 3 where not; text 1 the other way round, 2 against 2.5."""
    pool = [losses([-0.5, -1.5], [-2.5]), losses([-3.0, -3.0], [-2.0])]
    level = [losses([-1.0])] * 2
    found = known_texts(pool, level, is_member=[np.array(A), np.array(B)], seeds=[0, 0])
    assert text_memorization(found) == pytest.approx([2.0, 0.5])


def test_a_model_that_is_better_everywhere_has_memorized_nothing_by_that() -> None:
    """Model A is .2 nats better on every text, validation texts too."""
    members = [[True, True, False, False], [False, False, True, True]]
    found = known([[1.8, 2.8, 3.8, 0.8], [2.0, 3.0, 4.0, 1.0]], members, levels=[2.3, 2.5])
    assert text_memorization(found) == pytest.approx([0, 0, 0, 0], abs=1e-12)
    assert text_memorization(replace(found, levels=np.zeros(2))) == pytest.approx([0.2, 0.2, -0.2, -0.2])


def test_the_level_of_a_model_is_that_of_its_validation_tokens() -> None:
    pool, level = [losses([-1.0]), losses([-3.0])], [losses([-1.0, -1.0, -1.0], [-5.0]), losses([-4.0], [-1.0] * 3)]
    found = known_texts(pool, level, is_member=[np.array([True]), np.array([False])], seeds=[0, 0])
    assert found.levels == pytest.approx([2.0, 1.75])
    assert text_memorization(found) == pytest.approx([(3.0 - 1.75) - (1.0 - 2.0)])


def test_several_seeds_are_averaged_on_each_side() -> None:
    found = known([[1.0], [2.0], [3.0]], [[True], [True], [False]])
    assert text_memorization(found) == pytest.approx([1.5])


def test_nothing_is_said_without_both_sides_or_without_a_token() -> None:
    no_token = known([[0.0], [0.0]], [[True], [False]], tokens=[0.0])
    assert np.isnan([*text_memorization(known([[1.0]], [[True]])), *text_memorization(no_token)]).all()


def test_shapes_must_match() -> None:
    with pytest.raises(ValueError, match="membership"):
        known([[1.0]], [[True, False]])


# A study


def test_the_mean_weighs_tokens_as_the_loss_does() -> None:
    """2 nats on each of 9 tokens and none on the one of the other text: 1.8 nats per token, not 1."""
    found = known([[1.0, 2.0], [3.0, 2.0]], [A, B], tokens=[9.0, 1.0])
    assert estimate(found).value == pytest.approx(1.8)


def test_the_mean_is_the_difference_of_the_mean_losses_at_one_level() -> None:
    """Each text is in once and out once: mean loss left out minus mean loss trained on, over all tokens."""
    random = np.random.default_rng(0)
    losses, sizes = random.gamma(4, 0.5, (2, 6)), random.integers(3, 30, 6).astype(float)
    members = np.asarray([[True, True, True, False, False, False], [False, False, False, True, True, True]])
    found = KnownTexts(losses * sizes, sizes, members, np.zeros(2), (0, 0))
    left_out, trained = (np.sum((losses * sizes)[which]) / sizes.sum() for which in (~members, members))
    assert estimate(found).value == pytest.approx(left_out - trained)


def test_samples_weigh_texts_and_draw_levels() -> None:
    found = known([[1.0, 2.0], [3.0, 2.5]], [A, B], tokens=[2.0, 1.0], levels=[0.5, 0.5])
    weights = np.asarray([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    assert mean_memorization(found, weights) == pytest.approx([2.0, -0.5, (2 * 2.0 - 0.5) / 3])
    moved = np.asarray([[0.5, 0.5], [0.5, 0.75], [0.5, 0.75]])
    assert mean_memorization(found, weights, levels=moved) == pytest.approx([2.0, -0.25, (2 * 1.75 - 0.25) / 3])


def test_a_sample_without_a_text_is_no_number() -> None:
    found = known([[1.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [[True, False, True], [False, True, True]])
    assert np.isnan(mean_memorization(found, np.asarray([[0.0, 0.0, 5.0]]))[0])


def test_the_interval_of_single_texts_of_one_length_is_that_of_a_mean() -> None:
    values = np.asarray([0.1, 0.4, 0.2, 0.9, -0.1])
    found = known([[0.0] * 5, values.tolist()], [[True] * 5, [False] * 5])
    expected = stats.t.interval(0.95, 4, loc=values.mean(), scale=values.std(ddof=1) / np.sqrt(5))
    read = estimate(found)
    assert (read.low, read.high) == pytest.approx(expected)
    assert (read.counts.texts, read.counts.groups) == (5, 5)


def test_groups_are_the_unit() -> None:
    """Three copies of each text in one group say no more than one of them."""
    values = [0.1, 0.4, 0.2, 0.9, -0.1]
    alone = known([[0.0] * 5, values], [[True] * 5, [False] * 5])
    thrice = known([[0.0] * 15, values * 3], [[True] * 15, [False] * 15])
    one, three = estimate(alone), estimate(thrice, [f"g{place}" for place in range(5)] * 3)
    assert (one.low, one.high) == pytest.approx((three.low, three.high))


def test_seeds_that_differ_widen_the_interval() -> None:
    """Texts all alike, seeds .2 and .4: the t interval of two seeds, whose mean has an error of .1."""
    losses = [[0.0] * 4, [0.2] * 4, [0.0] * 4, [0.4] * 4]
    read = estimate(known(losses, [[True] * 4, [False] * 4] * 2, seeds=(0, 0, 1, 1)))
    assert read.value == pytest.approx(0.3)
    assert read.high == pytest.approx(0.3 + 0.1 * stats.t.ppf(0.975, 1))


def test_one_seed_says_that_it_is_one() -> None:
    assert "|seeds:1|" in estimate(known([[1.0, 2.0], [3.0, 2.5]], [A, B])).signature


@pytest.mark.parametrize(
    ("found", "groups", "reason"),
    [
        (known([[1.0, 2.0]], [A]), ["", ""], "folds = 2"),
        (known([[1.0, 2.0], [3.0, 2.5]], [A, B]), ["g", "g"], "too few groups"),
        (known([[1.0, np.inf], [3.0, 2.5]], [A, B]), ["", ""], "not finite"),
        (known([[1.0, 2.0], [3.0, 2.5]], [A, B], levels=[1.0, np.nan]), ["", ""], "no validation text"),
    ],
)
def test_what_cannot_be_had_is_refused(found: KnownTexts, groups: list[str], reason: str) -> None:
    read = estimate(found, groups)
    assert read.value is None
    assert reason in read.reason


def test_texts_left_out_are_counted() -> None:
    members = [[True, False, True, True], [False, True, True, False]]
    read = estimate(known([[1.0, 2.0, 1.0, 0.0], [3.0, 2.5, 1.0, 0.0]], members, tokens=[3, 3, 3, 0]))
    assert read.counts.texts == 2
    assert read.counts.unscored == {"too_short": 1, "on_one_side": 1}
