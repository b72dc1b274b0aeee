"""Attacks side by side: compared on the texts that all of them score, as long as none of them takes many away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from vestige.metrics.uncertainty import own_groups
from vestige.records import Bools, Labelled, Labels, Scores, Texts

OF_THE_TEXT: Final = frozenset({"too_short", "unchanged", "known_member"})
"""Reasons that the text, or what the attacker knows of it, gives, whatever the model says. Any other reason comes from
the model's outputs and so may hang on membership: it never takes a text from other attacks.
"""

_TENTH: Final = 10
"""The common texts are at least nine in ten of the texts of each class of a cell, or all of them but one."""


def common_texts(labels_of: Mapping[str, Labels]) -> dict[str, Labels]:
    """The labels of several attacks (label of the attack → its cells) restricted to the texts that all of them score.

    A text that attack `a` cannot score, for a reason `OF_THE_TEXT`, is masked in the others with the reason
    `unscored_by:a`, so that it is still counted. An attack that would take many texts away masks nothing in others and
    keeps all of its own texts: `apart` names it. ValueError unless all attacks have the same cells and the cells the
    same texts in the same order.
    """
    compared = _compared(labels_of)
    masked: dict[str, Labels] = {}
    for attack, labels in labels_of.items():
        others = compared if attack in compared else []
        masked[attack] = tuple(
            _masked(labelled, reasons=_reasons({other: labels_of[other][place] for other in others}, labelled))
            for place, labelled in enumerate(labels)
        )
    return masked


def apart(labels_of: Mapping[str, Labels]) -> dict[str, str]:
    """The attacks that are not compared on the common texts, and what they would cost the others.

    An attack is left out where, in some cell and class, the texts common to it and to the attacks that take fewer away
    would be less than nine in ten of those that any attack can score (one missing text is always borne), or of fewer
    than two groups. It depends on the texts, not on what a model says of them.
    """
    compared = _compared(labels_of)
    return {attack: _scores_few(labels) for attack, labels in labels_of.items() if attack not in compared}


def _scores_few(labels: Labels) -> str:
    scored = sum(int(labelled.scores.scored.sum()) for labelled in labels)
    return f"it scores {scored} of {sum(len(labelled.is_member) for labelled in labels)} texts"


@final
@dataclass(frozen=True, eq=False)
class _Class:
    """The texts of one class of a cell: `groups`, shape (texts,), and for each attack which ones it can score."""

    groups: Texts
    scorable: Mapping[str, Bools]

    def bears(self, attacks: Sequence[str]) -> bool:
        """Whether enough texts are left when the attacks are compared on those that all of them can score."""
        known = np.any(list(self.scorable.values()), axis=0)
        common = np.all([self.scorable[attack] for attack in attacks], axis=0)
        lost = int(known.sum() - common.sum())
        needed = min(2, len(np.unique(self.groups[known])))
        return lost <= max(1, known.sum() // _TENTH) and len(np.unique(self.groups[common])) >= needed


def _compared(labels_of: Mapping[str, Labels]) -> list[str]:
    """The attacks that are compared with each other: as many as go, those that take the fewest texts away first."""
    classes = [one for cell in _cells(labels_of) for one in _classes(cell)]
    taken = {attack: sum(int(np.sum(~one.scorable[attack])) for one in classes) for attack in labels_of}
    compared: list[str] = []
    for attack in sorted(labels_of, key=lambda attack: (taken[attack], attack)):
        if all(one.bears([*compared, attack]) for one in classes):
            compared.append(attack)
    return [attack for attack in labels_of if attack in compared]


def _cells(labels_of: Mapping[str, Labels]) -> list[Mapping[str, Labelled]]:
    cells: list[Mapping[str, Labelled]] = []
    for own in zip(*labels_of.values(), strict=True):
        cell = dict(zip(labels_of, own, strict=True))
        first = next(iter(cell.values()))
        for attack, one in cell.items():
            same_cell = (one.seed, one.fold) == (first.seed, first.fold)
            if not same_cell or not np.array_equal(one.scores.ids, first.scores.ids):
                raise ValueError(
                    f"attack {attack!r}: its cells or their record ids differ from those of the other attacks"
                )
        cells.append(cell)
    return cells


def _classes(cell: Mapping[str, Labelled]) -> list[_Class]:
    first = next(iter(cell.values()))
    groups = own_groups(first.groups, ids=first.scores.ids)
    scorable = {attack: ~_is_masking(one.scores) for attack, one in cell.items()}
    return [
        _Class(groups[chosen], {attack: texts[chosen] for attack, texts in scorable.items()})
        for chosen in (first.is_member, ~first.is_member)
        if chosen.any()
    ]


def _is_masking(scores: Scores) -> Bools:
    masking: Bools = np.isin(scores.reasons, sorted(OF_THE_TEXT))
    return masking


def _reasons(cell_of: Mapping[str, Labelled], own: Labelled) -> Texts:
    """Why a text is not common to all attacks on one cell, shape (texts,); empty where it is."""
    reasons = np.full(own.scores.ids.shape, "", dtype=np.str_)
    for attack, labelled in cell_of.items():
        reasons = np.where((reasons == "") & _is_masking(labelled.scores), f"unscored_by:{attack}", reasons)
    return reasons


def _masked(labelled: Labelled, *, reasons: Texts) -> Labelled:
    own = labelled.scores
    reasons = np.where(own.scored, reasons, own.reasons)
    scores = Scores(ids=own.ids, values=np.where(reasons == "", own.values, np.nan), reasons=reasons)
    return replace(labelled, scores=scores)
