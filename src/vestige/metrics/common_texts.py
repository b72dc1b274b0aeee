"""Attacks side by side: compared on the texts that all of them score, as long as none of them takes many away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from vestige.metrics.uncertainty import FEWEST_GROUPS, own_groups
from vestige.records import Bools, Labelled, Labels, Scores, Texts

OF_THE_TEXT: Final = frozenset({"too_short", "unchanged", "known_member"})
"""Reasons that the text, or what the attacker knows of it, gives, whatever the model says. Any other reason comes from
the model's outputs and so may hang on membership: it never takes a text from other attacks.
"""

_TENTH: Final = 10
"""The common texts are at least nine in ten of the texts of each class of a cell, or all of them but one."""


def common_texts(labels_of: Mapping[str, Labels]) -> dict[str, Labels]:
    """The labels of several attacks (label of the attack → its cells) restricted to the texts that all of them score.

    A text that attack `a` cannot score in some cell, for a reason `OF_THE_TEXT`, is masked in the others, in all cells,
    with the reason `unscored_by:a`, so that it is still counted; in other cells of its own it is masked as in
    `own_texts`. So all cells are measured on the same texts, and as such reasons hang on no model, all methods and
    checkpoints too on which the same attacks were made. An attack that would take many texts away masks nothing in
    others and keeps all of its own texts: `apart` names it. To compare other things than attacks, give each a key of
    its own. ValueError unless all attacks have the same cells and the cells the same texts in the same order.
    """
    compared = _compared(labels_of)
    common = {f"unscored_by:{attack}": _scorable(labels_of[attack]) for attack in compared}
    return {
        attack: _masked(own_texts(labels), scored=common if attack in compared else {})
        for attack, labels in labels_of.items()
    }


def own_texts(labels: Labels) -> Labels:
    """An attack on the texts that it scores in every cell: what it cannot score in one is masked in the others too,
    with the reason `unscored_in:0/A`.

    A text that is a member in one fold is none in the other: left out of one alone, it would move the mean over both.
    """
    return _masked(labels, scored={f"unscored_in:{one.seed}/{one.fold}": one.scores.scored for one in labels})


def apart(labels_of: Mapping[str, Labels]) -> dict[str, str]:
    """The attacks that are not compared on the common texts, and what they would cost the others.

    An attack is left out where, in some cell and class, the texts common to it and to the attacks that take fewer away
    would be less than nine in ten of those that any attack can score (one missing text is always borne), or of fewer
    than three groups. It depends on the texts, not on what a model says of them.
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
        needed = min(FEWEST_GROUPS, len(np.unique(self.groups[known])))
        return lost <= max(1, known.sum() // _TENTH) and len(np.unique(self.groups[common])) >= needed


def _compared(labels_of: Mapping[str, Labels]) -> list[str]:
    """The attacks that are compared with each other: as many as go, those that take the fewest texts away first."""
    _check(labels_of)
    scorable = {attack: _scorable(labels) for attack, labels in labels_of.items()}
    cells = next(iter(labels_of.values()), ())
    classes = [one for cell in cells for one in _classes(cell, scorable)]
    taken = {attack: sum(int(np.sum(~one.scorable[attack])) for one in classes) for attack in labels_of}
    compared: list[str] = []
    for attack in sorted(labels_of, key=lambda attack: (taken[attack], attack)):
        if all(one.bears([*compared, attack]) for one in classes):
            compared.append(attack)
    return [attack for attack in labels_of if attack in compared]


def _check(labels_of: Mapping[str, Labels]) -> None:
    for own in zip(*labels_of.values(), strict=True):
        first = next(iter(labels_of.values()))[0]
        for attack, one in zip(labels_of, own, strict=True):
            same_cell = (one.seed, one.fold) == (own[0].seed, own[0].fold)
            if not same_cell or not np.array_equal(one.scores.ids, first.scores.ids):
                raise ValueError(
                    f"attack {attack!r}: its cells or their record ids differ from those of the other attacks"
                )


def _classes(cell: Labelled, scorable: Mapping[str, Bools]) -> list[_Class]:
    groups = own_groups(cell.groups, ids=cell.scores.ids)
    return [
        _Class(groups[chosen], {attack: texts[chosen] for attack, texts in scorable.items()})
        for chosen in (cell.is_member, ~cell.is_member)
        if chosen.any()
    ]


def _scorable(labels: Labels) -> Bools:
    """The texts that no cell masks, shape (texts,)."""
    masked = [np.isin(labelled.scores.reasons, sorted(OF_THE_TEXT)) for labelled in labels]
    scorable: Bools = ~np.any(masked, axis=0)
    return scorable


def _masked(labels: Labels, *, scored: Mapping[str, Bools]) -> Labels:
    """Without the texts that one of these does not score; its name is the reason, that of the first where several do
    not.
    """
    reasons = np.full(labels[0].is_member.shape, "", dtype=np.str_)
    for name, own in scored.items():
        reasons = np.where((reasons == "") & ~own, name, reasons)
    return tuple(_without(labelled, reasons=reasons) for labelled in labels)


def _without(labelled: Labelled, *, reasons: Texts) -> Labelled:
    own = labelled.scores
    reasons = np.where(own.scored, reasons, own.reasons)
    scores = Scores(ids=own.ids, values=np.where(reasons == "", own.values, np.nan), reasons=reasons)
    return replace(labelled, scores=scores)
