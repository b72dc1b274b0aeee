"""What an attack achieves: AUC and TPR at a fixed FPR over the cells of one base, corpus, method and checkpoint.

An estimate over several cells (folds and seeds) is the metric of each cell, averaged. Unscorable texts are left out and
counted; an estimate that the data cannot carry is refused with the reason, never NaN.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from vestige.errors import ConfigError
from vestige.metrics.intervals import Interval, Trainings, difference_interval, room_at_the_edge, share_interval
from vestige.metrics.roc import weighted_auc, weighted_tpr_at_fpr
from vestige.metrics.uncertainty import FEWEST_GROUPS, Bootstrap, Resampled, mean_over_cells, own_groups, trainings_of
from vestige.records import TIES, Bools, Counts, Estimate, Floats, Labelled, Labels, Scores, Texts

_VERSION = "v:3"
"""Raise it with any change that moves a value or an interval."""

_ROUNDING = (1e-9, float(np.finfo(np.float32).eps))
"""Scores that differ by no more, absolutely or relative to the largest, are equal: they come from fp32 numbers."""

_BOOTSTRAP = Bootstrap()


def auc(labels: Labels, *, floor: Labels | None = None, bootstrap: Bootstrap = _BOOTSTRAP) -> Estimate:
    """Area under the ROC curve: the probability that a member scores higher than a non-member, a tie counting one half.

    `labels`: one attack on one or more cells, ValueError for none or a repeated cell. Between 0 and 1; ½ is chance, and
    less than ½ stays less: the sign is fixed in advance. Refused where a cell has in a class no scored text, or texts
    of fewer than three groups, or all scores of a cell are equal but for rounding.

    The interval knows of the choice of groups and, over several cells, of training again (`uncertainty`, `intervals`);
    near 0 and 1 it is never nearer than the exact binomial one of as many hits as the smaller class has groups. Which
    members a fold happens to have is no matter of training: `floor`, the attack's control on the same cells, takes it
    off before cells are compared. Cells of one and the same model, as of the base, say nothing of training.
    """
    cells = [resampled(labelled, metric=weighted_auc) for labelled in _checked(labels)]
    again = _trainings(labels, _above(labels, floor) if floor else cells)

    def ends(value: float, pool: Texts) -> Interval:
        parts = [bootstrap.group_part(cells, pool=pool), *again.parts]
        return share_interval(value, parts=parts, level=bootstrap.level, trials=_independent_pairs(labels))

    refusal = _too_few_groups(labels) or _all_equal(labels)
    signature = _signature("auc", labels, f"t|trainings:{again.name}", bootstrap)
    return _estimate(labels, cells=cells, signature=signature, refusal=refusal, ends=ends)


def auc_above_floor(labels: Labels, floor: Labels, *, bootstrap: Bootstrap = _BOOTSTRAP) -> Estimate:
    """AUC of an attack minus the AUC of its floor, on the texts that both score: a paired difference.

    `labels` and `floor`: the same cells with the same texts, ValueError otherwise. Between −1 and 1. Every bootstrap
    sample weighs the texts alike for both, so that what makes a text easy for either cancels: whether an attack lies
    above its floor is decided by this interval, not by holding one interval against another's value. Refused where the
    AUC of either would be; where the attack's AUC is near 0 or 1 it has the room that `auc` has.
    """
    both, floors = _on_both(labels, floor)
    cells, above = [resampled(one, metric=weighted_auc) for one in both], _above(labels, floor)
    again = _trainings(both, above)

    def ends(value: float, pool: Texts) -> Interval:
        own, parts = ([bootstrap.group_part(one, pool=pool), *again.parts] for one in (cells, above))
        return difference_interval(
            value,
            parts=parts,
            share=mean_over_cells(cells),
            share_parts=own,
            trials=_independent_pairs(both),
            level=bootstrap.level,
        )

    refusal = _too_few_groups(both) or _all_equal(both) or _of_the_floor(_all_equal(floors))
    signature = _signature("auc_above_floor", both, f"t|trainings:{again.name}", bootstrap)
    return _estimate(both, cells=above, signature=signature, refusal=refusal, ends=ends)


def _above(labels: Labels, floor: Labels) -> list[Resampled]:
    """The AUC of each cell minus that of its floor, on the texts that both score."""
    both, floors = ([resampled(one, metric=weighted_auc) for one in own] for own in _on_both(labels, floor))
    return [_difference(*pair) for pair in zip(both, floors, strict=True)]


def _trainings(labels: Labels, cells: Sequence[Resampled]) -> Trainings:
    """What the cells tell of training again: nothing where all of them are one model."""
    models = {labelled.scores.values.tobytes() for labelled in labels}
    return trainings_of(cells[:1] if len(models) == 1 else cells)


def _on_both(labels: Labels, floor: Labels) -> tuple[Labels, Labels]:
    """Both, with the texts masked that only one of them scores."""
    pairs = [_on_both_in(*pair) for pair in zip(_checked(labels), _checked(floor), strict=True)]
    return [one for one, _ in pairs], [one for _, one in pairs]


def _on_both_in(labelled: Labelled, floor: Labelled) -> tuple[Labelled, Labelled]:
    if not np.array_equal(labelled.scores.ids, floor.scores.ids) or _name(labelled) != _name(floor):
        raise ValueError(f"cell {_name(labelled)}: an attack and its floor must be of the same cell and texts")
    return _without(labelled, floor, "unscored_by:the floor"), _without(floor, labelled, "unscored_by:the attack")


def _without(labelled: Labelled, other: Labelled, reason: str) -> Labelled:
    own = labelled.scores
    reasons = np.where(own.scored & ~other.scores.scored, reason, own.reasons)
    return replace(labelled, scores=Scores(own.ids, np.where(reasons == "", own.values, np.nan), reasons))


def _difference(cell: Resampled, level: Resampled) -> Resampled:
    return replace(cell, metric=lambda weights: cell.metric(weights) - level.metric(weights))


def _of_the_floor(refusal: str) -> str:
    return refusal and f"the floor: {refusal}"


def tpr_at_fpr(labels: Labels, *, fpr: float, bootstrap: Bootstrap = _BOOTSTRAP) -> Estimate:
    """Largest share of members caught by a threshold that accuses at most the share `fpr` of the non-members.

    `labels`: one attack on one or more cells, ValueError for none or a repeated cell; ConfigError unless 0 < `fpr` < 1.
    Refused where a cell has fewer than 1/`fpr` scored non-members (no threshold could be told from "nobody"), no scored
    member, fewer than two groups in a class, or nothing but equal scores; and, with a reason that begins with `TIES`,
    where so many of its non-members share the highest score of all that no threshold but "nobody" is left: a rate of 0
    would say nothing of the members. The threshold is chosen per cell, and again in every bootstrap sample; a rate of
    exactly 0 or 1 gets the exact binomial bound, as in `auc`.

    Carlini et al. 2022, arXiv:2112.03570.
    """
    if not 0 < fpr < 1:
        raise ConfigError(f"fpr must lie between 0 and 1, both excluded, got {fpr}; 0.01 and 0.001 are usual")
    metric = partial(weighted_tpr_at_fpr, fpr=fpr)
    cells = [resampled(labelled, metric=metric) for labelled in _checked(labels)]
    seeds = len({labelled.seed for labelled in labels})

    def ends(value: float, pool: Texts) -> Interval:
        interval = bootstrap.percentiles(bootstrap.replicates(cells, pool=pool, with_seeds=True))
        room = room_at_the_edge(_independent_pairs(labels), level=bootstrap.level)
        low = min(interval.low, 1 - room) if value == 1 else interval.low
        return Interval(low=low, high=max(interval.high, room) if value == 0 else interval.high)

    refusal = _too_few_groups(labels) or _all_equal(labels) or _too_few_non_members(labels, fpr=fpr)
    refusal = refusal or _tied_at_the_top(labels, fpr=fpr)
    again = str(len(cells)) if seeds > 1 else "these"
    signature = _signature(f"tpr|fpr:{fpr:g}", labels, f"percentile|trainings:{again}", bootstrap)
    return _estimate(labels, cells=cells, signature=signature, refusal=refusal, ends=ends)


def _checked(labels: Labels) -> Labels:
    cells = [(labelled.seed, labelled.fold) for labelled in labels]
    if not cells or len(set(cells)) < len(cells):
        raise ValueError(f"expected one or more different cells, got (seed, fold) = {cells}")
    for labelled in labels:
        if not labelled.scores.ids.shape == labelled.is_member.shape == labelled.groups.shape:
            raise ValueError(f"cell {_name(labelled)}: ids, is_member and groups must have the same shape")
    return labels


def resampled(labelled: Labelled, *, metric: Callable[..., Floats]) -> Resampled:
    """The scored texts of a cell. Their order decides nothing: weights are counts, and sums of counts are exact."""
    scored = labelled.scores.scored
    on_cell = partial(_on_cell, metric, labelled.scores.values[scored], labelled.is_member[scored])
    return Resampled(metric=on_cell, groups=_groups(labelled)[scored], seed=labelled.seed)


def _on_cell(metric: Callable[..., Floats], scores: Floats, is_member: Bools, weights: Floats) -> Floats:
    return metric(scores, is_member=is_member, weights=weights)


def _groups(labelled: Labelled) -> Texts:
    return own_groups(labelled.groups, ids=labelled.scores.ids)


def _signature(what: str, labels: Labels, interval: str, bootstrap: Bootstrap) -> str:
    """Everything that defines a number: also how many texts it is of, and the beginning of a hash of their ids, which
    is the same for two numbers that are of the same texts.
    """
    texts = sorted(set().union(*(one.scores.ids[one.scores.scored].tolist() for one in labels)))
    named = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
    cells = f"cells:{len(labels)}|seeds:{len({one.seed for one in labels})}|texts:{len(texts)}#{named}"
    return f"{what}|{cells}|{bootstrap.signature}|{interval}|{_VERSION}"


def _estimate(
    labels: Labels,
    *,
    cells: Sequence[Resampled],
    signature: str,
    refusal: str,
    ends: Callable[[float, Texts], Interval],
) -> Estimate:
    """`ends`: from the value, and the groups that can be drawn, to the interval; asked where nothing is refused."""
    counts = _counts(labels)
    if refusal:
        return Estimate(value=None, low=None, high=None, counts=counts, signature=signature, reason=refusal)
    value = mean_over_cells(cells)
    interval = ends(value, np.concatenate([_groups(labelled) for labelled in labels]))
    return Estimate(value=value, low=interval.low, high=interval.high, counts=counts, signature=signature)


def _independent_pairs(labels: Labels) -> int:
    """The groups of the class that has fewer, each counted once however many cells it is in."""
    return min(len(set().union(*(_class_groups(one, members=members) for one in labels))) for members in (True, False))


def _class_groups(labelled: Labelled, *, members: bool) -> set[str]:
    chosen = labelled.scores.scored & (labelled.is_member == members)
    return set(_groups(labelled)[chosen].tolist())


def _too_few_groups(labels: Labels) -> str:
    """Why no estimate is possible, or an empty string."""
    for labelled in labels:
        for members, name in ((True, "member"), (False, "non-member")):
            groups = len(_class_groups(labelled, members=members))
            if groups < FEWEST_GROUPS:
                found = f"scored texts of {groups} group{'s' * (groups > 1)} only as" if groups else "no scored"
                needed = f"at least {FEWEST_GROUPS} groups in each class are needed"
                return f"cell {_name(labelled)} has {found} {name}: {needed}"
    return ""


def _too_few_non_members(labels: Labels, *, fpr: float) -> str:
    for labelled in labels:
        available = int(np.sum(labelled.scores.scored & ~labelled.is_member))
        if available * fpr < 1 - 1e-9:
            needed = int(np.ceil(1 / fpr - 1e-9))
            return f"cell {_name(labelled)} has {available} scored non-members: FPR {fpr:g} needs at least {needed}"
    return ""


def _all_equal(labels: Labels) -> str:
    """Why there is nothing to rank, or an empty string."""
    for labelled in labels:
        scores = labelled.scores.values[labelled.scores.scored]
        spread = float(np.ptp(scores)) if scores.size else np.inf
        if spread <= max(_ROUNDING[0], _ROUNDING[1] * float(np.max(np.abs(scores), initial=0.0))):
            alike = f"all {scores.size} scores are equal" + (f" but for rounding, {spread:.1g}" if spread else "")
            return f"cell {_name(labelled)}: {alike}; there is nothing to rank"
    return ""


def _tied_at_the_top(labels: Labels, *, fpr: float) -> str:
    for labelled in labels:
        scores, scored = labelled.scores.values, labelled.scores.scored
        others = scores[scored & ~labelled.is_member]
        tied = int(np.sum(others == scores[scored].max()))
        if tied > fpr * others.size + 1e-9:
            return (
                f"{TIES}: {tied} of the {others.size} non-members of cell {_name(labelled)} share it, more than FPR "
                f"{fpr:g} allows"
            )
    return ""


def _counts(labels: Labels) -> Counts:
    """Scored and unscored texts of each class, summed over the cells; distinct scored texts and groups."""
    unscored: Counter[str] = Counter()
    for labelled in labels:
        classes = np.where(labelled.is_member, "member:", "non_member:")
        reasons = np.strings.add(classes, labelled.scores.reasons)
        unscored.update(reasons[~labelled.scores.scored].tolist())
    return Counts(
        members=sum(int(np.sum(one.scores.scored & one.is_member)) for one in labels),
        non_members=sum(int(np.sum(one.scores.scored & ~one.is_member)) for one in labels),
        texts=len(set().union(*(one.scores.ids[one.scores.scored].tolist() for one in labels))),
        groups=len(set().union(*(_groups(one)[one.scores.scored].tolist() for one in labels))),
        unscored=dict(sorted(unscored.items())),
    )


def _name(labelled: Labelled) -> str:
    return f"{labelled.seed}/{labelled.fold}"
