"""Counterfactual memorization: how much better texts are known to the models that were trained on them.

Zhang et al. 2021, arXiv:2112.12938, eq. 1, with the mean log-probability for the accuracy; Feldman 2020,
arXiv:1906.05271. Two models differ in level too: one that is .2 nats better everywhere has memorized nothing by that.
So the losses of each are taken against its own mean validation loss, which no other implementation known to us does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vestige.metrics.intervals import jackknife_part, t_interval, training_part
from vestige.metrics.losses import TextLosses
from vestige.metrics.uncertainty import own_groups
from vestige.records import Bools, Counts, Estimate, Floats, Texts

_VERSION: Final = "v:1"
"""Raise it with any change that moves a value or an interval."""


@final
@dataclass(frozen=True, eq=False)
class KnownTexts:
    """What models that differ in their training texts alone (folds, seeds) say of the same texts.

    * `losses`: sum of −log p over the scored tokens of a text, nats, shape (cells, texts).
    * `tokens`: how many these are, shape (texts,).
    * `is_member`: what each model was trained on, shape (cells, texts).
    * `levels`: mean validation loss of each model, nats per token, shape (cells,).
    * `seeds`: of each cell.

    ValueError where the shapes do not match.
    """

    losses: Floats
    tokens: Floats
    is_member: Bools
    levels: Floats
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        expected = (len(self.seeds), len(self.tokens))
        found = (self.losses.shape, self.is_member.shape, (*self.levels.shape, len(self.tokens)))
        if any(shape != expected for shape in found):
            raise ValueError(f"expected losses and membership of {expected} (cells, texts), and levels, got {found}")

    def of_seed(self, seed: int) -> KnownTexts:
        """The cells of one seed."""
        own = np.equal(self.seeds, seed)
        seeds = tuple(one for one in self.seeds if one == seed)
        return KnownTexts(self.losses[own], self.tokens, self.is_member[own], self.levels[own], seeds)


def known_texts(
    pool: Sequence[TextLosses], validation: Sequence[TextLosses], *, is_member: Sequence[Bools], seeds: Sequence[int]
) -> KnownTexts:
    """The same from the losses of the texts of the pool and of the validation texts under every cell."""
    sums = np.asarray([cell.sums for cell in pool])
    levels = np.asarray([cell.mean for cell in validation])
    tokens = pool[0].tokens.astype(np.float64)
    return KnownTexts(sums, tokens, np.asarray(is_member, dtype=np.bool_), levels, tuple(seeds))


def text_memorization(known: KnownTexts) -> Floats:
    """Mean loss under the models not trained on a text minus that under those trained on it, shape (texts,), nats per
    token; each model's losses are taken against its mean validation loss. NaN where a text has no scored token, or all
    models saw it, or none.
    """
    usable = _usable(known)
    against = np.where(usable, known.losses - known.levels[:, None] * known.tokens, 0.0)
    sums = np.sum(_signs(known) * against, axis=0)
    found: Floats = np.divide(sums, known.tokens, out=np.full(len(sums), np.nan), where=usable)
    return found


def mean_memorization(known: KnownTexts, weights: Floats, *, levels: Floats | None = None) -> Floats:
    """`text_memorization` averaged over texts, each counting as many times as it has tokens, as in a loss; nats per
    token, shape (samples,); NaN where no text that can be told weighs anything.

    `weights`: how much each text weighs, shape (samples, texts). `levels`: where the validation texts are drawn anew
    in each sample, shape (samples, cells).
    """
    signs, usable = _signs(known), _usable(known)
    tokens, losses = np.where(usable, known.tokens, 0.0), np.where(usable, known.losses, 0.0)
    drawn = known.levels[None, :] if levels is None else levels
    sums = weights @ np.sum(signs * losses, axis=0)
    sums = sums - np.sum((weights @ (signs * tokens).T) * drawn, axis=1)
    total = weights @ tokens
    means: Floats = np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)
    return means


def memorization(known: KnownTexts, *, ids: Texts, groups: Texts, level: float = 0.95) -> Estimate:
    """`mean_memorization` of a study with every text weighing one, and its interval.

    The interval is value ± t·SE: the variance between groups of texts, by the jackknife over G groups, with G − 1
    degrees of freedom; and where there are several seeds, each with both folds, the variance between their values
    divided by their number S, with S − 1 (Welch and Satterthwaite for both). With one seed it holds for these trainings
    alone. What the validation means are uncertain by nearly cancels: folds have nearly as many tokens.

    Refused where no text was trained on in one cell and left out in another, or all that were are of one group.
    """
    units, usable = own_groups(groups, ids=ids), _usable(known)
    numbers = len(set(known.seeds))
    signature = f"memorization|cells:{len(known.seeds)}|seeds:{numbers}|t|unit:group|level:{level:g}|{_VERSION}"
    counts = _counts(known, units=units)
    if counts.groups < 2:
        reason = "too few groups of texts that one cell was trained on and another was not: at least two are needed"
        return Estimate(None, None, None, counts, signature, reason if counts.texts else _NONE)
    every = np.ones((1, len(known.tokens)))
    value = float(mean_memorization(known, every)[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, counts, signature, _NOT_FINITE)
    told = text_memorization(known)[usable] * known.tokens[usable]
    parts = [jackknife_part(told, known.tokens[usable], groups=units[usable])]
    by_seed = [float(mean_memorization(known.of_seed(seed), every)[0]) for seed in sorted(set(known.seeds))]
    if numbers > 1 and np.isfinite(by_seed).all():
        parts.append(training_part(by_seed))
    ends = t_interval(value, parts=parts, level=level)
    return Estimate(value, ends.low, ends.high, counts, signature)


_NONE = "no text was trained on in one cell and left out in another: it takes both folds (folds = 2)"

_NOT_FINITE = "a log-probability is not finite, or no validation text has a scored token"


def _usable(known: KnownTexts) -> Bools:
    """Texts with a scored token that some model saw and some did not, shape (texts,)."""
    usable: Bools = known.is_member.any(axis=0) & ~known.is_member.all(axis=0) & (known.tokens > 0)
    return usable


def _signs(known: KnownTexts) -> Floats:
    """What each loss counts: 1 / cells that did not see the text, or −1 / cells that did; 0 where it cannot be told."""
    inside = known.is_member
    seen = np.maximum(inside.sum(axis=0), 1)
    unseen = np.maximum((~inside).sum(axis=0), 1)
    signs: Floats = np.where(_usable(known), np.where(inside, -1 / seen, 1 / unseen), 0.0)
    return signs


def _counts(known: KnownTexts, *, units: Texts) -> Counts:
    usable, empty = _usable(known), known.tokens == 0
    one_sided = int(np.sum(~usable & ~empty))
    unscored = {"too_short": int(np.sum(empty)), "on_one_side": one_sided}
    return Counts(
        texts=int(np.sum(usable)),
        groups=len(np.unique(units[usable])),
        unscored={reason: number for reason, number in unscored.items() if number},
    )
