from __future__ import annotations

import numpy as np

from vestige.metrics.crossings import LossCurve, checkpoints_to_attack, most_to_attack

EPOCHS = np.arange(1.0, 9.0)


def straight(method: str, *, fall: float, until: float = 8.0) -> LossCurve:
    """Falls by `fall` from 10 along x = log(epoch + 1) until an epoch, and rises by a tenth of that afterwards."""
    share = np.log(EPOCHS + 1) / np.log(until + 1)
    losses = 10 - fall * np.where(share <= 1, share, 1.1 - 0.1 * share)
    return LossCurve(method, EPOCHS, losses)


def test_two_on_each_side_of_a_crossing_the_best_and_the_last() -> None:
    # Its own gain of 2 is the reach: φ = .6 is crossed at log(e + 1) = .6·log 9, e = 2.74.
    slow = straight("slow", fall=2.0)
    assert checkpoints_to_attack([slow], base_loss=10.0, levels=[0.6]) == [(1.0, 2.0, 3.0, 4.0, 8.0)]


def test_the_reach_is_the_least_gain_and_every_arm_is_taken_where_it_first_gets_there() -> None:
    # Common reach 2, so τ = 8.8: the fast one (falls by 2 until epoch 3, log 4) is there at e = 4^.6 − 1 = 1.30.
    fast, slow = straight("fast", fall=2.0, until=3.0), straight("slow", fall=2.0)
    found = checkpoints_to_attack([fast, slow], base_loss=10.0, levels=[0.6])
    assert found == [(1.0, 2.0, 3.0, 8.0), (1.0, 2.0, 3.0, 4.0, 8.0)]


def test_what_never_gets_there_is_attacked_at_its_best_and_last() -> None:
    good, poor = straight("good", fall=2.0), straight("poor", fall=0.9, until=5.0)
    found = checkpoints_to_attack([good, poor], base_loss=10.0, levels=[0.6])
    assert found == [(1.0, 2.0, 3.0, 4.0, 8.0), (5.0, 8.0)]


def test_of_the_rates_of_a_method_the_best_sets_the_reach_and_the_other_is_attacked_where_it_gets() -> None:
    best, other, rival = straight("a", fall=2.0), straight("a", fall=0.5), straight("b", fall=3.0)
    found = checkpoints_to_attack([best, other, rival], base_loss=10.0, levels=[0.6])
    assert found[0] == (1.0, 2.0, 3.0, 4.0, 8.0)
    assert found[1] == (8.0,)


def test_nothing_learned_is_attacked_at_best_and_last() -> None:
    worse = LossCurve("worse", EPOCHS, 10 + EPOCHS)
    assert checkpoints_to_attack([worse], base_loss=10.0) == [(1.0, 8.0)]


def test_at_most_four_checkpoints_a_level_the_best_and_the_last() -> None:
    epochs = [float(one) for one in range(1, 21)]
    assert most_to_attack(epochs) == (*epochs[:13], 20.0)
    assert most_to_attack(epochs[:5]) == tuple(epochs[:5])
