"""An attack made on a checkpoint, or its control on the base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import pyarrow as pa

from vestige.attacks.base import Tables, score_in_blocks
from vestige.attacks.registry import make_attack
from vestige.data.splits import members_of
from vestige.records import Fold, OtherCell, Scores, View
from vestige.store.io import read_parquet, write_parquet
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.attack_model import attack_model_of
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.counts import counts_of
from vestige.study.stages.gradients import gradients_of
from vestige.study.stages.stats import stats_of
from vestige.study.stages.tables import views_of


@final
class ComparedCell(Spec):
    """Another cell: `name` says which inputs are its own (`cell/<name>`, `calibration/<name>`)."""

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
    spec = ScoresSpec

    @classmethod
    def run(cls, spec: ScoresSpec, task: Task, bench: Bench) -> None:
        inputs, store = task.inputs, bench.store
        tables = Tables(
            views_of(task, store),
            counts=counts_of(store, inputs["counts"]) if "counts" in inputs else None,
            gradients=gradients_of(store, inputs["gradients"]) if "gradients" in inputs else None,
            cells=_other_cells(spec, task, store),
            calibration=_calibration(spec, task, store),
            model=attack_model_of(store, inputs["model"]) if "model" in inputs else None,
        )
        scores = score_in_blocks(make_attack(spec.attack), tables, control=spec.control)
        values = pa.array(scores.values, mask=~scores.scored)
        columns = {"id": scores.ids.tolist(), "score": values, "reason": scores.reasons.tolist()}
        if scores.notes is not None:
            columns["note"] = scores.notes.tolist()
        write_parquet(bench.folder / "scores.parquet", pa.table(columns))


def _other_cells(spec: ScoresSpec, task: Task, store: Store) -> tuple[OtherCell, ...]:
    """What other cells say of the pool, where an attack reads them, and whom they trained on."""
    if spec.cells is None:
        return ()
    pool = examples_of(store, task.inputs["corpus"], "pool")
    return tuple(
        OtherCell(
            stats=stats_of(store, task.inputs[f"cell/{cell.name}"]),
            is_member=members_of(pool, seed=cell.seed, fold=cell.fold),
        )
        for cell in spec.cells
    )


def _calibration(spec: ScoresSpec, task: Task, store: Store) -> Tables | None:
    """What the target and other cells say of the calibration texts, on none of which any of them was trained."""
    if "calibration" not in task.inputs:
        return None
    target = stats_of(store, task.inputs["calibration"])
    outside = np.zeros(len(target.ids), dtype=np.bool_)
    addresses = [task.inputs[f"calibration/{cell.name}"] for cell in spec.cells or ()]
    cells = tuple(OtherCell(stats_of(store, address), outside) for address in addresses)
    return Tables({View("target"): target}, cells=cells)


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
