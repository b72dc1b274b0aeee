"""The facts around the numbers of a study, from its file, its inputs and the records of its stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from vestige.attacks.base import Attack
from vestige.attacks.blind import FLOORS
from vestige.data.recipes import find_recipe
from vestige.discovery import about
from vestige.outcome.facts import (
    AttackFacts,
    AttackModelFacts,
    BaseFacts,
    ComparisonFacts,
    Corner,
    CorpusFacts,
    Environment,
    Facts,
    Failed,
    GenerateFacts,
    MethodFacts,
    RoleSize,
    ScalingFacts,
    StudyFacts,
    TrainingFacts,
)
from vestige.store.io import read_json
from vestige.store.keys import Task
from vestige.store.layout import RUN
from vestige.study.compared import comparison
from vestige.study.executors.base import Failure
from vestige.study.grid import Checkpoint, Pair, Seat
from vestige.study.plan import Plan
from vestige.study.record import attacked_since, primaries
from vestige.study.results.measured import trainings
from vestige.study.results.searched import searched
from vestige.study.series import scalings
from vestige.study.stages.attack_model import attack_model_of
from vestige.study.stages.comparison import comparison_of
from vestige.study.stages.pretrain import pretrained_of
from vestige.study.stages.scaling import slopes_of
from vestige.study.stages.train import trained_of
from vestige.tuning.methods.base import Method
from vestige.tuning.schedule import Training

_TOLD = ("search", "epochs", "batch_size", "checkpoints")


def facts_of(plan: Plan, *, failures: Sequence[Failure], corners: Sequence[Corner]) -> Facts:
    """Everything that is to be said of a study beside its numbers.

    Raises:
        StoreError: a stored file is damaged; it is named.
    """
    pairs, records = plan.grid.pairs, list(_records(plan))
    return Facts(
        study=_study(plan),
        bases=tuple(_base(plan, name) for name in plan.identities.bases),
        corpora=tuple(_corpus(plan, name) for name in plan.identities.corpora),
        methods=tuple(_method(plan, method) for method in plan.study.method),
        attacks=tuple(map(_attack, plan.study.attacks.use)),
        attack_models=tuple(row for pair in pairs for row in _attack_models(plan, pair)),
        floors=tuple(FLOORS),
        corners=tuple(corners),
        search=tuple(row for pair in pairs for row in searched(plan, pair)),
        failures=tuple(Failed(failure.task.about, failure.message) for failure in failures),
        environments=_environments(records),
        seconds=_seconds(records),
        comparisons=tuple(row for pair in pairs for row in _comparisons(plan, pair)),
        scalings=tuple(_scalings(plan)),
    )


def _study(plan: Plan) -> StudyFacts:
    study = plan.study
    return StudyFacts(
        name=study.study.name,
        seeds=study.study.seeds,
        folds=study.study.folds,
        utility=study.study.utility,
        training=_training(study.training),
        generate=GenerateFacts(study.generate.max_new_tokens, study.generate.texts),
        primary=study.attacks.primary,
        primaries=tuple(primaries(plan)),
        attacked_since=attacked_since(plan),
        fpr=study.report.fpr,
        claims=study.claims,
    )


def _training(training: Training) -> TrainingFacts:
    others = {name: value for name, value in training.model_dump(mode="json").items() if name not in _TOLD}
    return TrainingFacts(training.search, training.epochs, training.batch_size, training.checkpoints, others)


def _base(plan: Plan, name: str) -> BaseFacts:
    base = plan.identities.bases[name]
    note = base.note + _held_out(plan, name)
    return BaseFacts(name, base.kind, note, base.dtype, base.has_end, dict(base.weights), base.parameters)


def _held_out(plan: Plan, name: str) -> str:
    """How well a base that was pretrained predicts texts of the kind that it was pretrained on."""
    if plan.identities.bases[name].kind != "scratch":
        return ""
    task = plan.catalogue.pretrain(name)
    if not plan.is_done(task):
        return ""
    return f"; {pretrained_of(plan.store, task.address).held_out:.3f} nats per token on texts held out of them"


def _corpus(plan: Plan, name: str) -> CorpusFacts:
    corpus = plan.identities.corpora[name]
    return CorpusFacts(
        name=name,
        source=corpus.spec.recipe or "own files",
        max_length=corpus.spec.max_length,
        dropped_duplicates=corpus.facts["dropped_duplicates"],
        sha256=corpus.facts["sha256"],
        roles={role: RoleSize(**size) for role, size in corpus.facts["roles"].items()},
        lengths={
            base: {role: plan.identities.lengths[base, name][role] for role in corpus.roles}
            for base in plan.identities.bases
        },
        published=_published(corpus.spec.recipe),
        near_duplicates=corpus.facts.get("near_duplicates"),
        design=corpus.spec.design,
    )


def _published(recipe: str | None) -> str:
    """What the texts are that a recipe reads, unless it makes them up."""
    found = find_recipe(recipe) if recipe is not None else None
    return "" if found is None or found.generate is not None else found.about


def _method(plan: Plan, method: Method) -> MethodFacts:
    return MethodFacts(
        label=method.label,
        name=method.name,
        family=method.family,
        spec=method.settings(),
        learning_rates=tuple(method.learning_rate),
        trainable=_trainable(plan, method),
        copies_base=method.copies_base,
    )


def _trainable(plan: Plan, method: Method) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair in plan.grid.pairs:
        for arm, _, task in trainings(plan, pair):
            if arm.method == method:
                found[arm.base] = trained_of(plan.store, task.address).trainable
    return found


def _attack(attack: Attack) -> AttackFacts:
    assumed = asdict(attack.assumed)
    passes: int = assumed.pop("passes")
    return AttackFacts(
        label=attack.label,
        control_label=attack.control_label,
        about=about(type(attack)),
        assumes=assumed,
        passes=passes,
        learner=attack.fitted_as,
        train_on=dict(attack.trains_on),
        name=attack.name,
        parameters=attack.model_dump(mode="json", exclude={"name", "reference", "train_on"}),
    )


def _comparisons(plan: Plan, pair: Pair) -> Iterator[ComparisonFacts]:
    task = comparison(plan.choice, pair)
    if task is not None and plan.is_done(task):
        yield ComparisonFacts(pair.base, pair.corpus, comparison_of(plan.store, task.address))


def _scalings(plan: Plan) -> Iterator[ScalingFacts]:
    for one in scalings(plan.choice):
        if plan.is_done(one.task):
            yield ScalingFacts(one.axis, one.over, slopes_of(plan.store, one.task.address))


def _attack_models(plan: Plan, pair: Pair) -> Iterator[AttackModelFacts]:
    """What each attack model of a base and corpus found out about its own shadow."""
    learners = {name: attack for attack in plan.study.attacks.use if (name := attack.fitted_as) is not None}
    for arm in plan.choice.chosen(pair):
        for seed in plan.study.study.seeds:
            for epoch in plan.grid.epochs:
                for name, attack in learners.items():
                    cell = Checkpoint(arm, Seat(seed, "A"), epoch)
                    task = plan.catalogue.attack_model(attack, cell.shadow)
                    if plan.is_done(task):
                        yield _attack_model(plan, task, cell, name)


def _attack_model(plan: Plan, task: Task, cell: Checkpoint, name: str) -> AttackModelFacts:
    arm, found = cell.arm, attack_model_of(plan.store, task.address).facts
    assert arm.method is not None
    assert arm.learning_rate is not None
    assert cell.seat is not None
    assert cell.epoch is not None
    return AttackModelFacts(
        base=arm.base,
        corpus=arm.corpus,
        method=arm.method.label,
        family=arm.method.family,
        learning_rate=arm.learning_rate,
        epoch=cell.epoch,
        seed=cell.seat.seed,
        attack=name,
        chosen=found["chosen"],
        cross_validated_auc=found["cross_validated_auc"],
        members=found["members"],
        non_members=found["non_members"],
    )


def _records(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """The stage and the `run.json` of every task that is done."""
    for task in plan.known():
        path = plan.store.folder(task.address) / RUN
        if plan.is_done(task) and path.exists():
            yield task.stage, read_json(path)


def _environments(records: Sequence[tuple[str, dict[str, Any]]]) -> tuple[Environment, ...]:
    """The distinct environments that the stages ran in."""
    found: list[dict[str, Any]] = []
    for _, record in records:
        if record["environment"] not in found:
            found.append(record["environment"])
    return tuple(Environment(one["vestige"], one.get("commit"), one.get("dirty"), one) for one in found)


def _seconds(records: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, float]:
    """The seconds that each stage took, all its tasks together."""
    seconds: dict[str, float] = {}
    for stage, record in records:
        seconds[stage] = round(seconds.get(stage, 0.0) + record["seconds"], 1)
    return seconds
