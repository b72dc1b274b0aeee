"""What an attacker must have to run an attack."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class Assumes:
    """What an attacker must have, beside the text in question, to run an attack; shown beside its numbers.

    * `log_probabilities`: what the target gives to the tokens of the text; `distributions`: what it gives to all other
      tokens in their place too (moments, ranks).
    * `texts`: the text as it was written, not its tokens alone.
    * `reference_model`: another model to compare with; with `shadow_models` the attacker trains some of his own.
    * `population`: other texts of the same kind; with `known_members` some that are known to have been trained on.
    * `gradients`: the weights of the target.
    * `passes`: forward passes over one text, of all models together.
    """

    log_probabilities: bool = True
    distributions: bool = False
    texts: bool = False
    reference_model: bool = False
    population: bool = False
    shadow_models: bool = False
    known_members: bool = False
    gradients: bool = False
    passes: int = 1

    def __or__(self, other: Assumes) -> Assumes:
        """What either of the two takes, with the passes of that which takes more."""
        values: dict[str, Any] = {
            field.name: max(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        }
        return Assumes(**values)
