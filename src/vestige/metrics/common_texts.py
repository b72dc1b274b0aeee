"""Attacks side by side: compared on the texts that all of them score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vestige.records import Labelled, Labels, Scores, Texts


def common_texts(labels_of: Mapping[str, Labels]) -> dict[str, Labels]:
    """The labels of several attacks (label of the attack → its cells) restricted to the texts that all of them score.

    A text that attack `a` cannot score is masked in the others with the reason `unscored_by:a`, so that it is still
    counted. ValueError unless all attacks have the same cells and the cells the same texts in the same order.
    """
    attacks = list(labels_of)
    shared = [_shared_mask(dict(zip(attacks, cell, strict=True))) for cell in zip(*labels_of.values(), strict=True)]
    return {
        attack: tuple(_masked(labelled, reasons=reasons) for labelled, reasons in zip(labels, shared, strict=True))
        for attack, labels in labels_of.items()
    }


def _shared_mask(cell_of: Mapping[str, Labelled]) -> Texts:
    """Why a text is not common to all attacks on one cell, shape (texts,); empty where it is."""
    first = next(iter(cell_of.values()))
    reasons = np.full(first.scores.ids.shape, "", dtype=np.str_)
    for attack, labelled in cell_of.items():
        if (labelled.seed, labelled.fold) != (first.seed, first.fold) or not np.array_equal(
            labelled.scores.ids, first.scores.ids
        ):
            raise ValueError(f"attack {attack!r}: its cells or their record ids differ from those of the other attacks")
        reasons = np.where((reasons == "") & ~labelled.scores.scored, f"unscored_by:{attack}", reasons)
    return reasons


def _masked(labelled: Labelled, *, reasons: Texts) -> Labelled:
    own = labelled.scores
    reasons = np.where(own.scored, reasons, own.reasons)
    scores = Scores(ids=own.ids, values=np.where(reasons == "", own.values, np.nan), reasons=reasons)
    return replace(labelled, scores=scores)
