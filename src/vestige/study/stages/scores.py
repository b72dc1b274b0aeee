"""An attack made on a checkpoint, or its control on the base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import pyarrow as pa

from vestige.attacks.base import Tables, score_in_blocks
from vestige.attacks.registry import make_attack
from vestige.records import Fold, Scores
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.found import Found


@final
class ComparedCell(Spec):
    """Another cell: `name` says which inputs are its own (`cell/<name>`)."""

    seed: int
    fold: Fold
    name: str


@final
class ScoresSpec(Spec):
    """An attack (`Attack.spec`), or its control on the base; `cells` where it compares with others."""

    attack: Mapping[str, Any]
    control: bool
    cells: tuple[ComparedCell, ...] | None = None


@final
class ScoresStage(Stage[ScoresSpec]):
    """One attack, or its control, over the texts of one role."""

    name = "scores"
    version = 2
    travels = True
    spec = ScoresSpec

    @classmethod
    def run(cls, spec: ScoresSpec, task: Task, bench: Bench) -> None:
        attack = make_attack(spec.attack)
        needs = attack.control_needs if spec.control else attack.reads
        scores = score_in_blocks(attack, Tables.of(needs, Found(task, bench.store)), control=spec.control)
        values = pa.array(scores.values, mask=~scores.scored)
        columns = {"id": scores.ids.tolist(), "score": values, "reason": scores.reasons.tolist()}
        if scores.notes is not None:
            columns["note"] = scores.notes.tolist()
        write_parquet(bench.folder / "scores.parquet", pa.table(columns))


def scores_of(store: Store, address: str) -> Scores:
    """What an attack said of one checkpoint."""
    table = read_parquet(store.open(address) / "scores.parquet")
    values = np.asarray(table["score"].to_numpy(zero_copy_only=False), dtype=np.float64)
    return Scores(
        ids=np.asarray(table["id"].to_pylist(), dtype=np.str_),
        values=values,
        reasons=np.asarray(table["reason"].to_pylist(), dtype=np.str_),
        notes=np.asarray(table["note"].to_pylist(), dtype=np.str_) if "note" in table.column_names else None,
    )
