"""What a shadow takes of a corpus."""

from __future__ import annotations

from vestige.attacks.needs.outside import Supply
from vestige.errors import ConfigError, DataError


def refuse_no_shadow(supply: Supply) -> None:
    """A shadow needs texts of its own, and a trained attack at least two groups of members and of others."""
    if not supply.texts("shadow"):
        raise ConfigError(
            "an attack needs a shadow, a model fine-tuned on texts of its own, and the corpus "
            f"'{supply.corpus}' has no text in that role. Set `shadow` in [[corpus]] to as many texts as `pool` "
            "has, or leave the attack out."
        )
    few = supply.fewest_groups("shadow")
    if few < 2:
        raise DataError(
            f"Corpus '{supply.corpus}': each half of the role `shadow` needs texts of at least 2 groups, for a "
            f"trained attack to be cross-validated; got {few}. Enlarge `shadow`, lower `per_group`, or name a finer "
            "`group`."
        )
