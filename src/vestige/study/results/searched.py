"""What was found of each learning rate, and which rates the validation texts cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from vestige.data.splits import groups_of
from vestige.metrics.losses import TextLosses
from vestige.metrics.paired import loss_difference
from vestige.outcome.facts import Tried
from vestige.study.grid import Arm, Checkpoint, Pair
from vestige.study.plan import Plan
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.losses import losses_of


def searched(plan: Plan, pair: Pair) -> Iterator[Tried]:
    """Every learning rate of every method on a base and corpus, as far as it was searched."""
    for arm in plan.grid.arms(pair):
        assert arm.method is not None
        assert arm.learning_rate is not None
        best = plan.choice.best(pair, arm.method)
        yield Tried(
            base=arm.base,
            corpus=arm.corpus,
            method=arm.method.label,
            learning_rate=arm.learning_rate,
            loss=plan.choice.search_loss(arm),
            losses=plan.choice.search_losses(arm),
            chosen=arm == best,
            rivals=len(arm.method.learning_rate) - 1,
            tied=best is not None and arm != best and _is_tied(plan, arm, best),
        )


def _is_tied(plan: Plan, arm: Arm, best: Arm) -> bool:
    """Whether the lowest loss of an arm is not clearly above that of the chosen one, on the seats of the search."""
    corpus = plan.catalogue.corpus(arm.corpus)
    own, chosen = _losses(plan, arm), _losses(plan, best)
    if not (own and chosen and plan.is_done(corpus)):
        return False
    groups = groups_of(examples_of(plan.store, corpus.address, "validation"))
    apart = loss_difference(own, chosen, groups=groups, seeds=[seat.seed for seat in plan.grid.search_seats])
    return apart is not None and apart.low <= 0


def _losses(plan: Plan, arm: Arm) -> list[TextLosses]:
    """Those of the validation texts at the arm's best epoch of the search, a cell each; none where one is missing."""
    known = plan.choice.search_losses(arm)
    if not known:
        return []
    epoch = min(known, key=known.__getitem__)
    cells = (Checkpoint(arm, seat, epoch) for seat in plan.grid.search_seats)
    tasks = [plan.catalogue.losses(cell, "validation") for cell in cells]
    return [losses_of(plan.store, task.address) for task in tasks] if all(map(plan.is_done, tasks)) else []
