"""What a trained attack learned from a shadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, final

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside
from vestige.attacks.needs.outside import Attacked, Ground, Learner, Made, Shadow, Stored, Supply
from vestige.attacks.needs.shadow import refuse_no_shadow
from vestige.errors import near_misses, printable
from vestige.records import AttackModel


@final
@dataclass(frozen=True)
class Learned(Beside[AttackModel]):
    """The attack model that `learner` is to score with: an attack that was fitted on the shadow of the target, or on
    that of another base, corpus or method, which it names.
    """

    what: ClassVar[str] = "attack model"
    learner: Learner

    @property
    def assumes(self) -> Assumes:
        return Assumes(population=True, shadow_models=True, passes=0)

    @property
    def remedy(self) -> str:
        return "fit one on a shadow with `attack.fit(…)`, and give Tables(views, {attack.learned: …})"

    def on_base(self) -> None:
        return None

    def inputs(self, attacked: Attacked[Made]) -> Mapping[str, Made]:
        return {"model": attacked.attack_model(self.learner)}

    def load(self, stored: Stored) -> AttackModel:
        model: AttackModel = stored.read("model")
        return model

    def refuse(self, label: str, supply: Supply) -> None:
        if self.learner.trains_on.get("corpus", supply.corpus) == supply.corpus:
            refuse_no_shadow(supply)

    def refuse_unknown(self, label: str, known: Mapping[str, list[str]]) -> None:
        for what, name in self.learner.trains_on.items():
            if name not in known[what]:
                raise ValueError(
                    f"{label}: train_on names the {what} '{printable(name)}', which the study does not have."
                    + near_misses(name, known[what])
                )

    def plant(self, ground: Ground) -> AttackModel:
        """What it learns from a plain signal in other texts."""
        return _fitted(self.learner, ground.shadow(self.learner.needs))


@cache
def _fitted(learner: Learner, shadow: Shadow) -> AttackModel:
    model: AttackModel = learner.fit(shadow.tables, shadow.is_member, groups=shadow.tables.ids)
    return model
