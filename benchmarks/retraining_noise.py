"""How much the leakage of a method at equal utility varies from one training to the next, from a finished study.

`.venv/bin/python benchmarks/retraining_noise.py studies/cpu/comparison-seeds.toml`: one row for each method, quantity
and level, with what each seed came to. A seed is the mean of its folds, so that the SD of one training is that of the
seeds times √folds; its 95% interval is that of a normal sample (χ², seeds − 1 degrees of freedom). It holds the luck
of the split and of the texts' scores beside that of the training, and so is at most too large. A method is taken where
it first has a share of what all methods of the study reach, of a study of one method of its own gain.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from vestige.api import finished
from vestige.metrics.comparison import LEVELS
from vestige.metrics.evaluation import Evaluation, Settings
from vestige.metrics.standings import standing
from vestige.study.compared import comparison
from vestige.study.plan import Plan
from vestige.study.stages.compared import ComparisonSpec, inputs_of


def evaluations(plan: Plan) -> Iterator[tuple[str, Evaluation]]:
    """Each base and corpus whose methods are attacked along their training."""
    for pair in plan.grid.pairs:
        task = comparison(plan.choice, pair)
        if task is None or not all(map(plan.store.is_done, task.inputs.values())):
            continue
        spec = ComparisonSpec.model_validate(task.spec)
        yield f"{pair.base}, {pair.corpus}", Evaluation(inputs_of(spec, task, plan.store), Settings(spec.primary))


def of_a_training(seeds: np.ndarray, *, folds: int) -> tuple[float, float, float]:
    """SD of one training, and its 95% interval, of the means of seeds over their folds."""
    df = len(seeds) - 1
    deviation = float(np.std(seeds, ddof=1)) * np.sqrt(folds)
    low, high = (deviation * np.sqrt(df / chi2.ppf(end, df)) for end in (0.975, 0.025))
    return deviation, float(low), float(high)


def rows(evaluation: Evaluation, *, folds: int) -> Iterator[tuple[str, ...]]:
    """The cells of each method, quantity and level, or why there is no number."""
    for method in evaluation.compared:
        own = standing(evaluation, method)
        for what, level in product(evaluation.headlines, LEVELS):
            found, number = own.at(what, level=level), evaluation.numbers(what, level)[method]
            if found is None or found.value is None:
                yield method, what, f"{level:g}", f"refused: {found.reason if found else ''}", "", "", ""
                continue
            seeds = " ".join(f"{value:.4f}" for value in number.units)
            deviation, low, high = of_a_training(number.units, folds=folds)
            spread = f"{deviation:.4f}", f"[{low:.4f}, {high:.4f}]"
            yield method, what, f"{level:g}", seeds, f"{number.value:.4f}", *spread


def main() -> None:
    """Print the table, in Markdown."""
    plan = finished(Path(sys.argv[1]), say=print)
    folds = plan.study.study.folds
    print("| base, corpus | method | what | level | seeds | mean | SD of a training | 95% |")
    print("|---|---|---|---|---|---|---|---|")
    for name, evaluation in evaluations(plan):
        for row in rows(evaluation, folds=folds):
            print("|", " | ".join((name, *row)), "|")


if __name__ == "__main__":
    main()
