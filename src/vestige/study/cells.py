"""Which cell is meant: cells of a finished study, and how a person names one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from vestige.errors import ConfigError, near_misses, printable
from vestige.records import Fold
from vestige.study.plan import Arm, Plan
from vestige.study.results import best_checkpoint

_ENDS = re.compile(r"\s*(?:,|$)")
_BETWEEN = re.compile(r"[\s,]*")
_LONG = 400
_LONGEST = 5000  # characters of --cell: each part is read one level deeper


@final
@dataclass(frozen=True)
class Place:
    """One cell at one checkpoint."""

    arm: Arm
    seed: int
    fold: Fold
    epoch: float
    is_best: bool
    is_last: bool

    @property
    def parts(self) -> list[str]:
        """What may be said to find it, one part after the other."""
        assert self.arm.method is not None
        rate, epoch = f"lr {self.arm.learning_rate:g}", f"epoch {self.epoch:g}"
        where = [self.arm.base, self.arm.corpus, self.arm.method.label, rate]
        return [*where, f"seed {self.seed}", f"fold {self.fold}", epoch]

    @property
    def name(self) -> str:
        """`smollm2-135m, webnlg, lora, lr 0.001, seed 0, fold A, epoch 3`."""
        return ", ".join(self.parts)

    def answers(self, part: str) -> bool:
        """Whether a part of a name is said of this cell; `best` and `last` are checkpoints too."""
        return part in self.parts or (part == "best" and self.is_best) or (part == "last" and self.is_last)


def name_of(places: Sequence[Place]) -> str:
    """The name of one cell, or of several that differ in their fold alone: `…, folds A and B, epoch 3`."""
    first = places[0]
    folds = f"folds {' and '.join(place.fold for place in places)}"
    return ", ".join(folds if len(places) > 1 and part == f"fold {first.fold}" else part for part in first.parts)


def find_cell(plan: Plan, name: str) -> Place:
    """The one cell that bears every comma-separated part of `name`: `webnlg, lora, fold A, epoch 3`.

    What is the same for all cells can be left out, and so can the checkpoint: that of the lowest validation loss.

    Raises:
        ConfigError: a part is unknown (near misses shown), or several cells answer (they are named).
    """
    found, places = _answering(plan, name)
    if len(found) == 1:
        return found[0]
    raise _unclear(name, found, places)


def find_folds(plan: Plan, name: str) -> tuple[Place, ...]:
    """The same where the name may leave the fold open: the cell of either fold, where they differ in nothing else."""
    found, places = _answering(plan, name)
    if len({(one.arm, one.seed, one.epoch) for one in found}) == 1:
        return tuple(found)
    raise _unclear(name, found, places)


def _answering(plan: Plan, name: str) -> tuple[list[Place], list[Place]]:
    """The cells that a name can mean, and all that there are."""
    places = [place for pair in plan.pairs for place in _places(plan, pair)]
    if not places:
        raise ConfigError("The store holds no finished cell of this study. Run it first: vestige run STUDY")
    parts = parts_of(name, dict.fromkeys([part for place in places for part in place.parts] + ["best", "last"]))
    found = [place for place in places if all(map(place.answers, parts))]
    at_best = [place for place in found if place.is_best]
    if len(found) > 1 and at_best and not any(re.match("epoch |best$|last$", part) for part in parts):
        found = at_best
    return found, places


def parts_of(name: str, known: Iterable[str]) -> list[str]:
    """The known parts that a name is made of, commas between them; a part may have commas of its own, as paths do.

    A part is known as it is, and as messages show it (control characters escaped). Where a name can be read in several
    ways, the one of longer parts first counts. ConfigError, with near misses, names what is not known.
    """
    if len(name) > _LONGEST:
        raise ConfigError(f"--cell has {len(name):,} characters; the name of a cell has at most {_LONGEST:,}.")
    spelled = {spelling: part for part in known for spelling in (part, printable(part, limit=_LONG))}
    read = _read(name, 0, sorted(spelled, key=len, reverse=True))
    if isinstance(read, int):
        unknown = _outside_brackets(name[read:])
        raise ConfigError(f"no cell is called '{printable(unknown)}'.{near_misses(unknown, spelled)}")
    return [spelled[spelling] for spelling in read]


def _read(name: str, at: int, spellings: Sequence[str]) -> list[str] | int:
    """The spellings that a name is made of from here on, or the place that no reading gets beyond."""
    between = _BETWEEN.match(name, at)
    at = between.end() if between else at
    if at == len(name):
        return []
    furthest = at
    for spelling in spellings:
        end = at + len(spelling)
        if name.startswith(spelling, at) and _ENDS.match(name, end):
            rest = _read(name, end, spellings)
            if not isinstance(rest, int):
                return [spelling, *rest]
            furthest = max(furthest, rest)
    return furthest


def _outside_brackets(text: str) -> str:
    """The beginning of a text up to its first comma that is not in round brackets."""
    return re.split(r",\s*(?![^()]*\))", text, maxsplit=1)[0].strip()


def _unclear(name: str, found: Sequence[Place], places: Sequence[Place]) -> ConfigError:
    names = "".join(f"\n  {printable(place.name, limit=_LONG)}" for place in (found or places)[:20])
    if not name:
        return ConfigError(f"The study has several cells: say which, as in --cell '{_telling(found)}'.{names}")
    problem = "is not one cell, say which" if found else "is none of the cells"
    return ConfigError(f"--cell {printable(repr(name), limit=_LONG)} {problem}:{names}")


def _telling(places: Sequence[Place]) -> str:
    """The parts of the first cell that not all others share."""
    first = places[0].parts
    own = [part for part in first if not all(part in place.parts for place in places)]
    return printable(", ".join(own or first), limit=_LONG)


def _places(plan: Plan, pair: tuple[str, str]) -> Iterator[Place]:
    for arm in plan.chosen(pair):
        best = best_checkpoint(plan, pair, arm.method)
        attacked = plan.attacked_epochs(arm)
        for seed, fold in plan.seats:
            for epoch in attacked:
                if plan.store.is_done(plan.stats(arm, role="pool", seat=(seed, fold), epoch=epoch).address):
                    is_last = epoch == plan.epochs[-1]
                    yield Place(arm, seed, fold, epoch, is_best=best == (arm, epoch), is_last=is_last)
