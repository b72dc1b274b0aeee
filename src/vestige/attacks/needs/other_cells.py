"""What the study's other cells say of the same texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside, Views
from vestige.attacks.needs.outside import Attacked, Ground, Made, Places, Stored, Supply
from vestige.attacks.ragged import Ragged
from vestige.errors import ConfigError, DataError
from vestige.records import Floats, OtherCell, Texts, View

Cells = tuple[OtherCell, ...]


@final
@dataclass(frozen=True)
class OtherCells(Beside[Cells]):
    """The cells of the same arm at the same checkpoint under the other seeds of the study.

    At least `inside` of them must have been trained on each text, and `outside` not. How many are wanted makes no other
    need: all that there are are read.
    """

    what: ClassVar[str] = "other cells"
    inside: int = field(default=0, compare=False)
    outside: int = field(default=0, compare=False)

    @property
    def views(self) -> tuple[View, ...]:
        return (View("target"),)

    @property
    def assumes(self) -> Assumes:
        return Assumes(reference_model=True, population=True, shadow_models=True, passes=0)

    @property
    def passes(self) -> int:
        return self.inside + self.outside

    @property
    def only_for_pool(self) -> bool:
        """No cell trains on a text outside the pool."""
        return True

    @property
    def grows_with_cells(self) -> bool:
        return True

    @property
    def remedy(self) -> str:
        return "declare OtherCells(…) in `needs`, and give Tables(views, {OtherCells(): (OtherCell(…), …)})"

    def on_base(self) -> None:
        return None

    def inputs(self, attacked: Attacked[Made]) -> Mapping[str, Made]:
        target = View("target")
        cells = {f"cell/{_name(cell)}": cell.view(target) for cell in attacked.others()}
        return {**super().inputs(attacked), "corpus": attacked.corpus(), **cells}

    def told(self, attacked: Attacked[Any]) -> Mapping[str, Any]:
        cells = [{"seed": cell.seed, "fold": cell.fold, "name": _name(cell)} for cell in attacked.others()]
        return {"cells": cells}

    def load(self, stored: Stored) -> Cells:
        return tuple(
            OtherCell(stored.read(f"cell/{cell['name']}"), stored.members(seed=cell["seed"], fold=cell["fold"]))
            for cell in stored.told["cells"]
        )

    def taken(self, value: Cells, places: Places) -> Cells:
        return tuple(OtherCell(cell.stats.taken(places), cell.is_member[places]) for cell in value)

    def check(self, value: Cells, views: Views, *, ids: Texts) -> None:
        target = views.get(View("target"))
        for cell in value:
            if not np.array_equal(cell.stats.ids, ids):
                raise DataError("another cell must hold the same record ids as the views, in the same order")
            if target is not None and not cell.stats.has_tokens_of(target):
                raise DataError("another cell scored different tokens of one text than the target: collect them again")

    def refuse(self, label: str, supply: Supply) -> None:
        inside, outside = (supply.fewest_others(trained=trained) for trained in (True, False))
        if inside < self.inside or outside < self.outside:
            raise ConfigError(
                f"{label} compares with other cells, those of the target's own seed left out: at least "
                f"{self.inside} that were trained on each text and {self.outside} that were not. The study's "
                f"seeds, {supply.seeds}, and folds, {supply.folds}, leave {inside} and {outside} in the corpus "
                f"'{supply.corpus}'. Set folds = 2 and at least {1 + max(self.inside, self.outside)} seeds, or leave "
                "the attack out."
            )

    def plant(self, ground: Ground) -> Cells:
        """Ten cells in five pairs: of each pair one was trained on a text and the other was not."""
        texts = len(ground.ids)
        halves = [ground.generator.permutation(np.arange(texts) < texts / 2) for _ in range(5)]
        members = [one for half in halves for one in (half, ~half)]
        return tuple(OtherCell(ground.view(ground.raised(one)), one) for one in members)


def mean_over_cells(cells: Cells, measure: Callable[[Ragged], Floats], *, members: bool) -> Floats:
    """The mean of a measure of log p over the cells that trained on a text, or did not, shape (texts,).

    NaN where the measure is; DataError where a text has no such cell.
    """
    chosen = np.array([cell.is_member == members for cell in cells])
    if not cells or not chosen.any(axis=0).all():
        texts = f"{(~chosen.any(axis=0)).sum()} texts" if cells else "the texts"
        raise DataError(
            f"{texts} have no other cell that was {'' if members else 'not '}trained on them: declare OtherCells(…) in "
            "`needs`, and give Tables(views, {OtherCells(): …}) those of more seeds"
        )
    total = np.zeros(chosen.shape[1])
    for cell, taken in zip(cells, chosen, strict=True):
        total[taken] += measure(Ragged.of(cell.stats.tokens["logp"], offsets=cell.stats.offsets))[taken]
    means: Floats = total / chosen.sum(axis=0)
    return means


def _name(cell: Attacked[Any]) -> str:
    return f"{cell.seed}/{cell.fold}"
