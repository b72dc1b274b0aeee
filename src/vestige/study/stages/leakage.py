"""How much an arm gives away at one checkpoint, by every attack on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import final

from vestige.data.splits import groups_of, members_of
from vestige.metrics.common_texts import apart, common_texts, own_texts
from vestige.metrics.leakage import auc, auc_above_floor, tpr_at_fpr
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Estimated, Example, Fold, Labelled, Labels
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Number, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.scores import scores_of


@final
class AttackedCell(Spec):
    """A cell, and the inputs that hold its scores, by attack."""

    seed: int
    fold: Fold
    scores: Mapping[str, str]


@final
class LeakageSpec(Spec):
    """The attacks on the cells of an arm; `floors` are the inputs that hold the scores of their controls, by attack."""

    attacks: tuple[str, ...]
    cells: tuple[AttackedCell, ...]
    floors: Mapping[str, str]
    fpr: tuple[Number, ...]
    bootstrap: Bootstrap


@final
class LeakageStage(Stage[LeakageSpec]):
    """AUC and TPR of every attack on the texts that all of them score, its AUC on all texts of its own, and how far its
    AUC lies above that of its control.
    """

    name = "leakage"
    version = 5
    travels = True
    spec = LeakageSpec

    @classmethod
    def run(cls, spec: LeakageSpec, task: Task, bench: Bench) -> None:
        pool = examples_of(bench.store, task.inputs["corpus"], "pool")
        labels = {
            attack: [_labelled(cell, task.inputs[cell.scores[attack]], bench.store, pool) for cell in spec.cells]
            for attack in spec.attacks
        }
        floors = {attack: scores_of(bench.store, task.inputs[name]) for attack, name in spec.floors.items()}
        left_out = apart(labels)
        rows: list[Estimated] = []
        for attack, common in common_texts(labels).items():
            floor = [replace(labelled, scores=floors[attack]) for labelled in common] if attack in floors else None
            found = [*leakage_rows(attack, common, floor=floor, fpr=spec.fpr, bootstrap=spec.bootstrap)]
            own = auc(own_texts(labels[attack]), floor=floor, bootstrap=spec.bootstrap)
            found.append(Estimated("auc_own_texts", own, attack=attack))
            if floor is not None:
                above = auc_above_floor(common, floor, bootstrap=spec.bootstrap)
                found.append(Estimated("auc_above_floor", above, attack=attack))
            rows += [replace(one, apart=left_out.get(attack, "")) for one in found]
        write_estimates(bench.folder, rows)


def leakage_rows(
    name: str, labels: Labels, *, floor: Labels | None = None, fpr: Sequence[float], bootstrap: Bootstrap
) -> Iterator[Estimated]:
    """AUC, and TPR at each FPR, of what bears this name."""
    yield Estimated("auc", auc(labels, floor=floor, bootstrap=bootstrap), attack=name)
    for one in fpr:
        yield Estimated(f"tpr@{one:g}", tpr_at_fpr(labels, fpr=one, bootstrap=bootstrap), attack=name)


def _labelled(cell: AttackedCell, address: str, store: Store, pool: list[Example]) -> Labelled:
    return Labelled(
        scores=scores_of(store, address),
        is_member=members_of(pool, seed=cell.seed, fold=cell.fold),
        groups=groups_of(pool),
        seed=cell.seed,
        fold=cell.fold,
    )
