"""Do the 95% intervals contain the truth in 95% of studies? Simulated, where the truth is known.

The score of a text in a cell is a unit normal, raised by `separation` for members: part of it is the text's group's,
part the text's own in every cell (some texts are easy for every model), the rest the cell's. So AUC and TPR are those
of two normals, whatever the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from vestige.metrics import Bootstrap, auc, text_losses, tpr_at_fpr, validation_loss
from vestige.records import Bools, Estimate, Floats, Fold, Labelled, Scores, Texts
from vestige.testing.stats import normal_auc, normal_tpr, token_stats

pytestmark = pytest.mark.slow

FPR = 0.01
FOLDS: tuple[Fold, Fold] = ("A", "B")


@dataclass(frozen=True)
class Design:
    """One way to run a study; `each` is the number of members, and of non-members, of a cell."""

    separation: float
    each: int
    per_group: int = 1
    of_group: float = 0.0
    folds: int = 1
    seeds: int = 1
    studies: int = 500

    def __str__(self) -> str:
        groups = f" in groups of {self.per_group}" if self.per_group > 1 else ""
        return f"separation {self.separation:g}, {self.each} each{groups}, {self.folds} folds, {self.seeds} seeds"


DESIGNS = [
    Design(0.0, 300),
    Design(1.0, 300),
    Design(2.0, 300),
    Design(0.0, 1000),
    Design(1.0, 1000),
    Design(3.0, 1000),
    Design(1.0, 300, folds=2),
    Design(0.0, 300, folds=2),
    Design(1.0, 1000, folds=2),
    Design(1.0, 300, per_group=5, of_group=0.3),
    Design(1.0, 300, per_group=5, of_group=0.3, folds=2),
    Design(0.0, 1000, per_group=8, of_group=0.3, folds=2),
]


def _study(design: Design, generator: np.random.Generator) -> list[Labelled]:
    texts = 2 * design.each
    group = np.arange(texts) // design.per_group
    of_group = np.sqrt(design.of_group) * generator.normal(size=texts)[group]
    of_text = np.sqrt((1 - design.of_group) / 2) * generator.normal(size=texts)
    cells = []
    for seed in range(design.seeds):
        groups = generator.permutation(texts // design.per_group)
        half_a = np.isin(group, groups[: len(groups) // 2])
        for fold, is_member in list(zip(FOLDS, (half_a, ~half_a), strict=True))[: design.folds]:
            own = np.sqrt((1 - design.of_group) / 2) * generator.normal(size=texts)
            scores = of_group + of_text + own + design.separation * is_member
            cells.append(_labelled(scores, is_member=is_member, group=group.astype(str), seed=seed, fold=fold))
    return cells


def _labelled(scores: Floats, *, is_member: Bools, group: Texts, seed: int, fold: Fold) -> Labelled:
    ids = np.array([f"t{i:05d}" for i in range(len(scores))])
    reasons = np.full(ids.shape, "", dtype=np.str_)
    return Labelled(Scores(ids=ids, values=scores, reasons=reasons), is_member, group, seed, fold)


def _studies(design: Design) -> Iterator[tuple[list[Labelled], Bootstrap]]:
    generator = np.random.default_rng(20240)
    for i in range(design.studies):
        yield _study(design, generator), Bootstrap(samples=500, seed=i)


def _coverage(estimates: Iterator[Estimate], *, truth: float) -> float:
    return float(np.mean([_holds(estimate, truth=truth) for estimate in estimates]))


def _holds(estimate: Estimate, *, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_the_interval_of_auc_covers_the_truth(design: Design) -> None:
    estimates = (auc(labels, bootstrap=bootstrap) for labels, bootstrap in _studies(design))
    covered = _coverage(estimates, truth=normal_auc(design.separation))
    assert 0.93 <= covered <= 0.97, f"{covered:.3f}"


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_the_interval_of_tpr_covers_the_truth(design: Design) -> None:
    estimates = (tpr_at_fpr(labels, fpr=FPR, bootstrap=bootstrap) for labels, bootstrap in _studies(design))
    covered = _coverage(estimates, truth=normal_tpr(design.separation, fpr=FPR))
    assert covered >= 0.90, f"{covered:.3f}"


@pytest.mark.parametrize("metric", [auc, lambda *args, **kw: tpr_at_fpr(*args, fpr=FPR, **kw)], ids=["auc", "tpr"])
def test_several_seeds_err_on_the_side_of_width(metric: Callable[..., Estimate]) -> None:
    design = Design(1.0, 300, folds=2, seeds=3, studies=200)
    truth = normal_auc(1.0) if metric is auc else normal_tpr(1.0, fpr=FPR)
    estimates = (metric(labels, bootstrap=bootstrap) for labels, bootstrap in _studies(design))
    assert _coverage(estimates, truth=truth) >= 0.95


def test_resampling_texts_where_groups_matter_would_cover_too_little() -> None:
    design = Design(1.0, 300, per_group=5, of_group=0.3, studies=300)
    apart = (
        [Labelled(cell.scores, cell.is_member, cell.scores.ids, cell.seed, cell.fold) for cell in labels]
        for labels, _ in _studies(design)
    )
    estimates = (auc(labels, bootstrap=Bootstrap(samples=500)) for labels in apart)
    assert _coverage(estimates, truth=normal_auc(1.0)) < 0.90


def test_the_interval_of_the_loss_covers_the_truth() -> None:
    generator = np.random.default_rng(5)
    groups = np.array([f"g{i // 4:02d}" for i in range(240)])

    def estimates() -> Iterator[Estimate]:
        for i in range(400):
            mean = -3 + 0.5 * np.repeat(generator.normal(size=60), 4)
            table = token_stats((mean[:, None] + generator.normal(0, 0.5, size=(240, 20))).tolist())
            yield validation_loss([text_losses(table)], groups=groups, bootstrap=Bootstrap(samples=500, seed=i))

    assert 0.92 <= _coverage(estimates(), truth=3.0) <= 0.97
