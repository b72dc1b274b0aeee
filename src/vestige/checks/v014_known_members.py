"""Members that are left out for all, since one attack is told them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section


@final
class KnownMembers(SectionCheck):
    """No member is left out of the evaluation because an attack is told beforehand that it was trained on."""

    code = "V014"
    nothing = "no attack is told members"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        told = [attack.label for attack in results.facts.attacks if attack.assumes["known_members"]]
        left_out = {attack: _left_out(section, attack) for attack in told}
        folds = results.facts.study.folds
        return [_sentence(attack, texts, folds=folds) for attack, texts in left_out.items() if texts] if told else None


def _left_out(section: Section, attack: str) -> int:
    counts = [point.estimate("auc", attack).counts for point in section.points]
    return max((one.unscored.get("member:known_member", 0) for one in counts), default=0)


def _sentence(attack: str, texts: int, *, folds: int) -> str:
    said = (
        f"{attack} is told some of the training texts beforehand. No attack is judged on finding these, or the others "
        f"of their groups: {texts} texts are left out as members, summed over the trainings."
    )
    other = " Where the other fold was trained they are non-members, and count as such."
    return said + (other if folds > 1 else "")
