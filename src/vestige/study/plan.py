"""A study as tasks: which trainings, scoring passes, attacks and estimates it comes to, and what they cost.

The tasks of a base and corpus come in two waves, because the learning rate that goes on to all seeds and folds is
known only when the search has been scored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from vestige.attacks.base import Attack
from vestige.attacks.blind import FLOORS
from vestige.attacks.learned.base import LearnedAttack
from vestige.errors import StoreError
from vestige.records import Fold, Role, View
from vestige.stats.views import masked_by
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.inputs import Inputs
from vestige.study.stages.attack_model import AttackModelSpec, AttackModelStage
from vestige.study.stages.base import Sizes
from vestige.study.stages.counts import CountsSpec, CountsStage, KeyedTokenizer
from vestige.study.stages.estimates import estimates_of
from vestige.study.stages.floors import BlindCell, FloorsSpec, FloorsStage
from vestige.study.stages.generations import GenerationsSpec, GenerationsStage
from vestige.study.stages.gradients import GradientsSpec, GradientsStage
from vestige.study.stages.leakage import AttackedCell, LeakageSpec, LeakageStage
from vestige.study.stages.neighbours import NeighboursSpec, NeighboursStage
from vestige.study.stages.registry import stage_named
from vestige.study.stages.scores import ComparedCell, ScoresSpec, ScoresStage
from vestige.study.stages.stats import StatsSpec, StatsStage
from vestige.study.stages.text_utility import AnsweringCell, TextUtilitySpec, TextUtilityStage
from vestige.study.stages.train import TrainSpec, TrainStage
from vestige.study.stages.utility import ScoredCell, UtilitySpec, UtilityStage
from vestige.tuning.methods.base import Method

_POPULATION: tuple[Role, ...] = ("calibration", "context")
"""The texts of a corpus that an attacker may know to be like those of the pool."""


@final
@dataclass(frozen=True)
class Cell:
    """Base × corpus × method × learning rate × fold × seed."""

    base: str
    corpus: str
    method: Method
    learning_rate: float
    seed: int
    fold: Fold


@final
@dataclass(frozen=True)
class Arm:
    """What is averaged over seeds and folds: a method at a learning rate, or the base itself where `method` is None."""

    base: str
    corpus: str
    method: Method | None = None
    learning_rate: float | None = None

    @property
    def name(self) -> str:
        """For people: `smollm2-135m, webnlg, lora, lr 0.0003`."""
        parts = [self.base, self.corpus]
        if self.method is not None:
            parts += [self.method.label, f"lr {self.learning_rate:g}"]
        return ", ".join(parts)


@final
class Plan:
    """The tasks of a prepared study, as far as what its store holds names them: learning rates are found there."""

    def __init__(self, prepared: Inputs, store: Store) -> None:
        self.prepared = prepared
        self.study = prepared.study
        self.store = store

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every (base, corpus)."""
        return [(base, corpus) for base in self.prepared.bases for corpus in self.prepared.corpora]

    @property
    def seats(self) -> list[tuple[int, Fold]]:
        """Every (seed, fold)."""
        folds: tuple[Fold, ...] = ("A", "B") if self.study.study.folds == 2 else ("A",)
        return [(seed, fold) for seed in self.study.study.seeds for fold in folds]

    @property
    def epochs(self) -> tuple[float, ...]:
        """The checkpoints, in epochs."""
        return self.study.training.checkpoints

    # What comes first, and what follows from it

    def search(self, pair: tuple[str, str]) -> Iterator[Task]:
        """Corpus, base, and every method at every learning rate of its grid on the seats of the search, scored on the
        validation texts.
        """
        base, corpus = pair
        yield self.prepared.corpora[corpus].task
        yield self.stats(Arm(base, corpus), role="validation")
        for arm in self.arms(pair):
            yield from self._validated(arm, self.search_seats)

    def rest(self, pair: tuple[str, str], arms: Iterable[Arm]) -> Iterator[Task]:
        """The chosen arms on every seed and fold: trained, scored, attacked, estimated; and the base as their floor."""
        floor = Arm(*pair)
        yield self.utility(floor, None, self.seats)
        yield from self._judged(floor, None)
        for role in self.scored_roles(floor.corpus):
            masked = [text for text in self.forms("target") if masked_by(text)]
            yield from (self.neighbours(text, floor.corpus, role) for text in masked)
            yield from (self.stats(floor, role=role, text=text) for text in self.forms("base", role=role))
        if self._needs_gradients:
            yield self.gradients(floor, role="pool")
        if any(attack.needs_counts for attack in self.study.attacks.use):
            yield self.counts(floor)
        for attack in self.study.attacks.use:
            yield self.scores(attack, floor, None, None)
        yield self.leakage(floor, None)
        yield self.floors(floor)
        for arm in arms:
            yield from self._validated(arm, self.seats)
            for epoch in self.epochs:
                yield from self._judged(arm, epoch)
            attacked = self.attacked_epochs(arm)
            for seat in self.seats:
                for epoch in attacked:
                    for role in self.scored_roles(arm.corpus):
                        for text in self.forms("target"):
                            yield self.stats(arm, role=role, seat=seat, epoch=epoch, text=text)
                        if self._needs_gradients:
                            yield self.gradients(arm, role=role, seat=seat, epoch=epoch)
            yield from self._attacked(arm, attacked)
            yield from (self.leakage(arm, epoch) for epoch in attacked)

    def _attacked(self, arm: Arm, epochs: Sequence[float]) -> Iterator[Task]:
        """The attacks on these checkpoints of an arm, once all of them are scored: some read one beside the other."""
        for seat in self.seats:
            for epoch in epochs:
                yield from self._shadows(arm, seat, epoch)
                for role in self.scored_roles(arm.corpus):
                    attacks = [one for one in self.attacks_on(arm) if role == "pool" or one.holds_outside_the_pool]
                    yield from (self.scores(attack, arm, epoch, seat, role) for attack in attacks)

    def _validated(self, arm: Arm, seats: Sequence[tuple[int, Fold]]) -> Iterator[Task]:
        for seat in seats:
            yield self.train(arm, seat)
            yield from (self.stats(arm, role="validation", seat=seat, epoch=epoch) for epoch in self.epochs)
        yield from (self.utility(arm, epoch, seats) for epoch in self.epochs)

    def _shadows(self, arm: Arm, seat: tuple[int, Fold], epoch: float) -> Iterator[Task]:
        """Shadows, and the attack models that learn from them, for the attacks on a checkpoint."""
        for attack in self.attacks_on(arm):
            if isinstance(attack, LearnedAttack):
                shadow = self.shadow_of(arm, attack)
                assert shadow is not None
                yield self.prepared.corpora[shadow.corpus].task
                yield self.train(shadow, _shadow_seat(seat), half_of="shadow")
                yield self.stats(Arm(shadow.base, shadow.corpus), role="shadow")
                yield self.stats(shadow, role="shadow", seat=_shadow_seat(seat), epoch=epoch, half_of="shadow")
                yield self.attack_model(attack, shadow, epoch, seat)
        for view in self.shadow_views:
            yield self.train(arm, _shadow_seat(seat), half_of="shadow")
            yield from (self.view(view, arm, epoch, seat, role) for role in self.scored_roles(arm.corpus))

    def shadows(self, pair: tuple[str, str]) -> list[tuple[Arm, int]]:
        """The arms of a base and corpus, and the seeds, whose shadows the attacks of the study need."""
        known = {task.address for task in self.known()}
        every = [(arm, seed) for arm in self.chosen(pair) for seed in self.study.study.seeds]
        return [(arm, seed) for arm, seed in every if self.train(arm, (seed, "A"), half_of="shadow").address in known]

    @property
    def shadow_views(self) -> list[View]:
        """What the attacks need of a shadow on the texts under attack."""
        views = [column.view for attack in self.study.attacks.use for column in attack.reads]
        return list(dict.fromkeys(view for view in views if view.model == "shadow"))

    def _judged(self, arm: Arm, epoch: float | None) -> Iterator[Task]:
        """What an arm generates at one checkpoint, and how good it is, where the study asks for it."""
        if self.generates((arm.base, arm.corpus)):
            yield from (self.generations(arm, epoch, seat) for seat in _seats_of(arm, self.seats))
            yield self.text_utility(arm, epoch)

    def generates(self, pair: tuple[str, str]) -> bool:
        """Whether texts are generated: a quantity asks for them, and the corpus has prompts and references."""
        return pair in self.prepared.prompts and self.prepared.prompts[pair].texts > 0

    def scored_roles(self, corpus: str) -> list[Role]:
        """The roles whose texts are attacked: the pool, and the calibration texts that its scores are held against."""
        roles: tuple[Role, ...] = ("pool", "calibration")
        return [role for role in roles if role in self.prepared.corpora[corpus].roles]

    def forms(self, model: Literal["target", "base"], *, role: Role = "pool") -> list[str]:
        """The forms of the texts of a role that the attacks need scored by the target, or by the base; the plain one
        first. Controls are made on the pool alone.
        """
        attacks = self.study.attacks.use
        columns = [column for attack in attacks for column in attack.reads]
        if role == "pool":
            columns += [column for attack in attacks for column in attack.control_needs]
        return list(dict.fromkeys(["plain", *(column.view.text for column in columns if column.view.model == model)]))

    @property
    def _needs_gradients(self) -> bool:
        return any(attack.needs_gradients for attack in self.study.attacks.use)

    def known(self) -> list[Task]:
        """Every task that can be named by now, each once; the rest of a pair waits on its search."""
        tasks = [task for pair in self.pairs for task in (*self.search(pair), *self.rest(pair, self.chosen(pair)))]
        return list({task.address: task for task in tasks}.values())

    # Learning rates

    @property
    def search_seats(self) -> list[tuple[int, Fold]]:
        """Where learning rates are compared: the first seed and fold, or all of them."""
        return self.seats if self.study.training.search == "all" else self.seats[:1]

    def arms(self, pair: tuple[str, str]) -> list[Arm]:
        """Every method at every learning rate of its grid."""
        return [Arm(*pair, method, rate) for method in self.study.method for rate in method.learning_rate]

    def search_losses(self, arm: Arm) -> dict[float, float]:
        """The validation losses of a searched arm, by epoch, as far as they are known."""
        tasks = {epoch: self.utility(arm, epoch, self.search_seats) for epoch in self.epochs}
        return {epoch: loss for epoch, task in tasks.items() if (loss := self.loss(task)) is not None}

    def search_loss(self, arm: Arm) -> float | None:
        """The lowest of them; None where there is none (yet)."""
        return min(self.search_losses(arm).values(), default=None)

    def best_epoch(self, arm: Arm) -> float | None:
        """The checkpoint of an arm's lowest validation loss over all seeds and folds; None where none is known yet."""
        losses = {epoch: self.loss(self.utility(arm, epoch, self.seats)) for epoch in self.epochs}
        known = {epoch: loss for epoch, loss in losses.items() if loss is not None}
        return min(known, key=known.__getitem__, default=None)

    def attacked_epochs(self, arm: Arm) -> list[float]:
        """The checkpoints of an arm that are attacked, in order: all, or with `at = "shown"` the best and the last. A
        best one that is not known yet, or whose file is damaged, is taken to be the first, which costs the same.
        """
        if self.study.attacks.at == "all":
            return list(self.epochs)
        best = None
        with contextlib.suppress(StoreError):
            best = self.best_epoch(arm)
        return sorted({self.epochs[0] if best is None else best, self.epochs[-1]})

    def loss(self, utility: Task) -> float | None:
        """The validation loss that a utility task found; None where it is not done, or refused."""
        if not self.store.is_done(utility.address):
            return None
        rows = estimates_of(self.store, utility.address)
        return next(row.estimate.value for row in rows if row.quantity == "loss")

    def best(self, pair: tuple[str, str], method: Method) -> Arm | None:
        """The arm of a method with the lowest validation loss; None where the search has not finished or all of it
        failed.
        """
        arms = [arm for arm in self.arms(pair) if arm.method == method]
        if len(arms) == 1:
            return arms[0]
        losses = {arm: loss for arm in arms if (loss := self.search_loss(arm)) is not None}
        return min(losses, key=losses.__getitem__, default=None)

    def chosen(self, pair: tuple[str, str]) -> list[Arm]:
        """The arms that go on to every seed and fold.

        A method whose search is damaged in the store is left out: the rest of its rates must not be taken for all of
        them. Whoever runs the search names the file.
        """
        if self.study.training.search == "all":
            return self.arms(pair)
        best = [self._undamaged_best(pair, method) for method in self.study.method]
        return [arm for arm in best if arm is not None]

    def _undamaged_best(self, pair: tuple[str, str], method: Method) -> Arm | None:
        with contextlib.suppress(StoreError):
            return self.best(pair, method)
        return None

    def attacks_on(self, arm: Arm) -> list[Attack]:
        """The attacks of the study that can be made on an arm: all, but for one that learns from a method whose search
        has chosen nothing (yet).
        """
        uses = self.study.attacks.use
        return [one for one in uses if not isinstance(one, LearnedAttack) or self.shadow_of(arm, one) is not None]

    def shadow_of(self, arm: Arm, attack: LearnedAttack) -> Arm | None:
        """The arm whose shadow an attack learns from, for use on this one: itself, or what `train_on` names, another
        method at the learning rate that its own search has chosen; None where that is not known yet.
        """
        named = attack.train_on.named if attack.train_on is not None else {}
        pair = named.get("base", arm.base), named.get("corpus", arm.corpus)
        if arm.method is None or (*pair, named.get("method", arm.method.label)) == (*_pair(arm), arm.method.label):
            return arm
        label = named.get("method", arm.method.label)
        return self._undamaged_best(pair, next(method for method in self.study.method if method.label == label))

    # One task each

    def train(self, arm: Arm, seat: tuple[int, Fold], *, half_of: Role = "pool") -> Task:
        """Fine-tune one cell, or with `half_of="shadow"` a shadow: the same on other texts."""
        assert arm.method is not None
        assert arm.learning_rate is not None
        seed, fold = seat
        spec = TrainSpec(
            **self._model_spec(arm),
            method=arm.method.spec(),
            learning_rate=arm.learning_rate,
            seed=seed,
            fold=fold,
            training=self.study.training,
            role=half_of,
        )
        about = f"train {_kind(half_of)}{arm.name}, seed {seed}, fold {fold}"
        return TrainStage.task(spec, self._inputs(arm), where=self._where(arm), about=about)

    def stats(
        self,
        arm: Arm,
        *,
        role: Role,
        seat: tuple[int, Fold] | None = None,
        epoch: float | None = None,
        text: str = "plain",
        half_of: Role = "pool",
    ) -> Task:
        """One scoring pass: a checkpoint of a cell (with `half_of="shadow"` of a shadow), or the base, on one role, in
        one form of its texts.
        """
        inputs = self._inputs(arm)
        if masked_by(text):
            inputs["neighbours"] = self.neighbours(text, arm.corpus, role).address
        form = "" if text == "plain" else f", {text}"
        about = f"score {arm.name}, the base on {role}{form}"
        if arm.method is not None:
            assert seat is not None
            inputs["cell"] = self.train(arm, seat, half_of=half_of).address
            about = f"score {_kind(half_of)}{arm.name}{_where(seat, epoch)} on {role}{form}"
        # Which masked model it was, its texts say; its name on this machine does not count.
        spec = StatsSpec(**self._model_spec(arm), epoch=epoch, view=text.partition(":")[0], role=role)
        return StatsStage.task(spec, inputs, where=self._where(arm), about=about)

    def view(self, view: View, arm: Arm, epoch: float | None, seat: tuple[int, Fold] | None, role: Role) -> Task:
        """The scoring pass behind one view of the texts of a role, for an attack on this checkpoint."""
        if view.model == "base":
            return self.stats(Arm(arm.base, arm.corpus), role=role, text=view.text)
        if view.model == "target":
            return self.stats(arm, role=role, seat=seat, epoch=epoch, text=view.text)
        assert seat is not None
        return self.stats(arm, role=role, seat=_shadow_seat(seat), epoch=epoch, text=view.text, half_of="shadow")

    def neighbours(self, text: str, corpus: str, role: Role) -> Task:
        """The texts of a role in a form that a masked language model makes of them."""
        found = masked_by(text)
        assert found is not None
        version, name = found
        spec = NeighboursSpec(masked_lm=self.prepared.masked[name].identity, version=version, role=role)
        inputs = {"corpus": self.prepared.corpora[corpus].task.address}
        about = f"replace words of {corpus}, {role}, by {name}, version {version}"
        return NeighboursStage.task(spec, inputs, where={"masked_lm": self.prepared.masked[name].place}, about=about)

    def gradients(
        self, arm: Arm, *, role: Role, seat: tuple[int, Fold] | None = None, epoch: float | None = None
    ) -> Task:
        """The gradient norms of the texts of one role at a checkpoint, or of the base."""
        scored = self.stats(arm, role=role, seat=seat, epoch=epoch)
        spec = GradientsSpec(**self._model_spec(arm), epoch=epoch, role=role)
        about = scored.about.replace("score ", "gradients of ", 1)
        return GradientsStage.task(spec, scored.inputs, where=scored.where, about=about)

    def counts(self, arm: Arm) -> Task:
        """How often each token occurs in the population of a corpus: its texts that no cell trains on and no attack
        scores, `calibration` and `context`, or `validation` where it has neither. Needs a tokenizer, no model.
        """
        held = self.prepared.corpora[arm.corpus].roles
        base, max_length = self.prepared.bases[arm.base].identity, self.prepared.corpora[arm.corpus].spec.max_length
        roles = tuple(role for role in _POPULATION if role in held) or ("validation",)
        spec = CountsSpec(base=KeyedTokenizer(model=base.model), max_length=max_length, roles=roles)
        about = f"count the tokens of {arm.base}, {arm.corpus}"
        return CountsStage.task(spec, self._inputs(arm), where=self._where(arm), about=about)

    def attack_model(self, attack: LearnedAttack, shadow: Arm, epoch: float, seat: tuple[int, Fold]) -> Task:
        """An attack fitted on the shadow of an arm at one checkpoint: one for both folds of a seed, since neither's
        texts are the shadow's.
        """
        seed, fold = _shadow_seat(seat)
        inputs = {
            "corpus": self.prepared.corpora[shadow.corpus].task.address,
            "base": self.stats(Arm(shadow.base, shadow.corpus), role="shadow").address,
            "target": self.stats(shadow, role="shadow", seat=(seed, fold), epoch=epoch, half_of="shadow").address,
        }
        spec = AttackModelSpec(attack=attack.learner, seed=seed, fold=fold)
        about = f"fit {attack.name} on the shadow of {shadow.name}, seed {seed}, epoch {epoch:g}"
        return AttackModelStage.task(spec, inputs, about=about)

    def scores(
        self, attack: Attack, arm: Arm, epoch: float | None, seat: tuple[int, Fold] | None, role: Role = "pool"
    ) -> Task:
        """One attack on one checkpoint, or its control on the base, over the texts of one role."""
        control = arm.method is None
        columns = attack.control_needs if control else attack.reads
        floor = Arm(arm.base, arm.corpus)
        inputs: dict[str, str] = {}
        for view in sorted({column.view for column in columns}, key=lambda view: view.name):
            inputs[view.name] = self.view(view, arm, epoch, seat, role).address
        if attack.needs_counts:
            inputs["counts"] = self.counts(floor).address
        if attack.needs_gradients:
            inputs["gradients"] = self.gradients(arm, role=role, seat=seat, epoch=epoch).address
        spec = attack.spec()
        if isinstance(attack, LearnedAttack) and not control:
            shadow = self.shadow_of(arm, attack)
            assert seat is not None
            assert epoch is not None
            assert shadow is not None
            spec = attack.learner
            inputs["model"] = self.attack_model(attack, shadow, epoch, seat).address
        cells = None
        if attack.needs_cells and not control:
            assert seat is not None
            assert epoch is not None
            cells = self._other_cells(attack, arm, epoch, seat, inputs)
        about = f"attack {attack.label} on {arm.name}{_where(seat, epoch)}" + ("" if role == "pool" else f", {role}")
        return ScoresStage.task(ScoresSpec(attack=spec, control=control, cells=cells), inputs, about=about)

    def _other_cells(
        self, attack: Attack, arm: Arm, epoch: float, seat: tuple[int, Fold], inputs: dict[str, str]
    ) -> tuple[ComparedCell, ...]:
        """The cells of an arm under other seeds than the target's, under which every text is as often a member as not,
        whichever it is for the target; what they say of the texts goes into `inputs`.
        """
        inputs["corpus"] = self.prepared.corpora[arm.corpus].task.address
        if attack.needs_calibration:
            held = self.stats(arm, role="calibration", seat=seat, epoch=epoch)
            inputs["calibration"] = held.address
        cells = []
        for seed, fold in self.seats:
            if seed != seat[0]:
                name = f"{seed}/{fold}"
                inputs[f"cell/{name}"] = self.stats(arm, role="pool", seat=(seed, fold), epoch=epoch).address
                if attack.needs_calibration:
                    held = self.stats(arm, role="calibration", seat=(seed, fold), epoch=epoch)
                    inputs[f"calibration/{name}"] = held.address
                cells.append(ComparedCell(seed=seed, fold=fold, name=name))
        return tuple(cells)

    def leakage(self, arm: Arm, epoch: float | None) -> Task:
        """AUC and TPR of every attack on an arm at one checkpoint, over its seeds and folds, and how far its AUC lies
        above that of its control on the base; once some of them have scored every cell, of those alone, so that one
        that failed does not take the others with it.
        """
        tasks = {
            attack.label: [self.scores(attack, arm, epoch, None if arm.method is None else seat) for seat in self.seats]
            for attack in self.attacks_on(arm)
        }
        done = {label: own for label, own in tasks.items() if all(self.store.is_done(task.address) for task in own)}
        tasks = done or tasks
        inputs = {"corpus": self.prepared.corpora[arm.corpus].task.address}
        cells: list[AttackedCell] = []
        for place, (seed, fold) in enumerate(self.seats):
            names = {label: f"{seed}/{fold}/{label}" for label in tasks}
            inputs |= {names[label]: own[place].address for label, own in tasks.items()}
            cells.append(AttackedCell(seed=seed, fold=fold, scores=names))
        floors = {} if arm.method is None else self._floors_beside(arm, tasks, is_planned=not done)
        inputs |= {f"floor/{label}": task.address for label, task in floors.items()}
        spec = LeakageSpec(
            attacks=tuple(tasks),
            cells=tuple(cells),
            floors={label: f"floor/{label}" for label in floors},
            fpr=self.study.report.fpr,
            bootstrap=self.study.report.bootstrap,
        )
        return LeakageStage.task(spec, inputs, about=f"leakage of {arm.name}" + _at(epoch))

    def _floors_beside(self, arm: Arm, labels: Iterable[str], *, is_planned: bool) -> dict[str, Task]:
        """The controls on the base that attacks on an arm are held against, of which one may have failed."""
        floor, attacks = Arm(arm.base, arm.corpus), self.study.attacks.use
        controls = {one.label: self.scores(one, floor, None, None) for one in attacks if one.label in set(labels)}
        return {label: task for label, task in controls.items() if is_planned or self.store.is_done(task.address)}

    def floors(self, arm: Arm) -> Task:
        """AUC and TPR of what tells members from non-members without any model, averaged over the seeds.

        Fold B has the labels of fold A turned round, which a classifier tells as well: fold A stands for both.
        """
        corpus = self.prepared.corpora[arm.corpus].task.address
        inputs = {"corpus": corpus, "base": self.stats(Arm(arm.base, arm.corpus), role="pool").address}
        spec = FloorsSpec(
            floors=tuple(FLOORS),
            cells=tuple(BlindCell(seed=seed, fold=fold) for seed, fold in self.seats if fold == "A"),
            fpr=self.study.report.fpr,
            bootstrap=self.study.report.bootstrap,
        )
        return FloorsStage.task(spec, inputs, about=f"floors without a model on {arm.corpus}")

    def utility(self, arm: Arm, epoch: float | None, seats: Sequence[tuple[int, Fold]]) -> Task:
        """Validation loss and perplexity of an arm at one checkpoint, over seeds and folds."""
        inputs = {"corpus": self.prepared.corpora[arm.corpus].task.address}
        cells = []
        for seat in _seats_of(arm, seats):
            name = f"{seat[0]}/{seat[1]}"
            inputs[name] = self.stats(arm, role="validation", seat=seat, epoch=epoch).address
            cells.append(ScoredCell(seed=seat[0], stats=name))
        spec = UtilitySpec(cells=tuple(cells), bootstrap=self.study.report.bootstrap)
        return UtilityStage.task(spec, inputs, about=f"utility of {arm.name}" + _at(epoch))

    def generations(self, arm: Arm, epoch: float | None, seat: tuple[int, Fold]) -> Task:
        """The answers of a checkpoint, or the base, to the prompts of the first validation texts."""
        limits = self.study.generate
        spec = GenerationsSpec(
            **self._model_spec(arm),
            epoch=epoch,
            role="validation",
            texts=limits.texts,
            max_new_tokens=limits.max_new_tokens,
        )
        inputs, about = self._inputs(arm), f"generate {arm.name}, the base"
        if arm.method is not None:
            inputs["cell"] = self.train(arm, seat).address
            about = f"generate {arm.name}{_where(seat, epoch)}"
        return GenerationsStage.task(spec, inputs, where=self._where(arm), about=about)

    def text_utility(self, arm: Arm, epoch: float | None) -> Task:
        """BLEU and its like of an arm at one checkpoint, over its seeds and folds."""
        inputs = {"corpus": self.prepared.corpora[arm.corpus].task.address}
        cells = []
        for seat in _seats_of(arm, self.seats):
            name = f"{seat[0]}/{seat[1]}"
            inputs[name] = self.generations(arm, epoch, seat).address
            cells.append(AnsweringCell(seed=seat[0], generations=name))
        spec = TextUtilitySpec(
            quantities=self.study.study.text_utility,
            cells=tuple(cells),
            bootstrap=self.study.report.bootstrap,
            end=self.prepared.prompts[_pair(arm)].end,
        )
        return TextUtilityStage.task(spec, inputs, about=f"text utility of {arm.name}" + _at(epoch))

    def _model_spec(self, arm: Arm) -> dict[str, Any]:
        max_length = self.prepared.corpora[arm.corpus].spec.max_length
        return {"base": self.prepared.bases[arm.base].identity, "max_length": max_length}

    def _inputs(self, arm: Arm) -> dict[str, str]:
        return {"corpus": self.prepared.corpora[arm.corpus].task.address}

    def _where(self, arm: Arm) -> dict[str, str]:
        return {"model": arm.base, "place": self.prepared.bases[arm.base].place}

    # What it costs

    def cost(self, task: Task) -> float:
        """Scored tokens that a task amounts to, at most where it generates; 0 for what needs no model."""
        stage = stage_named(task.stage)
        return stage.cost(stage.read(task.spec), self._sizes(task)) if stage.runs_model else 0.0

    def _sizes(self, task: Task) -> Sizes:
        corpus = next(name for name, one in self.prepared.corpora.items() if one.task.address == task.inputs["corpus"])
        base = task.where.get("model", next(iter(self.prepared.bases)))
        tokens = {role: lengths.tokens for role, lengths in self.prepared.lengths[base, corpus].items()}
        prompts = self.prepared.prompts.get((base, corpus))
        return Sizes(tokens, prompts.texts, prompts.tokens) if prompts else Sizes(tokens)


def _seats_of(arm: Arm, seats: Sequence[tuple[int, Fold]]) -> Sequence[tuple[int, Fold]]:
    """Where an arm has a model of its own; the base is the same everywhere, and once is enough."""
    return seats if arm.method is not None else seats[:1]


def _pair(arm: Arm) -> tuple[str, str]:
    return arm.base, arm.corpus


def _shadow_seat(seat: tuple[int, Fold]) -> tuple[int, Fold]:
    return seat[0], "A"


def _kind(half_of: Role) -> str:
    return "the shadow of " if half_of == "shadow" else ""


def _where(seat: tuple[int, Fold] | None, epoch: float | None) -> str:
    return "" if seat is None or epoch is None else f", seed {seat[0]}, fold {seat[1]}, epoch {epoch:g}"


def _at(epoch: float | None) -> str:
    return "" if epoch is None else f" at epoch {epoch:g}"
