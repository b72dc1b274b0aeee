"""How strongly the loss of a text pulls at the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Literal, final

import numpy as np

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside, Views
from vestige.attacks.needs.outside import Attacked, Ground, Made, Places, Stored
from vestige.errors import DataError
from vestige.records import GradientNorms, Texts, View


@final
@dataclass(frozen=True)
class Gradients(Beside[GradientNorms]):
    """The norms of the gradients of the texts at the target, or at the base where that stands in for it."""

    what: ClassVar[str] = "gradient norms"
    model: Literal["target", "base"] = field(default="target", compare=False)

    @property
    def views(self) -> tuple[View, ...]:
        return (View(self.model),)

    @property
    def assumes(self) -> Assumes:
        return Assumes(gradients=True, passes=0)

    @property
    def passes(self) -> int:
        return 2

    @property
    def tells(self) -> bool:
        return True

    @property
    def remedy(self) -> str:
        return "declare GRADIENTS in `needs`, and give Tables(views, {GRADIENTS: GradientNorms(…)})"

    def on_base(self) -> Gradients:
        return replace(self, model="base")

    def inputs(self, attacked: Attacked[Made]) -> Mapping[str, Made]:
        return {**super().inputs(attacked), "gradients": attacked.gradients()}

    def load(self, stored: Stored) -> GradientNorms:
        norms: GradientNorms = stored.read("gradients")
        return norms

    def taken(self, value: GradientNorms, places: Places) -> GradientNorms:
        return GradientNorms(value.ids[places], value.first[places], value.second[places])

    def check(self, value: GradientNorms, views: Views, *, ids: Texts) -> None:
        if not np.array_equal(value.ids, ids):
            raise DataError("the gradient norms must hold the same record ids as the views, in the same order")

    def plant(self, ground: Ground) -> GradientNorms:
        """They shrink as the loss does: e to the minus the gain."""
        shrunk = np.where(ground.lengths > 0, np.exp(-ground.gain), np.nan)
        return GradientNorms(ids=ground.ids, first=np.exp(3) * shrunk, second=shrunk)


GRADIENTS: Final = Gradients()
