"""The places of a study: pair, arm, seat, cell and checkpoint, how people name them, and how a name is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, final

from vestige.errors import ConfigError, near_misses, printable
from vestige.records import Fold, Role
from vestige.study.spec import Study
from vestige.tuning.methods.base import Method

_ENDS = re.compile(r"\s*(?:,|$)")
_BETWEEN = re.compile(r"[\s,]*")
_LONG = 400
_LONGEST = 5000  # characters of a name: each part is read one level deeper


class Pair(NamedTuple):
    """A base and a corpus, by their names in the study."""

    base: str
    corpus: str


class Seat(NamedTuple):
    """A seed, and the half of its permutation that is trained on."""

    seed: int
    fold: Fold

    @property
    def name(self) -> str:
        """`0/A`."""
        return f"{self.seed}/{self.fold}"


@final
@dataclass(frozen=True)
class Arm:
    """What is averaged over seats: a method at a learning rate, or the base as it came where `method` is None."""

    base: str
    corpus: str
    method: Method | None = None
    learning_rate: float | None = None

    @property
    def pair(self) -> Pair:
        """Where the arm belongs."""
        return Pair(self.base, self.corpus)

    @property
    def name(self) -> str:
        """For people: `smollm2-135m, webnlg, lora, lr 0.0003`."""
        parts = [self.base, self.corpus]
        if self.method is not None:
            parts += [self.method.label, f"lr {self.learning_rate:g}"]
        return ", ".join(parts)


@final
@dataclass(frozen=True)
class Checkpoint:
    """A cell, which is an arm on a seat, after so many epochs; or the base, which has neither seat nor epoch.

    `half_of`: the role that the cell trains on half of; `shadow` for a shadow, which does it for those who attack.
    """

    arm: Arm
    seat: Seat | None = None
    epoch: float | None = None
    half_of: Role = "pool"

    @property
    def is_base(self) -> bool:
        """Whether nothing was trained."""
        return self.arm.method is None

    @property
    def base(self) -> Checkpoint:
        """The base before any training."""
        return Checkpoint(Arm(*self.arm.pair))

    @property
    def shadow(self) -> Checkpoint:
        """The same on texts of the role `shadow`: one serves both folds of a seed, since neither trains on these."""
        assert self.seat is not None
        return replace(self, seat=Seat(self.seat.seed, "A"), half_of="shadow")

    @property
    def parts(self) -> list[str]:
        """What may be said to find it, one part after the other."""
        assert self.arm.method is not None
        assert self.seat is not None
        rate, epoch = f"lr {self.arm.learning_rate:g}", f"epoch {self.epoch:g}"
        where = [self.arm.base, self.arm.corpus, self.arm.method.label, rate]
        return [*where, f"seed {self.seat.seed}", f"fold {self.seat.fold}", epoch]

    @property
    def name(self) -> str:
        """`smollm2-135m, webnlg, lora, lr 0.001, seed 0, fold A, epoch 3`; with `the shadow of` before it for one."""
        if self.is_base:
            return self.arm.name
        return ("the shadow of " if self.half_of == "shadow" else "") + ", ".join(self.parts)


def name_of(checkpoints: Sequence[Checkpoint]) -> str:
    """The name of one checkpoint, or of several that differ in their fold alone: `…, folds A and B, epoch 3`."""
    first = checkpoints[0]
    folds = [one.seat.fold for one in checkpoints if one.seat is not None]
    both = f"folds {' and '.join(folds)}"
    return ", ".join(both if len(folds) > 1 and part == f"fold {folds[0]}" else part for part in first.parts)


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
    """The spellings that a name is made of from here on, or where the reading that got furthest ended."""
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


@final
@dataclass(frozen=True)
class Grid:
    """Every place of a study: all pairs, arms, seats and epochs that it comes to."""

    study: Study

    @property
    def pairs(self) -> list[Pair]:
        """Every base on every corpus."""
        return [Pair(base.model, corpus.name) for base in self.study.base for corpus in self.study.corpus]

    @property
    def seats(self) -> list[Seat]:
        """Every seed, with one fold or both."""
        folds: tuple[Fold, ...] = ("A", "B") if self.study.study.folds == 2 else ("A",)
        return [Seat(seed, fold) for seed in self.study.study.seeds for fold in folds]

    @property
    def search_seats(self) -> list[Seat]:
        """Where learning rates are compared: the first seat, or all of them."""
        return self.seats if self.study.training.search == "all" else self.seats[:1]

    @property
    def tells_memorization(self) -> bool:
        """Whether a text can be trained on in one cell and left out in another: it takes two cells of an arm."""
        return len(self.seats) > 1

    @property
    def epochs(self) -> tuple[float, ...]:
        """The checkpoints, in epochs."""
        return self.study.training.checkpoints

    def validated(self, arm: Arm) -> tuple[float, ...]:
        """The checkpoints whose validation loss is measured: those of the study, and epoch 0 where the method does not
        start as the base.
        """
        assert arm.method is not None
        return self.epochs if arm.method.starts_as_base else (0.0, *self.epochs)

    def arms(self, pair: Pair) -> list[Arm]:
        """Every method at every learning rate of its grid."""
        return [Arm(*pair, method, rate) for method in self.study.method for rate in method.learning_rate]

    def checkpoints(self, arm: Arm, epoch: float | None) -> list[Checkpoint]:
        """The models of an arm at one epoch, one for each seat; the base is the same on all of them, and once is
        enough.
        """
        if arm.method is None:
            return [Checkpoint(arm)]
        return [Checkpoint(arm, seat, epoch) for seat in self.seats]
