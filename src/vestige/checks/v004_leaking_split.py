"""A split whose members can be told by their texts alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.outcome.wording import shown

UNLIKELY: Final = 0.01
"""A p-value that is taken for a leak: three floors on two corpora are wrong in one study of seventeen."""


@final
class LeakingSplit(SectionCheck):
    """No classifier that reads the texts alone, without any model, tells members from non-members."""

    code = "V004"
    nothing = "no floor without a model has been measured"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        chances = {name: section.floor.estimate("p_value", name).value for name in results.facts.floors}
        if all(chance is None for chance in chances.values()):
            return None
        return [
            f"{name} tells members from non-members without any model, AUC {shown(section.floor.number('auc', name))}, "
            f"p = {chance:.3f} against splits that mean nothing: the split itself leaks, and every attack on it is "
            "inflated."
            for name, chance in chances.items()
            if chance is not None and chance <= UNLIKELY
        ]
