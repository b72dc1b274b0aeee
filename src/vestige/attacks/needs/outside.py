"""What needs see of the rest, none of which attacks import: a study's catalogue and supply, a store, the test kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, final

import numpy as np

from vestige.records import AttackModel, Bools, Floats, Fold, Ints, Role, Texts, TokenStats, View

Made = TypeVar("Made")
Made_co = TypeVar("Made_co", covariant=True)

Places = slice | Ints
"""Which texts: some in a row, or the places of each."""


class Learner(Protocol):
    """An attack that is fitted: `LearnedAttack`."""

    def __hash__(self) -> int: ...
    @property
    def needs(self) -> tuple[Any, ...]: ...
    @property
    def trains_on(self) -> Mapping[str, str]: ...
    def fit(self, tables: Any, is_member: Bools, *, groups: Texts, seed: int = 0) -> AttackModel: ...


class Attacked(Protocol[Made_co]):
    """A checkpoint, or the base, and the role whose texts are attacked, as a catalogue of tasks has them."""

    @property
    def seed(self) -> int: ...
    @property
    def fold(self) -> Fold: ...
    def view(self, view: View) -> Made_co:
        """The scoring pass of these texts by this model, or by the base or shadow that belongs to it."""

    def gradients(self) -> Made_co:
        """The gradient norms of these texts at this model."""

    def counts(self) -> Made_co:
        """The token counts of the population of the corpus."""

    def corpus(self) -> Made_co:
        """The texts."""

    def attack_model(self, attack: Any) -> Made_co:
        """An attack fitted on the shadow of this checkpoint, or of what the attack names."""

    def others(self) -> Sequence[Attacked[Made_co]]:
        """The same arm at the same epoch, under other seeds."""

    def on(self, role: Role) -> Attacked[Made_co]:
        """The same model on the texts of another role."""


class Stored(Protocol):
    """What an attack's task finds in the store."""

    @property
    def names(self) -> Sequence[str]:
        """The names of its inputs, sorted."""

    @property
    def told(self) -> Mapping[str, Any]:
        """Its spec."""

    def read(self, name: str) -> Any:
        """What the task behind one input left, read by that task's stage."""

    def members(self, *, seed: int, fold: Fold) -> Bools:
        """Which texts of the pool a cell was trained on, shape (texts,)."""


class Supply(Protocol):
    """What a study has on one corpus to meet needs with."""

    @property
    def corpus(self) -> str: ...
    @property
    def seeds(self) -> int: ...
    @property
    def folds(self) -> int: ...
    def texts(self, role: Role) -> Sequence[Any]:
        """The texts of a role; empty where the corpus has none."""

    def fewest_others(self, *, trained: bool) -> int:
        """The fewest cells of other seeds that were (not) trained on a text of the pool."""

    def fewest_groups(self, role: Role) -> int:
        """The fewest groups that a half of a role has."""


@final
@dataclass(frozen=True, eq=False)
class Shadow:
    """Views of other texts, and who of them are members."""

    tables: Any
    is_member: Bools


class Ground(Protocol):
    """The texts of the test kit, into which each need plants a value of its own.

    `gain`: by how many nats the target raised each text, shape (texts,); `separation`: by how many of its standard
    deviations members lie above others.
    """

    @property
    def ids(self) -> Texts: ...
    @property
    def gain(self) -> Floats: ...
    @property
    def lengths(self) -> Ints: ...
    @property
    def separation(self) -> float: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def generator(self) -> np.random.Generator: ...
    def view(self, gain: Floats) -> TokenStats:
        """What a model says of the texts that finds each likelier by so many nats."""

    def raised(self, is_member: Bools) -> Floats:
        """Gains of a model that was trained on these members, as strong as those of the target, shape (texts,)."""

    def elsewhere(self) -> Ground:
        """As many other texts, of which each has tokens."""

    def shadow(self, needs: tuple[Any, ...]) -> Shadow:
        """Other texts with a plain signal, with all that these needs come to."""
