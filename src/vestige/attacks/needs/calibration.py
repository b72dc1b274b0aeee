"""What the target and the study's other cells say of texts that no cell trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside
from vestige.attacks.needs.other_cells import OtherCells
from vestige.attacks.needs.outside import Attacked, Ground, Made, Stored, Supply
from vestige.attacks.tables import Tables
from vestige.errors import ConfigError
from vestige.records import OtherCell, View

_TARGET: Final = View("target")
_NAME: Final = "calibration"


@final
@dataclass(frozen=True)
class Calibration(Beside[Tables]):
    """Tables of the role `calibration`: the plain view of the target, and the other cells where there are any."""

    what: ClassVar[str] = "calibration texts"

    @property
    def assumes(self) -> Assumes:
        return Assumes(population=True, passes=0)

    @property
    def grows_with_cells(self) -> bool:
        return True

    @property
    def only_for_pool(self) -> bool:
        """A calibration text would be held against itself."""
        return True

    @property
    def remedy(self) -> str:
        return "declare CALIBRATION in `needs`, and give Tables(views, {CALIBRATION: Tables(…)})"

    def on_base(self) -> None:
        return None

    def inputs(self, attacked: Attacked[Made]) -> Mapping[str, Made]:
        cells = {f"{_NAME}/{cell.seed}/{cell.fold}": cell.on(_NAME).view(_TARGET) for cell in attacked.others()}
        return {_NAME: attacked.on(_NAME).view(_TARGET), **cells}

    def load(self, stored: Stored) -> Tables:
        target = stored.read(_NAME)
        outside = np.zeros(len(target.ids), dtype=np.bool_)
        names = [name for name in stored.names if name.startswith(f"{_NAME}/")]
        cells = tuple(OtherCell(stored.read(name), outside) for name in names)
        return Tables({_TARGET: target}, {OtherCells(): cells})

    def refuse(self, label: str, supply: Supply) -> None:
        if not supply.texts(_NAME):
            raise ConfigError(
                f"{label} compares with texts of the role `calibration`, and the corpus '{supply.corpus}' "
                "has none. Set `calibration` in [[corpus]], or leave the attack out."
            )

    def plant(self, ground: Ground) -> Tables:
        """As many texts, none of them trained on by the target or by ten other cells."""
        other, outside = ground.elsewhere(), np.zeros(len(ground.ids), dtype=np.bool_)
        target, *others = (other.view(other.raised(outside)) for _ in range(11))
        return Tables({_TARGET: target}, {OtherCells(): tuple(OtherCell(one, outside) for one in others)})


CALIBRATION: Final = Calibration()
