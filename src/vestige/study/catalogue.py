"""From a stage and a place in the grid to the task there. Pure: no store is opened, and nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from vestige.attacks.base import Attack
from vestige.attacks.blind import FLOORS
from vestige.records import Role
from vestige.store.keys import Task
from vestige.study.attacked import Settled, UnderAttack
from vestige.study.grid import Arm, Checkpoint, Pair, Seat
from vestige.study.model_tasks import ModelTasks, addresses, seat_and_epoch
from vestige.study.stages.base import SeatSpec
from vestige.study.stages.compared import ComparedArm, ComparisonSpec
from vestige.study.stages.comparison import ComparisonStage
from vestige.study.stages.floors import FloorsSpec, FloorsStage
from vestige.study.stages.leakage import AttackedCell, LeakageSpec, LeakageStage
from vestige.study.stages.memorization import KnowingCell, MemorizationSpec, MemorizationStage
from vestige.study.stages.scaling import ScalingSpec, ScalingStage
from vestige.study.stages.scores import ScoresSpec, ScoresStage
from vestige.study.stages.text_utility import AnsweringCell, TextUtilitySpec, TextUtilityStage
from vestige.study.stages.utility import ScoredCell, UtilitySpec, UtilityStage

NULL_SPLITS: Final = 200
"""Splits that mean nothing, against which a floor is held: its p-value is no smaller than 1 / 201."""


@final
class Catalogue(ModelTasks):
    """The tasks of a study, given what identifies its bases and corpora: those of `ModelTasks`, attacks, estimates."""

    # Attacks

    def scored_roles(self, corpus: str) -> list[Role]:
        """The roles whose texts are attacked: the pool, and the calibration texts that its scores are held against."""
        roles: tuple[Role, ...] = ("pool", "calibration")
        return [role for role in roles if role in self.identities.corpora[corpus].roles]

    def scores(self, attack: Attack, checkpoint: Checkpoint, role: Role = "pool", *, settled: Settled) -> Task:
        """One attack on one checkpoint, or its control on the base, over the texts of one role."""
        attacked = UnderAttack(self, checkpoint, role, settled)
        needs = attack.control_needs if checkpoint.is_base else attack.reads
        inputs = {name: task for need in needs for name, task in need.inputs(attacked).items()}
        told = {name: value for need in needs for name, value in need.told(attacked).items()}
        about = f"attack {attack.label} on {checkpoint.arm.name}{seat_and_epoch(checkpoint)}"
        about += "" if role == "pool" else f", {role}"
        made = attack.spec() if checkpoint.is_base else attack.told
        spec = ScoresSpec(attack=made, control=checkpoint.is_base, **told)
        return self._kept(ScoresStage.task(spec, dict(sorted(addresses(inputs).items())), about=about))

    # Estimates

    def leakage(
        self, arm: Arm, epoch: float | None, attacks: Mapping[str, Sequence[Task]], *, controls: Mapping[str, Task]
    ) -> Task:
        """AUC and TPR of attacks on an arm at one checkpoint, over its seats (`attacks`: by label, their scores on each
        seat, or on the base), and how far an AUC lies above that of the attack's control on the base.
        """
        inputs = {"corpus": self.corpus(arm.corpus)}
        cells: list[AttackedCell] = []
        for number, seat in enumerate(self.grid.seats):
            names = {label: f"{seat.name}/{label}" for label in attacks}
            inputs |= {names[label]: own[0 if arm.method is None else number] for label, own in attacks.items()}
            cells.append(AttackedCell(seed=seat.seed, fold=seat.fold, scores=names))
        beside = {label: f"floor/{label}" for label in controls if label in attacks}
        inputs |= {name: controls[label] for label, name in beside.items()}
        report = self.study.report
        spec = LeakageSpec(
            attacks=tuple(attacks), cells=tuple(cells), floors=beside, fpr=report.fpr, bootstrap=report.bootstrap
        )
        return self._kept(LeakageStage.task(spec, addresses(inputs), about=f"leakage of {arm.name}{_at(epoch)}"))

    def floors(self, pair: Pair) -> Task:
        """AUC and TPR of what tells members from non-members without any model, averaged over the seeds.

        Fold B has the labels of fold A turned round, which a classifier tells as well: fold A stands for both.
        """
        inputs = {"corpus": self.corpus(pair.corpus), "base": self.stats(Checkpoint(Arm(*pair)), role="pool")}
        cells = tuple(SeatSpec(seed=seed, fold=fold) for seed, fold in self.grid.seats if fold == "A")
        report = self.study.report
        level = report.bootstrap.level
        spec = FloorsSpec(floors=tuple(FLOORS), cells=cells, fpr=report.fpr, level=level, splits=NULL_SPLITS)
        about = f"floors without a model on {pair.corpus}"
        return self._kept(FloorsStage.task(spec, addresses(inputs), about=about))

    def memorization(self, arm: Arm, epoch: float) -> Task:
        """How much an arm has memorized of the pool at one checkpoint, from the losses of all its cells."""
        inputs, cells = {"corpus": self.corpus(arm.corpus)}, []
        for seat, model in zip(self.grid.seats, self.grid.checkpoints(arm, epoch), strict=True):
            pool, validation = f"{seat.name}/pool", f"{seat.name}/validation"
            inputs |= {pool: self.losses(model, "pool"), validation: self.losses(model, "validation")}
            cells.append(KnowingCell(seed=seat.seed, fold=seat.fold, pool=pool, validation=validation))
        spec = MemorizationSpec(cells=tuple(cells), level=self.study.report.bootstrap.level)
        about = f"memorization of {arm.name}{_at(epoch)}"
        return self._kept(MemorizationStage.task(spec, addresses(inputs), about=about))

    def comparison(
        self, pair: Pair, arms: Sequence[ComparedArm], inputs: Mapping[str, Task], *, attacks: Sequence[Attack]
    ) -> Task:
        """Methods at equal utility; `inputs`: what is known of each arm, by `input_name`."""
        base, study = Checkpoint(Arm(*pair)), self.study
        own = {"corpus": self.corpus(pair.corpus), "base/pool": self.losses(base, "pool")}
        own["base/validation"] = self.losses(base, "validation")
        is_loss = study.compare.utility == "loss"
        if not is_loss:
            own["base/answers"] = self.generations(base)
        spec = ComparisonSpec(
            seats=tuple(SeatSpec(seed=seat.seed, fold=seat.fold) for seat in self.grid.seats),
            arms=tuple(arms),
            attacks=tuple(attack.label for attack in attacks),
            primary=study.attacks.primary,
            margin=study.compare.margin,
            utility=study.compare.utility,
            bootstrap=study.report.bootstrap,
            end="" if is_loss else self.identities.prompts[pair].end,
        )
        about = f"compare the methods on {pair.base}, {pair.corpus}"
        return self._kept(ComparisonStage.task(spec, addresses({**own, **inputs}), about=about))

    def scaling(self, spec: ScalingSpec, inputs: Mapping[str, str], *, over: str) -> Task:
        """How leakage grows along the series of a study; `inputs`: addresses, as `ScalingSpec` says."""
        return self._kept(ScalingStage.task(spec, inputs, about=f"slopes by {spec.axis} on {over}"))

    def utility(self, arm: Arm, epoch: float | None, seats: Sequence[Seat]) -> Task:
        """Validation loss and perplexity of an arm at one checkpoint, over seats."""
        return self._once(("utility", arm, epoch, *seats), lambda: self._utility(arm, epoch, seats))

    def _utility(self, arm: Arm, epoch: float | None, seats: Sequence[Seat]) -> Task:
        models = [one for one in self.grid.checkpoints(arm, epoch) if one.seat is None or one.seat in seats]
        inputs, cells = {"corpus": self.corpus(arm.corpus)}, []
        for seat, model in zip(seats, models, strict=False):  # the base stands once, for all seats
            inputs[seat.name] = self.losses(model, "validation")
            cells.append(ScoredCell(seed=seat.seed, losses=seat.name))
        spec = UtilitySpec(cells=tuple(cells), bootstrap=self.study.report.bootstrap)
        return UtilityStage.task(spec, addresses(inputs), about=f"utility of {arm.name}{_at(epoch)}")

    def text_utility(self, arm: Arm, epoch: float | None) -> Task:
        """BLEU and its like of an arm at one checkpoint, over its seats."""
        inputs, cells = {"corpus": self.corpus(arm.corpus)}, []
        for seat, model in zip(self.grid.seats, self.grid.checkpoints(arm, epoch), strict=False):
            inputs[seat.name] = self.generations(model)
            cells.append(AnsweringCell(seed=seat.seed, generations=seat.name))
        spec = TextUtilitySpec(
            quantities=self.study.study.text_utility,
            cells=tuple(cells),
            bootstrap=self.study.report.bootstrap,
            end=self.identities.prompts[arm.pair].end,
        )
        about = f"text utility of {arm.name}{_at(epoch)}"
        return self._kept(TextUtilityStage.task(spec, addresses(inputs), about=about))


def _at(epoch: float | None) -> str:
    return "" if epoch is None else f" at epoch {epoch:g}"
