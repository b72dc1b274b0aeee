"""Every stage is one file; its spec is typed, comes back from its JSON, and a field at its default moves no key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, final

import pytest

from vestige.errors import StoreError
from vestige.records import Counts, Estimate, Estimated
from vestige.store.keys import Task, canonical_json
from vestige.store.layout import Store
from vestige.study import stages as folder
from vestige.study.stages import scores
from vestige.study.stages.base import Bench, ModelStage, Number, Spec, Stage
from vestige.study.stages.corpus import CorpusStage, examples_of
from vestige.study.stages.estimates import estimates_of, write_estimates
from vestige.study.stages.registry import model_stages, stage_named, stages
from vestige.study.stages.scores import ScoresSpec
from vestige.study.stages.stats import StatsStage
from vestige.study.stages.train import TrainSpec, TrainStage, cell_of, texts_of_cell, trained_of
from vestige.testing.studies import Outcome
from vestige.tuning.schedule import Training


@final
class OneMore(Spec):
    """A spec that has grown a field."""

    epoch: Number
    added: str = ""


@final
class Elsewhere(Stage[OneMore]):
    """Complete, and defined outside of the folder."""

    name = "elsewhere"
    version = 1
    spec = OneMore

    @classmethod
    def run(cls, spec: OneMore, task: Task, bench: Bench) -> None: ...


@final
class Holding(Spec):
    """A spec of specs."""

    parts: tuple[OneMore, ...]


BOOTSTRAP = {"samples": 1000, "level": 0.95, "seed": 0}
BASE = {"base": {"model": {"folder_sha256": "ab"}, "dtype": "float32"}, "max_length": 32}
TRAINING = {
    "epochs": 2.0,
    "batch_size": 8,
    "checkpoints": [1.0, 2.0],
    "weight_decay": 0.0,
    "clip": 1.0,
    "gradient_accumulation": 1,
    "gradient_checkpointing": False,
}
CELL = {"seed": 0, "fold": "A"}
COMPARISON: dict[str, Any] = {
    "seats": [CELL],
    "arms": [
        {"name": "lora, lr 0.001", "method": "lora", "learning_rate": 1e-3, "seats": 1}
        | {"epochs": [1.0], "attacked": [], "starts_as_base": False}
    ],
    "attacks": ["loss"],
    "primary": "loss",
    "margin": 0.05,
    "utility": "loss",
    "bootstrap": BOOTSTRAP,
}
WRITTEN: dict[str, list[dict[str, Any]]] = {
    "corpus": [
        {
            "recipe": None,
            "pool": 8,
            "fields": {"group": "who"},
            "files": ["ab"],
            "recipe_version": None,
            "generator": {},
        },
        {"recipe": "notes", "files": [], "recipe_version": 1, "generator": {"v": 1}, "same_after_cut": ["9", "12"]},
    ],
    "train": [
        {**BASE, **CELL, "method": {"name": "lora", "r": 8}, "learning_rate": 1e-3, "training": TRAINING},
        {**BASE, **CELL, "method": {"name": "full"}, "learning_rate": 1, "training": TRAINING, "role": "shadow"},
    ],
    "stats": [
        {**BASE, "view": "plain", "role": "pool"},
        {**BASE, "view": "lowercase", "role": "calibration", "epoch": 1},
    ],
    "neighbours": [{"masked_lm": {"folder_sha256": "cd"}, "version": 3, "role": "pool"}],
    "gradients": [{**BASE, "role": "pool"}, {**BASE, "role": "pool", "epoch": 0.25}],
    "counts": [{"base": {"model": {"folder_sha256": "ab"}}, "max_length": 32, "roles": ["calibration", "context"]}],
    "attack_model": [{**CELL, "attack": {"name": "forest", "trees": 100}}],
    "scores": [
        {"attack": {"name": "loss"}, "control": True},
        {"attack": {"name": "lira"}, "control": False, "cells": [{"seed": 1, "fold": "B", "name": "1/B"}]},
    ],
    "leakage": [
        {
            "attacks": ["loss"],
            "cells": [{**CELL, "scores": {"loss": "0/A/loss"}}],
            "floors": {"loss": "floor/loss"},
            "fpr": [0.1, 0.01],
            "bootstrap": BOOTSTRAP,
        }
    ],
    "floors": [{"floors": ["blind_bow"], "cells": [CELL], "fpr": [0.1], "level": 0.95, "splits": 200}],
    "memorization": [{"cells": [{**CELL, "pool": "0/A/pool", "validation": "0/A/validation"}], "level": 0.95}],
    "utility": [{"cells": [{"seed": 0, "losses": "0/A"}], "bootstrap": BOOTSTRAP}],
    "losses": [{}],
    "trained": [{}],
    "comparison": [COMPARISON],
    "pretrain": [{"model": {"scratch": "llama-4x112", "pretraining": "ab"}, "tokens": 5000, "parameters": 1_060_864}],
    "scaling": [
        {
            "axis": "parameters",
            "studies": [COMPARISON],
            "series": [{"name": "lora", "points": [{"study": 0, "method": "lora", "x": 1_060_864}]}],
            "fpr": 0.01,
        }
    ],
    "generations": [{**BASE, "role": "validation", "texts": 10, "max_new_tokens": 8, "epoch": 2.0}],
    "text_utility": [
        {"quantities": ["bleu"], "cells": [{"seed": 0, "generations": "0/A"}], "bootstrap": BOOTSTRAP},
        {"quantities": ["chrf"], "cells": [], "bootstrap": BOOTSTRAP, "end": "</s>"},
    ],
}
"""What stores hold of each stage: these bytes are in keys, and must come out as they went in."""


@pytest.mark.parametrize("stage", WRITTEN)
def test_a_spec_comes_back_from_its_json_byte_for_byte(stage: str) -> None:
    for written in WRITTEN[stage]:
        spec = stage_named(stage).read(written)
        assert spec.model_config["frozen"]
        assert canonical_json(spec.keyed()) == canonical_json(written)
        assert stage_named(stage).task(spec, {}) == Task(stage, stages()[stage].version, written)


def test_the_table_above_has_every_stage() -> None:
    assert set(WRITTEN) == set(stages())


def test_each_file_of_the_folder_that_defines_a_stage_is_found_and_no_other() -> None:
    files = [path for path in Path(folder.__path__[0]).glob("*.py") if path.stem != "base"]
    defining = {
        path.stem for path in files if re.search(r"^class \w+\((Model)?Stage\[", path.read_text(), re.MULTILINE)
    }
    assert {name: stage.__module__ for name, stage in stages().items()} == {
        name: f"vestige.study.stages.{name}" for name in defining
    }


def test_an_imported_stage_is_no_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "Elsewhere", Elsewhere, raising=False)
    stages.cache_clear()
    assert set(stages()) == set(WRITTEN)


def test_what_search_found_a_rate_is_no_part_of_a_training() -> None:
    told: dict[str, Any] = {**BASE, **CELL, "method": {"name": "full"}, "learning_rate": 1e-3}
    found = [TrainSpec(**told, training=Training(search=search, epochs=2)) for search in ("validation", "all")]
    assert found[0] == found[1]


def test_every_spec_of_a_study_comes_back_from_its_json(finished: Outcome) -> None:
    for task in finished.plan.known():
        stage = stage_named(task.stage)
        spec = stage.read(task.spec)
        assert stage.read(spec.keyed()) == spec
        assert spec.keyed() == task.spec
        assert stage.task(spec, task.inputs) == task


def test_a_field_at_its_default_stays_out_of_the_json_and_any_other_is_in_it() -> None:
    assert OneMore(epoch=1.0).keyed() == {"epoch": 1.0}
    assert OneMore(epoch=1.0, added="x").keyed() == {"epoch": 1.0, "added": "x"}
    assert Holding(parts=(OneMore(epoch=1.0), OneMore(epoch=2.0, added="x"))).keyed() == {
        "parts": [{"epoch": 1.0}, {"epoch": 2.0, "added": "x"}]
    }


def test_no_cells_to_compare_with_is_another_spec_than_comparing_with_none() -> None:
    assert "cells" not in ScoresSpec(attack={"name": "loss"}, control=False).keyed()
    assert ScoresSpec(attack={"name": "lira"}, control=False, cells=()).keyed()["cells"] == []


@pytest.mark.parametrize("number", [1, 1.0, 0.25])
def test_a_number_is_kept_as_it_was_written(number: float) -> None:
    """The checkpoints of the default are integers, those of a study file floats: their keys differ."""
    spec = OneMore(epoch=number)
    assert canonical_json(spec.keyed()) == canonical_json({"epoch": number})
    assert canonical_json(OneMore.model_validate(spec.keyed()).keyed()) == canonical_json({"epoch": number})


def test_what_is_no_spec_of_a_stage_is_named() -> None:
    with pytest.raises(StoreError, match=r"no spec of the stage stats .*: see base, max_length, role, rule, view"):
        StatsStage.read({"rule": 1})


def test_a_stage_that_runs_a_model_says_what_it_costs() -> None:
    assert {stage.name for stage in model_stages()} == {name for name, stage in stages().items() if stage.runs_model}
    assert all(issubclass(stage, ModelStage) for stage in model_stages())
    assert [stage.name for stage in model_stages() if stage.ends_early] == ["generations"]


def test_a_training_reads_back_what_it_was_told_and_came_to(finished: Outcome) -> None:
    task = next(task for task in finished.plan.known() if task.stage == "train")
    spec, trained = cell_of(finished.store, task.address), trained_of(finished.store, task.address)
    assert spec == TrainStage.read(task.spec)
    assert trained.texts == len(texts_of_cell(finished.store, task.address, corpus=task.inputs["corpus"]))
    assert trained.step_of(spec.training.epochs) == len(trained.losses) == max(trained.steps.values())


def test_examples_of_a_role_come_in_the_order_of_the_split(finished: Outcome) -> None:
    (split,) = finished.plan.inputs.splits.values()
    task = next(task for task in finished.plan.known() if task.stage == CorpusStage.name)
    for role in ("pool", "validation"):
        assert examples_of(finished.store, task.address, role) == list(split.roles[role])


def test_estimates_read_back_as_they_were_written(tmp_path: Path) -> None:
    counts = Counts(members=2, non_members=3, texts=5, groups=4, unscored={"member:too_short": 1})
    rows = [
        Estimated("auc", Estimate(0.5, 0.4, 0.6, counts, signature="auc"), attack="loss", apart=""),
        Estimated("loss", Estimate(None, None, None, Counts(), signature="loss", reason="diverged")),
    ]
    store = Store(tmp_path)
    task = Elsewhere.task(OneMore(epoch=1), {})
    with store.writing(task, details={}) as at:
        write_estimates(at, rows)
    assert estimates_of(store, task.address) == rows
