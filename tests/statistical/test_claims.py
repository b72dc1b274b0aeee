"""A family against another at equal epochs: do intervals hold the truth, and how often is one said that is none?

Each score is a unit normal, raised for members by what the method, and this training of it, makes a member stand out:
half of the noise is the text's own in every method and cell, as some texts are easy for every model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from vestige.claims.decide import decide
from vestige.claims.measured import Measured
from vestige.metrics.contrast import contrast, resamples
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Floats, Fold, Labelled, Scores
from vestige.testing.stats import normal_auc

pytestmark = pytest.mark.slow

STUDIES = 200
PER_GROUP = 2
FOLDS: tuple[Fold, Fold] = ("A", "B")
BOOTSTRAP = Bootstrap(samples=200)
WEIGHTS = {"lora": 0.5, "head": 0.5, "prompt": -1.0}


@dataclass(frozen=True)
class Design:
    """`gap`: how much more a member stands out under the first family, in standard deviations; `retraining`: the SD of
    that between trainings (.055 is about .015 AUC).
    """

    seeds: int
    gap: float
    texts: int = 300
    retraining: float = 0.055

    @property
    def truth(self) -> float:
        """The difference of the AUCs; retraining takes nothing from it to the first order."""
        return normal_auc(0.4 + self.gap) - normal_auc(0.4)


def _cells(design: Design, shift: float, easy: Floats, random: np.random.Generator) -> Iterator[Labelled]:
    groups = design.texts // PER_GROUP
    for seed in range(design.seeds):
        half = np.repeat(np.random.default_rng(seed).permutation(groups) % 2 == 0, PER_GROUP)
        for fold in FOLDS:
            is_member = half if fold == "A" else ~half
            stands_out = shift + design.retraining * random.normal()
            values = np.sqrt(0.5) * easy + np.sqrt(0.5) * random.normal(size=design.texts) + stands_out * is_member
            ids = np.array([str(text) for text in range(design.texts)])
            scores = Scores(ids, values, np.full(design.texts, "", dtype=np.str_))
            yield Labelled(
                scores, is_member, np.array([str(text // PER_GROUP) for text in range(design.texts)]), seed, fold
            )


def _study(design: Design, random: np.random.Generator) -> Measured:
    easy = random.normal(size=design.texts)
    shifts = {"lora": 0.4 + design.gap, "head": 0.4 + design.gap, "prompt": 0.4}
    arms = {name: list(_cells(design, shift, easy, random)) for name, shift in shifts.items()}
    value, spread = contrast([(WEIGHTS[name], resamples(cells, bootstrap=BOOTSTRAP)) for name, cells in arms.items()])
    return Measured(value, spread.reach(0.95), spread.reach(0.9))


@pytest.mark.parametrize("design", [Design(1, 0.0), Design(3, 0.0), Design(3, 0.3)], ids=str)
def test_intervals_hold_the_truth(design: Design) -> None:
    random = np.random.default_rng(0)
    found = [_study(design, random) for _ in range(STUDIES)]
    covered = np.mean([one.low <= design.truth <= one.high for one in found])
    bias = np.mean([one.value for one in found]) - design.truth
    assert covered >= 0.92, f"{covered:.3f}: 95% less two standard errors of 200 studies are .92"
    assert abs(bias) <= 0.005
    if not design.gap:
        verdicts = [decide(one, expected="more", margin=0.05).verdict for one in found]
        assert verdicts.count("supported") <= 0.055 * STUDIES, "2.5% and two standard errors"
