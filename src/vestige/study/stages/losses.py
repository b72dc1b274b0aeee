"""The loss of each text under a checkpoint, or the base: what is left of a scoring pass without its tokens."""

from __future__ import annotations

from typing import final

import numpy as np
import pyarrow as pa

from vestige.metrics.losses import TextLosses, text_losses
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.stats import stats_of

_TABLE = "losses.parquet"


@final
class LossesSpec(Spec):
    """What it is told: here nothing."""


@final
class LossesStage(Stage[LossesSpec]):
    """A loss per text."""

    name = "losses"
    version = 1
    travels = True
    spec = LossesSpec

    @classmethod
    def run(cls, spec: LossesSpec, task: Task, bench: Bench) -> None:
        losses = text_losses(stats_of(bench.store, task.inputs["stats"]))
        columns = {"id": losses.ids.tolist(), "nats": losses.sums, "tokens": losses.tokens}
        write_parquet(bench.folder / _TABLE, pa.table(columns))


def losses_of(store: Store, address: str) -> TextLosses:
    """What it wrote."""
    table = read_parquet(store.open(address) / _TABLE)
    ids, nats, tokens = (table[name].to_pylist() for name in ("id", "nats", "tokens"))
    return TextLosses(np.asarray(ids, dtype=np.str_), np.asarray(nats), np.asarray(tokens, dtype=np.int64))
