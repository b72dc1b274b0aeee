"""What a need is: one thing that an attack reads, as a value that knows all there is to know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.outside import Attacked, Ground, Made, Places, Stored, Supply
from vestige.errors import DataError
from vestige.records import Texts, TokenStats, View

V_co = TypeVar("V_co", covariant=True)

Views = Mapping[View, TokenStats]
"""The scoring passes of the texts under attack."""


class Need(ABC, Generic[V_co]):
    """One thing that an attack reads. A subclass is a final frozen dataclass and one file of this folder; two that are
    equal are read once.

    What a need says of itself has a default here wherever most needs agree. `of` is how an attack gets it.
    """

    @abstractmethod
    def of(self, views: Views, values: Mapping[Beside[Any], Any]) -> V_co:
        """Its value for the texts of these tables; DataError where it is not there. Attacks ask `Tables.read`."""

    @property
    def views(self) -> tuple[View, ...]:
        """The scoring passes that must be there for it."""
        return ()

    @property
    def assumes(self) -> Assumes:
        """What it takes of an attacker, passes left out."""
        return Assumes(passes=0)

    @property
    def passes(self) -> int:
        """Forward passes over one text that it takes beside those of its views; one there and back counts as two."""
        return 0

    @property
    def tells(self) -> bool:
        """Whether it is about what the target makes of a text, so that members can be told by it alone."""
        return False

    @property
    def only_for_pool(self) -> bool:
        """Whether it is another thing for texts outside the pool, on which no cell trains, so that an attack's scores
        of the two cannot be held against each other.
        """
        return False

    @property
    def grows_with_cells(self) -> bool:
        """Whether one table is read for each cell of an arm."""
        return False

    def on_base(self) -> Need[Any] | None:
        """The same of the base, where that stands in for the target; None where there is no such thing."""
        return self

    # In a study

    def inputs(self, attacked: Attacked[Made]) -> Mapping[str, Made]:
        """What makes it, by the names under which an attack's task has it."""
        return {view.name: attacked.view(view) for view in self.views}

    def told(self, attacked: Attacked[Any]) -> Mapping[str, Any]:
        """What an attack's task is told beside that, as fields of its spec."""
        return {}

    def refuse(self, label: str, supply: Supply) -> None:
        """ConfigError or DataError where a study cannot meet it on one of its corpora; `label` is the attack's."""

    def refuse_unknown(self, label: str, known: Mapping[str, list[str]]) -> None:
        """ValueError, with near misses, where it names a base, a corpus or a method that the study does not have."""


class Beside(Need[V_co], ABC):
    """A need whose value is no column of a view, and comes beside them; `what` names it in messages."""

    what: ClassVar[str]

    def of(self, views: Views, values: Mapping[Beside[Any], Any]) -> V_co:
        if self not in values:
            raise DataError(f"no {self.what}: {self.remedy}")
        value: V_co = values[self]
        return value

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What to do where it is missing."""

    @abstractmethod
    def load(self, stored: Stored) -> V_co:
        """Its value, from what its tasks left in the store."""

    def taken(self, value: Any, places: Places) -> Any:
        """Its value for some of the texts, in the order given; the same for all unless a need says otherwise."""
        return value

    def check(self, value: Any, views: Views, *, ids: Texts) -> None:
        """DataError where the value is not of the texts of these views."""

    @abstractmethod
    def plant(self, ground: Ground) -> V_co:
        """A value for the test kit, in which members can be told where the need `tells`."""
