"""The tasks that run a model or read its texts: from a place in the grid to the task there."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vestige.attacks.base import Attack
from vestige.forms import PLAIN, Form, Masked, to_json
from vestige.records import Role, View
from vestige.store.keys import Task
from vestige.study.grid import Arm, Checkpoint, Grid, Pair
from vestige.study.identity import Identities
from vestige.study.spec import Study
from vestige.study.stages.attack_model import AttackModelSpec, AttackModelStage
from vestige.study.stages.counts import CountsSpec, CountsStage, KeyedTokenizer
from vestige.study.stages.generations import GenerationsSpec, GenerationsStage
from vestige.study.stages.gradients import GradientsSpec, GradientsStage
from vestige.study.stages.losses import LossesSpec, LossesStage
from vestige.study.stages.model import PRETRAINED
from vestige.study.stages.neighbours import NeighboursSpec, NeighboursStage
from vestige.study.stages.pretrain import PretrainSpec, PretrainStage
from vestige.study.stages.stats import StatsSpec, StatsStage
from vestige.study.stages.train import TrainSpec, TrainStage
from vestige.study.stages.trained import TrainedSpec, TrainedStage

_POPULATION: tuple[Role, ...] = ("calibration", "context")
"""The texts of a corpus that an attacker may know to be like those of the pool."""


class ModelTasks(ABC):  # noqa: B024  # one half of the catalogue, never made alone
    """What `Catalogue` knows of trainings, passes, answers and the texts that go into them.

    Every task that is made is remembered, so that whoever wants one has all that it needs (`with_inputs`).
    """

    def __init__(self, study: Study, identities: Identities) -> None:
        self.study = study
        self.identities = identities
        self.grid = Grid(study)
        self._by_address: dict[str, Task] = {}
        self._by_place: dict[tuple[object, ...], Task] = {}

    def unmade(self, goals: Iterable[Task], *, is_done: Callable[[Task], bool]) -> set[str]:
        """The addresses of the goals that are not done, and of what these need that is not done either."""
        found: set[str] = set()

        def add(task: Task) -> None:
            if task.address not in found and not is_done(task):
                found.add(task.address)
                for address in task.inputs.values():
                    add(self._by_address[address])

        for goal in goals:
            add(goal)
        return found

    def with_inputs(self, goals: Iterable[Task]) -> list[Task]:
        """The goals and all that they need, each once and after its inputs."""
        found: dict[str, Task] = {}

        def add(task: Task) -> None:
            if task.address not in found:
                for address in task.inputs.values():
                    add(self._by_address[address])
                found[task.address] = task

        for goal in goals:
            add(goal)
        return list(found.values())

    def corpus(self, name: str) -> Task:
        """The texts of a corpus with their roles."""
        return self._kept(self.identities.corpora[name].task)

    def pretrain(self, base: str) -> Task:
        """Pretrain a base from scratch."""
        return self._once(("pretrain", base), lambda: self._pretrain(base))

    def _pretrain(self, base: str) -> Task:
        pretraining, known = self.study.pretrain, self.identities.bases[base]
        assert pretraining is not None
        spec = PretrainSpec(model=known.weights, tokens=pretraining.tokens, parameters=known.parameters or 0)
        where = {"model": base, "place": known.place, "pretraining": pretraining.model_dump_json()}
        return PretrainStage.task(spec, {}, where=where, about=f"pretrain {base}")

    def train(self, checkpoint: Checkpoint) -> Task:
        """Fine-tune the cell that a checkpoint is of; half of the role `shadow` where it is a shadow."""
        arm, seat, half_of = checkpoint.arm, checkpoint.seat, checkpoint.half_of
        return self._once(("train", arm, seat, half_of), lambda: self._train(checkpoint))

    def _train(self, checkpoint: Checkpoint) -> Task:
        arm, seat = checkpoint.arm, checkpoint.seat
        assert arm.method is not None
        assert arm.learning_rate is not None
        assert seat is not None
        spec = TrainSpec(
            **self._model(arm),
            method=arm.method.spec(),
            learning_rate=arm.learning_rate,
            seed=seat.seed,
            fold=seat.fold,
            training=self.study.training,
            role=checkpoint.half_of,
        )
        about = f"train {_shadow(checkpoint)}{arm.name}, seed {seat.seed}, fold {seat.fold}"
        return TrainStage.task(spec, self._inputs(arm), where=self._where(arm), about=about)

    def trained(self, checkpoint: Checkpoint) -> Task:
        """What the training of the cell of a checkpoint came to, apart from its weights."""
        return self._once(
            ("trained", checkpoint.arm, checkpoint.seat, checkpoint.half_of), lambda: self._record(checkpoint)
        )

    def _record(self, checkpoint: Checkpoint) -> Task:
        cell = self.train(checkpoint)
        return TrainedStage.task(TrainedSpec(), {"cell": cell.address}, about=f"the record of: {cell.about}")

    def losses(self, checkpoint: Checkpoint, role: Role) -> Task:
        """The loss of each text of a role under a checkpoint, or the base."""
        return self._once(("losses", checkpoint, role), lambda: self._losses(checkpoint, role))

    def _losses(self, checkpoint: Checkpoint, role: Role) -> Task:
        inputs = {"stats": self.stats(checkpoint, role=role).address}
        return LossesStage.task(LossesSpec(), inputs, about=f"losses of {_named(checkpoint)} on {role}")

    def stats(self, checkpoint: Checkpoint, *, role: Role, form: Form = PLAIN) -> Task:
        """One scoring pass: a checkpoint, or the base, on one role, in one form of its texts."""
        return self._once(("stats", checkpoint, role, form), lambda: self._stats(checkpoint, role, form))

    def _stats(self, checkpoint: Checkpoint, role: Role, form: Form) -> Task:
        arm, inputs = checkpoint.arm, self._trained(checkpoint)
        if isinstance(form, Masked):
            inputs["neighbours"] = self.neighbours(form, arm.corpus, role).address
        spec = StatsSpec(**self._model(arm), epoch=checkpoint.epoch, view=form.key_name, role=role)
        about = f"score {_named(checkpoint)} on {role}" + ("" if form == PLAIN else f", {form.name}")
        return StatsStage.task(spec, inputs, where=self._where(arm) | {"form": to_json(form)}, about=about)

    def view(self, view: View, checkpoint: Checkpoint, role: Role) -> Task:
        """The scoring pass behind one view of the texts of a role, for an attack on this checkpoint."""
        if view.model == "shadow":
            return self.stats(checkpoint.shadow, role=role, form=view.form)
        return self.stats(checkpoint.base if view.model == "base" else checkpoint, role=role, form=view.form)

    def neighbours(self, form: Masked, corpus: str, role: Role) -> Task:
        """The texts of a role in a form that a masked language model makes of them."""
        model = self.identities.masked[form.model]
        spec = NeighboursSpec(masked_lm=model.identity, version=form.version, role=role)
        inputs = {"corpus": self.corpus(corpus).address}
        about = f"replace words of {corpus}, {role}, by {form.model}, version {form.version}"
        return self._kept(NeighboursStage.task(spec, inputs, where={"masked_lm": model.place}, about=about))

    def gradients(self, checkpoint: Checkpoint, *, role: Role) -> Task:
        """The gradient norms of the texts of one role at a checkpoint, or of the base."""
        spec = GradientsSpec(**self._model(checkpoint.arm), epoch=checkpoint.epoch, role=role)
        about = f"gradients of {_named(checkpoint)} on {role}"
        where = self._where(checkpoint.arm)
        return self._kept(GradientsStage.task(spec, self._trained(checkpoint), where=where, about=about))

    def counts(self, pair: Pair) -> Task:
        """How often each token occurs in the population of a corpus: its texts that no cell trains on and no attack
        scores, `calibration` and `context`, or `validation` where it has neither. Needs a tokenizer, no model.
        """
        arm, corpus = Arm(*pair), self.identities.corpora[pair.corpus]
        roles = tuple(role for role in _POPULATION if role in corpus.roles) or ("validation",)
        tokenizer = KeyedTokenizer(model=self.identities.bases[pair.base].identity.model)
        spec = CountsSpec(base=tokenizer, max_length=corpus.spec.max_length, roles=roles)
        about = f"count the tokens of {pair.base}, {pair.corpus}"
        return self._kept(CountsStage.task(spec, self._inputs(arm), where=self._where(arm), about=about))

    def attack_model(self, attack: Attack, shadow: Checkpoint) -> Task:
        """An attack fitted on a shadow."""
        assert shadow.seat is not None
        inputs = self._texts(shadow.arm)
        for view in {view: None for need in attack.needs for view in need.views}:
            model = shadow if view.model == "target" else shadow.base
            inputs[view.name] = self.stats(model, role="shadow", form=view.form).address
        spec = AttackModelSpec(attack=attack.told, seed=shadow.seat.seed, fold=shadow.seat.fold)
        where = f"{shadow.arm.name}, seed {shadow.seat.seed}, epoch {shadow.epoch:g}"
        return self._kept(AttackModelStage.task(spec, inputs, about=f"fit {attack.name} on the shadow of {where}"))

    def generates(self, pair: Pair) -> bool:
        """Whether texts are generated: a quantity asks for them, and the corpus has prompts and references."""
        return pair in self.identities.prompts and self.identities.prompts[pair].texts > 0

    def generations(self, checkpoint: Checkpoint) -> Task:
        """The answers of a checkpoint, or the base, to the prompts of the first validation texts."""
        limits, arm = self.study.generate, checkpoint.arm
        spec = GenerationsSpec(
            **self._model(arm),
            epoch=checkpoint.epoch,
            role="validation",
            texts=limits.texts,
            max_new_tokens=limits.max_new_tokens,
        )
        about = f"generate {_named(checkpoint)}"
        return self._kept(GenerationsStage.task(spec, self._trained(checkpoint), where=self._where(arm), about=about))

    def _model(self, arm: Arm) -> dict[str, Any]:
        max_length = self.identities.corpora[arm.corpus].spec.max_length
        return {"base": self.identities.bases[arm.base].identity, "max_length": max_length}

    def _inputs(self, arm: Arm) -> dict[str, str]:
        """The texts, and the pretraining of a base that is made for the study."""
        is_made = self.identities.bases[arm.base].kind == "scratch"
        return self._texts(arm) | ({PRETRAINED: self.pretrain(arm.base).address} if is_made else {})

    def _texts(self, arm: Arm) -> dict[str, str]:
        return {"corpus": self.corpus(arm.corpus).address}

    def _trained(self, checkpoint: Checkpoint) -> dict[str, str]:
        cell = {} if checkpoint.is_base else {"cell": self.train(checkpoint).address}
        return self._inputs(checkpoint.arm) | cell

    def _where(self, arm: Arm) -> dict[str, str]:
        return {"model": arm.base, "place": self.identities.bases[arm.base].place}

    def _once(self, place: tuple[object, ...], make: Callable[[], Task]) -> Task:
        """The task at a place, made when it is first asked for."""
        if place not in self._by_place:
            self._by_place[place] = self._kept(make())
        return self._by_place[place]

    def _kept(self, task: Task) -> Task:
        return self._by_address.setdefault(task.address, task)


def addresses(inputs: Mapping[str, Task]) -> dict[str, str]:
    """What a task is given of its inputs."""
    return {name: task.address for name, task in inputs.items()}


def _named(checkpoint: Checkpoint) -> str:
    if checkpoint.is_base:
        return f"{checkpoint.arm.name}, the base"
    return f"{_shadow(checkpoint)}{checkpoint.arm.name}{seat_and_epoch(checkpoint)}"


def _shadow(checkpoint: Checkpoint) -> str:
    return "the shadow of " if checkpoint.half_of == "shadow" else ""


def seat_and_epoch(checkpoint: Checkpoint) -> str:
    """`, seed 0, fold A, epoch 3`; empty for the base."""
    seat, epoch = checkpoint.seat, checkpoint.epoch
    return "" if seat is None or epoch is None else f", seed {seat.seed}, fold {seat.fold}, epoch {epoch:g}"
