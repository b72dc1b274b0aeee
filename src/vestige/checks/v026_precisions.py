"""A target that is computed in another precision than its reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section

_FULL: Final = "float32"


@final
class Precisions(MethodCheck):
    """Target and reference are computed in one precision."""

    code = "V026"
    nothing = "no attack compares the target with a reference"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        if not any(attack.assumes["reference_model"] for attack in results.facts.attacks):
            return None
        base = results.facts.base(section.base)
        copies = next(one.copies_base for one in results.facts.methods if one.label == method)
        return [_sentence(base.dtype)] if copies and base.dtype != _FULL else []


def _sentence(dtype: str) -> str:
    return (
        f"it trains weights in {_FULL} and the base has its own in {dtype}, so that target and reference differ by "
        "rounding before any training: attacks that compare them token by token are noisier for it than for methods "
        "that leave the base frozen."
    )
