"""Which checkpoints lie next to a crossing."""

from __future__ import annotations

import math

from vestige.metrics.crossing import around_crossings, common_reach, most_around_crossings

HALVING = {0.25: 4.0, 0.5: 2.0, 1.0: 1.0, 2.0: 0.5, 3.0: 0.25, 5.0: 0.1, 8.0: 0.0, 12.0: 0.3}
"""From a base at 5: shares of a reach of 5 are .2, .6, .8, .9, .95, .98, 1 and .94."""


def test_two_checkpoints_lie_on_each_side_of_a_crossing() -> None:
    """It is at .85 of the reach between epochs 1 and 2, and at .9 the checkpoint at epoch 2 is there."""
    assert around_crossings(HALVING, base=5.0, reach=5.0, levels=[0.85]) == {0.5, 1.0, 2.0, 3.0}
    assert around_crossings(HALVING, base=5.0, reach=5.0, levels=[0.9]) == {0.5, 1.0, 2.0, 3.0}
    assert around_crossings(HALVING, base=5.0, reach=5.0, levels=[0.8, 0.9]) == {0.25, 0.5, 1.0, 2.0, 3.0}


def test_the_first_crossing_counts() -> None:
    """At .945 of the reach it falls below after epoch 2, rises above at the end: that is no second crossing."""
    assert around_crossings(HALVING, base=5.0, reach=5.0, levels=[0.945]) == {1.0, 2.0, 3.0, 5.0}


def test_an_end_of_the_trajectory_has_fewer_beside_it() -> None:
    assert around_crossings({1.0: 1.0, 2.0: 0.5, 3.0: 0.4}, base=2.0, reach=1.0, levels=[0.9]) == {1.0, 2.0}
    assert around_crossings({1.0: 1.0, 2.0: 0.9, 3.0: 0.8}, base=2.0, reach=1.25, levels=[0.95]) == {1.0, 2.0, 3.0}


def test_a_level_that_is_never_reached_asks_for_nothing() -> None:
    assert around_crossings({1.0: 1.0, 2.0: 0.9}, base=2.0, reach=1.3, levels=[0.8, 0.9]) == {1.0, 2.0}
    assert around_crossings({1.0: 1.0, 2.0: 0.9}, base=2.0, reach=3.0) == set()
    assert around_crossings({1.0: 3.0}, base=2.0, reach=-1.0) == around_crossings({}, base=2.0, reach=math.nan) == set()


def test_who_gains_less_than_half_does_not_lower_the_reach() -> None:
    assert common_reach([1.0, 0.8, 0.49]) == 0.8
    assert common_reach([1.0, 0.5]) == 0.5
    assert math.isnan(common_reach([]))


def test_at_most_four_checkpoints_a_level_and_the_lowest() -> None:
    epochs = [float(one) for one in range(1, 21)]
    assert most_around_crossings(epochs) == set(epochs[:13])
    assert most_around_crossings(epochs[:5]) == set(epochs[:5])
