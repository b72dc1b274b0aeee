"""The frame of training losses."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from vestige.outcome.frames import LOSSES
from vestige.study.grid import Pair
from vestige.study.plan import Plan
from vestige.study.results.measured import names_of, trainings
from vestige.study.stages.train import trained_of


def losses(plan: Plan) -> pl.DataFrame:
    """The loss of every step of the trainings that are done (columns: `LOSSES`); StoreError where a stored file is
    damaged.
    """
    frames = (frame for pair in plan.grid.pairs for frame in _of_pair(plan, pair))
    return pl.concat([pl.DataFrame(schema=LOSSES), *frames])


def _of_pair(plan: Plan, pair: Pair) -> Iterator[pl.DataFrame]:
    last = plan.grid.epochs[-1]
    for arm, seat, task in trainings(plan, pair):
        trained = trained_of(plan.store, task.address)
        per_epoch = trained.step_of(last) / last
        steps = range(1, len(trained.losses) + 1)
        names = names_of(arm, None) | {"seed": seat.seed, "fold": seat.fold}
        columns = {"step": steps, "epoch": [step / per_epoch for step in steps], "loss": trained.losses}
        constants = (pl.lit(value).alias(name) for name, value in names.items() if name not in columns)
        frame = pl.DataFrame(columns).with_columns(*constants)
        yield frame.select(pl.col(name).cast(kind) for name, kind in LOSSES.items())
