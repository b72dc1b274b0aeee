"""What comparing methods at equal utility costs: a large study on one core.

6 methods × 3 seeds × 2 folds × 8 checkpoints × 13 attacks on 1,000 pool texts and 300 validation texts, 1,000 bootstrap
samples: every pair, every attack, memorization. Run by hand: `OMP_NUM_THREADS=1 .venv/bin/python
benchmarks/comparison.py`. Last line, as `name=value`: `seconds` of `compare` (bar: 60) and `samples`.
"""

from __future__ import annotations

import time

import numpy as np

from vestige.metrics.compare import compare
from vestige.metrics.evaluation import Settings
from vestige.metrics.trajectories import Arm, Inputs
from vestige.metrics.uncertainty import Bootstrap
from vestige.testing.frontiers import Course
from vestige.testing.trajectories import SimulatedStudy, Texts, Trainings, World, simulated_study

EPOCHS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
ATTACKS = tuple(f"attack {number}" for number in range(13))
METHODS = {f"method {number}": {1e-3: Course(lowest=3.0 - 0.3 * number)} for number in range(6)}


def inputs_of(study: SimulatedStudy) -> Inputs:
    """What a comparison is made of, with twelve attacks beside the simulated one, each noisier than the one before."""
    generator = np.random.default_rng(1)
    return Inputs(
        base=np.column_stack([study.base_losses, study.tokens]),
        validation_groups=study.validation_groups,
        pool_groups=study.pool_groups,
        pool_tokens=np.full(len(study.pool_groups), 30.0),
        seeds=study.seeds,
        is_member=study.is_member,
        attacks=ATTACKS,
        arms=tuple(_arm(one, study, generator) for one in study.trainings),
    )


def _arm(one: Trainings, study: SimulatedStudy, generator: np.random.Generator) -> Arm:
    tokens = np.broadcast_to(study.tokens, one.losses.shape)
    attacked = one.scores.shape
    return Arm(
        method=one.method,
        learning_rate=one.learning_rate,
        epochs=study.epochs,
        utility=np.stack([one.losses, tokens], axis=-1),
        attacked=np.arange(len(study.epochs)),
        scores={name: one.scores + 0.1 * place * generator.normal(size=attacked) for place, name in enumerate(ATTACKS)},
        pool_losses=30 * (3 - 0.1 * one.scores),
        levels=np.full(attacked[:2], 3.0),
    )


def main() -> None:
    """Print the figures."""
    world = World(METHODS, EPOCHS, pool=Texts(1000, 1000))
    inputs = inputs_of(simulated_study(world, seed=0))
    settings = Settings(primary=ATTACKS[0], bootstrap=Bootstrap(samples=1000))
    began = time.perf_counter()
    found = compare(inputs, settings)
    seconds = time.perf_counter() - began
    refused = sum(one.verdict == "refused" for one in found.differences)
    print(f"{len(found.differences)} differences, {refused} refused; resolution {found.resolution:.3f}")
    print(f"seconds={seconds:.1f} samples={settings.bootstrap.samples}")


if __name__ == "__main__":
    main()
