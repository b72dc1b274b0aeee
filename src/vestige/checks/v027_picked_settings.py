"""Several settings of one attack, to be picked from with the numbers in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import Check, Verdict, not_applicable, of_the_study
from vestige.outcome.facts import AttackFacts
from vestige.outcome.frames import Results
from vestige.outcome.primary import naming
from vestige.outcome.wording import joined


@final
class PickedSettings(Check):
    """Of every attack that is made with several settings, one was named before the run as the primary attack."""

    code = "V027"

    def look(self, results: Results) -> Verdict:
        families = [family for family in _families(results.facts.attacks) if _settings(family) > 1]
        if not families:
            return not_applicable("no attack is made with several settings")
        named = results.facts.study.primary if naming(results.facts.study) == "before the run" else None
        open_ones = [family for family in families if named not in {one.label for one in family}]
        return of_the_study(*map(_sentence, open_ones))


def _families(attacks: Sequence[AttackFacts]) -> list[list[AttackFacts]]:
    """The attacks of one name together, in the order of the study."""
    return [[one for one in attacks if one.name == name] for name in dict.fromkeys(one.name for one in attacks)]


def _settings(family: Sequence[AttackFacts]) -> int:
    """How many values its parameters take; another reference or shadow is another attacker, and no setting."""
    return len({repr(sorted(one.parameters.items())) for one in family})


def _sentence(family: Sequence[AttackFacts]) -> str:
    return (
        f"{joined([one.label for one in family])} are one attack with several settings, none of them named before the "
        "run: the best of them is picked on the texts that it is judged by, and is optimistic."
    )
