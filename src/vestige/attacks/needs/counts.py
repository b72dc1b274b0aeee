"""How often each token occurs in texts of the same kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, final

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Beside
from vestige.attacks.needs.outside import Attacked, Ground, Made, Stored
from vestige.records import TokenCounts


@final
@dataclass(frozen=True)
class Counts(Beside[TokenCounts]):
    """The token counts of a population: texts of the corpus that no cell trains on."""

    what: ClassVar[str] = "token counts of a population"

    @property
    def assumes(self) -> Assumes:
        return Assumes(population=True, passes=0)

    @property
    def only_for_pool(self) -> bool:
        """The calibration texts are of the population: they are counted, those of the pool are not."""
        return True

    @property
    def remedy(self) -> str:
        return "declare COUNTS in `needs`, and give Tables(views, {COUNTS: TokenCounts(…)})"

    def inputs(self, attacked: Attacked[Made]) -> Mapping[str, Made]:
        return {"counts": attacked.counts()}

    def load(self, stored: Stored) -> TokenCounts:
        counts: TokenCounts = stored.read("counts")
        return counts

    def plant(self, ground: Ground) -> TokenCounts:
        return TokenCounts(ground.generator.integers(0, 50, size=ground.vocabulary))


COUNTS: Final = Counts()
