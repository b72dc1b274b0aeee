"""A study in a store: what names its tasks, what its results have decided by now, and its waves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.catalogue import Catalogue
from vestige.study.choice import Choice
from vestige.study.grid import Checkpoint, Pair
from vestige.study.inputs import Inputs
from vestige.study.waves import Wave, waves


@final
class Plan:
    """A study whose inputs are known, held against the store that it runs in."""

    def __init__(self, inputs: Inputs, store: Store) -> None:
        self.inputs = inputs
        self.study = inputs.study
        self.identities = inputs.identities
        self.store = store
        self.catalogue = Catalogue(inputs.study, inputs.identities)
        self.grid = self.catalogue.grid
        self.choice = Choice(self.catalogue, store)

    def waves(self, *, search_only: bool = False) -> Iterator[Wave]:
        """The finished lists of the study, in order; ask for one when the one before is done."""
        return waves(self.choice, search_only=search_only)

    def left(self, *, search_only: bool = False) -> Iterator[Wave]:
        """Those of a run: without what is not done and only of use to what is."""
        return waves(self.choice, search_only=search_only, is_done=self.is_done)

    def known(self) -> list[Task]:
        """Every task that can be named by now, each once; of later waves those that do not wait for earlier ones."""
        return [task for wave in self.waves() for task in wave.tasks]

    def expected(self, *, search_only: bool = False) -> list[Task]:
        """Every task that a run is left with or finds done, each once; what is chosen later is taken to be the first
        of its grid.
        """
        lists = waves(self._guessed(), search_only=search_only, is_done=self.is_done)
        return [task for wave in lists for task in wave.tasks]

    def most_attacked(self) -> int:
        """At how many checkpoints a method is attacked at most, as far as the validation losses tell by now."""
        guessed = self._guessed()
        arms = [arm for pair in self.grid.pairs for arm in guessed.chosen(pair)]
        return max(len(guessed.attacked_epochs(arm)) for arm in arms)

    def _guessed(self) -> Choice:
        return Choice(self.catalogue, self.store, guess=True)

    def shadows(self, pair: Pair) -> list[Checkpoint]:
        """The shadows of a base and corpus that the attacks of the study need."""
        known = {task.address for task in self.known()}
        cells = [Checkpoint(arm, seat) for arm in self.choice.chosen(pair) for seat in self.grid.seats]
        shadows = dict.fromkeys(cell.shadow for cell in cells)
        return [shadow for shadow in shadows if self.catalogue.train(shadow).address in known]

    def is_done(self, task: Task) -> bool:
        """Whether the store holds what a task makes."""
        return self.store.is_done(task.address)
