"""What comparing methods at equal utility costs: a large study on one core.

6 methods × 3 seeds × 2 folds × 8 checkpoints × 13 attacks on 1,000 pool texts and 300 validation texts, 1,000 bootstrap
samples: every pair, every attack, memorization. Run by hand: `OMP_NUM_THREADS=1 .venv/bin/python
benchmarks/comparison.py`. Last line, as `name=value`: `seconds` of `compare` (bar: 60) and `samples`; the line before
it, `cpu_seconds`, is what it takes where nothing else runs.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from simulated_studies import ATTACK, EPOCHS, inputs_of
from vestige.metrics.compare import compare
from vestige.metrics.evaluation import Settings
from vestige.metrics.trajectories import Arm, Inputs
from vestige.metrics.uncertainty import Bootstrap
from vestige.testing.frontiers import Course
from vestige.testing.trajectories import Texts, World, simulated_study

ATTACKS = tuple(f"attack {number}" for number in range(13))
METHODS = {f"method {number}": {1e-3: Course(lowest=3.0 - 0.3 * number)} for number in range(6)}


def with_attacks(inputs: Inputs) -> Inputs:
    """Thirteen attacks, each noisier than the one before, and pool losses."""
    generator = np.random.default_rng(1)
    tokens = np.full(len(inputs.pool_groups), 30.0)
    arms = tuple(_with_attacks(arm, generator) for arm in inputs.arms)
    return replace(inputs, attacks=ATTACKS, arms=arms, pool_tokens=tokens)


def _with_attacks(arm: Arm, generator: np.random.Generator) -> Arm:
    own = arm.scores[ATTACK]
    scores = {name: own + 0.1 * place * generator.normal(size=own.shape) for place, name in enumerate(ATTACKS)}
    return replace(arm, scores=scores, pool_losses=30 * (3 - 0.1 * own), levels=np.full(own.shape[:2], 3.0))


def main() -> None:
    """Print the figures."""
    inputs = with_attacks(inputs_of(simulated_study(World(METHODS, EPOCHS, pool=Texts(1000, 1000)), seed=0)))
    settings = Settings(primary=ATTACKS[0], bootstrap=Bootstrap(samples=1000))
    began, worked = time.perf_counter(), time.process_time()
    found = compare(inputs, settings)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    refused = sum(one.verdict == "refused" for one in found.differences)
    print(f"differences={len(found.differences)} refused={refused} resolution={found.resolution:.3f}")
    print(f"cpu_seconds={cpu_seconds:.1f}")
    print(f"seconds={seconds:.1f} samples={settings.bootstrap.samples}")


if __name__ == "__main__":
    main()
