"""An attack fitted on a shadow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from safetensors.numpy import load_file, save_file

from vestige.attacks.base import Tables
from vestige.attacks.learned.base import LearnedAttack
from vestige.attacks.registry import make_attack
from vestige.data.splits import groups_of, members_of
from vestige.metrics.uncertainty import own_groups
from vestige.records import AttackModel, Fold
from vestige.store.io import read_json, replacing, write_json
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.found import Found

_ARRAYS, _FACTS = "model.safetensors", "model.json"

_SEEN = "seen"
"""The array of a stored attack model that holds the fingerprints of its texts."""


@final
class AttackModelSpec(Spec):
    """A trained attack (`LearnedAttack.told`), and the half of the shadow's texts that are its members."""

    attack: Mapping[str, Any]
    seed: int
    fold: Fold


@final
class AttackModelStage(Stage[AttackModelSpec]):
    """An attack fitted on a shadow; kept as safetensors and JSON."""

    name = "attack_model"
    version = 1
    spec = AttackModelSpec

    @classmethod
    def run(cls, spec: AttackModelSpec, task: Task, bench: Bench) -> None:
        shadow = examples_of(bench.store, task.inputs["corpus"], "shadow")
        attack = make_attack(spec.attack)
        assert isinstance(attack, LearnedAttack)
        is_member = members_of(shadow, seed=spec.seed, fold=spec.fold)
        tables = Tables.of(attack.needs, Found(task, bench.store))
        groups = own_groups(groups_of(shadow), ids=tables.ids)
        model = attack.fit(tables, is_member, groups=groups, seed=spec.seed)
        with replacing(bench.folder / _ARRAYS) as temporary:
            save_file({**model.arrays, _SEEN: model.seen}, temporary)
        write_json(bench.folder / _FACTS, model.facts)

    @classmethod
    def load(cls, store: Store, address: str) -> AttackModel:
        return attack_model_of(store, address)


def attack_model_of(store: Store, address: str) -> AttackModel:
    """What an attack learned from a shadow."""
    folder = store.open(address)
    arrays = load_file(folder / _ARRAYS)
    seen = arrays.pop(_SEEN)
    return AttackModel(arrays=arrays, facts=read_json(folder / _FACTS), seen=seen)
