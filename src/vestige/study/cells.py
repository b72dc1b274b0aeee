"""Which checkpoints of a finished study a person means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from vestige.errors import ConfigError, printable
from vestige.study.grid import Checkpoint, Pair, parts_of
from vestige.study.plan import Plan

_LONG = 400


@final
@dataclass(frozen=True)
class Held:
    """A checkpoint whose pass over the pool is in the store, and whether it is the best or the last of its cell."""

    checkpoint: Checkpoint
    is_best: bool
    is_last: bool

    @property
    def parts(self) -> list[str]:
        """What may be said to find it."""
        return [*self.checkpoint.parts, *["best"] * self.is_best, *["last"] * self.is_last]


def find_folds(plan: Plan, name: str) -> tuple[Checkpoint, ...]:
    """The one checkpoint that bears every comma-separated part of `name` (`webnlg, lora, fold A, epoch 3`), or that of
    both folds, where they differ in nothing else.

    What is the same for all cells can be left out, and so can the checkpoint: that of the lowest validation loss.

    Raises:
        ConfigError: a part is unknown (near misses shown), or several cells answer (they are named).
    """
    held = [one for pair in plan.grid.pairs for one in _held(plan, pair)]
    if not held:
        raise ConfigError("The store holds no finished cell of this study. Run it first: vestige run STUDY")
    parts = parts_of(name, dict.fromkeys([part for one in held for part in one.checkpoint.parts] + ["best", "last"]))
    found = [one for one in held if set(parts) <= set(one.parts)]
    at_best = [one for one in found if one.is_best]
    if len(found) > 1 and at_best and not any(re.match("epoch |best$|last$", part) for part in parts):
        found = at_best
    checkpoints = tuple(one.checkpoint for one in found)
    if len({(one.arm, one.seat and one.seat.seed, one.epoch) for one in checkpoints}) == 1:
        return checkpoints
    raise _unclear(name, checkpoints, [one.checkpoint for one in held])


def _held(plan: Plan, pair: Pair) -> Iterator[Held]:
    for arm in plan.choice.chosen(pair):
        assert arm.method is not None
        best = plan.choice.best_checkpoint(pair, arm.method)
        attacked = plan.choice.attacked_epochs(arm)
        for seat in plan.grid.seats:
            for epoch in attacked:
                checkpoint = Checkpoint(arm, seat, epoch)
                if plan.is_done(plan.catalogue.losses(checkpoint, "pool")):
                    is_last = epoch == plan.grid.epochs[-1]
                    yield Held(checkpoint, is_best=best == (arm, epoch), is_last=is_last)


def _unclear(name: str, found: Sequence[Checkpoint], all_held: Sequence[Checkpoint]) -> ConfigError:
    names = "".join(f"\n  {printable(one.name, limit=_LONG)}" for one in (found or all_held)[:20])
    if not name:
        return ConfigError(f"The study has several cells: say which, as in --cell '{_telling(found)}'.{names}")
    problem = "is not one cell, say which" if found else "is none of the cells"
    return ConfigError(f"--cell {printable(repr(name), limit=_LONG)} {problem}:{names}")


def _telling(checkpoints: Sequence[Checkpoint]) -> str:
    """The parts of the first that not all others share."""
    first = checkpoints[0].parts
    own = [part for part in first if not all(part in one.parts for one in checkpoints)]
    return printable(", ".join(own or first), limit=_LONG)
