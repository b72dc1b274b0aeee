"""The four waves of a run: search → train and validate → score and attack → estimate.

Each is a finished list of tasks, named when the wave before it is done, for only then is it known which learning rates
go on, which checkpoints are attacked and which attacks are judged. Within a wave every task comes after its inputs, and
any order that keeps to that leaves the same store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, final

from vestige.store.keys import Task
from vestige.study.choice import Choice
from vestige.study.compared import comparison
from vestige.study.grid import Arm, Checkpoint, Pair
from vestige.study.series import scalings

Goals = Callable[[Choice, Pair], Iterator[Task]]
"""What a wave is for on one pair; the tasks that its goals need come with them."""


@final
@dataclass(frozen=True)
class Wave:
    """A finished list: every task after its inputs, each once, none of an earlier wave."""

    name: str
    tasks: tuple[Task, ...]


def waves(
    choice: Choice, *, search_only: bool = False, is_done: Callable[[Task], bool] | None = None
) -> Iterator[Wave]:
    """The waves of a study, in order; each is named when it is asked for, so ask when the one before is done.

    With `is_done` what is not done and only of use to what is done is left out, such as a training whose losses and
    scores were brought from elsewhere; a later wave that needs it after all lists it then.
    """
    named: set[str] = set()
    for name, goals in WAVES[:1] if search_only else WAVES:
        wanted = [task for pair in choice.grid.pairs for task in goals(choice, pair)]
        tasks = [task for task in choice.catalogue.with_inputs(wanted) if task.address not in named]
        if is_done is not None:
            unmade = choice.catalogue.unmade(wanted, is_done=is_done)
            tasks = [task for task in tasks if task.address in unmade or is_done(task)]
        named |= {task.address for task in tasks}
        yield Wave(name, tuple(tasks))


def _search(choice: Choice, pair: Pair) -> Iterator[Task]:
    """Every method at every learning rate of its grid on the seats of the search, judged on the validation texts."""
    catalogue, grid = choice.catalogue, choice.grid
    yield catalogue.corpus(pair.corpus)
    yield catalogue.losses(Checkpoint(Arm(*pair)), "validation")
    for arm in grid.arms(pair):
        yield from (catalogue.trained(Checkpoint(arm, seat)) for seat in grid.search_seats)
        yield from (catalogue.utility(arm, epoch, grid.search_seats) for epoch in grid.validated(arm))


def _train_and_validate(choice: Choice, pair: Pair) -> Iterator[Task]:
    """The chosen arms on every seat, judged on the validation texts as the base is."""
    catalogue, grid = choice.catalogue, choice.grid
    yield catalogue.utility(Arm(*pair), None, grid.seats)
    for arm in choice.chosen(pair):
        yield from (catalogue.trained(Checkpoint(arm, seat)) for seat in grid.seats)
        yield from (catalogue.utility(arm, epoch, grid.seats) for epoch in grid.validated(arm))


def _score_and_attack(choice: Choice, pair: Pair) -> Iterator[Task]:
    """What the base and the chosen arms answer to prompts, and what every attack says of them."""
    base = Arm(*pair)
    yield from _answers(choice, base, None)
    yield choice.catalogue.losses(Checkpoint(base), "pool")
    yield from (choice.scores(attack, Checkpoint(base)) for attack in choice.grid.study.attacks.use)
    for arm in choice.chosen(pair):
        for epoch in choice.grid.epochs:
            yield from _answers(choice, arm, epoch)
        for epoch in choice.attacked_epochs(arm):
            yield from _attacks(choice, arm, epoch)


def _answers(choice: Choice, arm: Arm, epoch: float | None) -> Iterator[Task]:
    if choice.catalogue.generates(arm.pair):
        yield from map(choice.catalogue.generations, choice.grid.checkpoints(arm, epoch))


def _attacks(choice: Choice, arm: Arm, epoch: float) -> Iterator[Task]:
    for checkpoint in choice.grid.checkpoints(arm, epoch):
        yield choice.catalogue.losses(checkpoint, "pool")
        for role in choice.catalogue.scored_roles(arm.corpus):
            for attack in choice.attacks_on(arm):
                if role == "pool" or not attack.only_for_pool:
                    yield choice.scores(attack, checkpoint, role)


def _estimate(choice: Choice, pair: Pair) -> Iterator[Task]:
    """How much leaks and how good the answers are, over all seats, the methods at equal utility, and how all of it
    grows with size.
    """
    base = Arm(*pair)
    yield choice.leakage(base, None)
    yield choice.catalogue.floors(pair)
    yield from _answers_judged(choice, base, None)
    for arm in choice.chosen(pair):
        for epoch in choice.attacked_epochs(arm):
            yield choice.leakage(arm, epoch)
            if choice.grid.tells_memorization:
                yield choice.catalogue.memorization(arm, epoch)
        for epoch in choice.grid.epochs:
            yield from _answers_judged(choice, arm, epoch)
    compared = comparison(choice, pair)
    if compared is not None:
        yield compared
    if pair == choice.grid.pairs[-1]:  # they go across pairs, and stand once
        yield from (one.task for one in scalings(choice))


def _answers_judged(choice: Choice, arm: Arm, epoch: float | None) -> Iterator[Task]:
    if choice.catalogue.generates(arm.pair):
        yield choice.catalogue.text_utility(arm, epoch)


WAVES: Final[tuple[tuple[str, Goals], ...]] = (
    ("search", _search),
    ("train and validate", _train_and_validate),
    ("score and attack", _score_and_attack),
    ("estimate", _estimate),
)
