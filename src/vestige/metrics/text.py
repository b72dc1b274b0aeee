"""How good a model's answers are: BLEU, chrF, ROUGE-L and exact match against references, from generated texts.

What a score needs to know of a text is counted once; every sample of the bootstrap is then a weighted sum of counts.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import final

import numpy as np

from vestige.errors import ConfigError
from vestige.metrics.intervals import share_interval, t_interval
from vestige.metrics.measures import LIBRARIES, MEASURES, Measure, References, TextQuantity
from vestige.metrics.uncertainty import Bootstrap, Resampled, mean_over_cells, own_groups, trainings_of
from vestige.records import Bools, Counts, Estimate, Floats, Generations, Texts

_VERSION = "v:3"
"""Raise it with any change that moves a value or an interval."""

_BOOTSTRAP = Bootstrap()


def text_utility(
    quantity: TextQuantity,
    cells: Sequence[Generations],
    *,
    references: References,
    groups: Texts,
    seeds: Sequence[int] = (),
    bootstrap: Bootstrap = _BOOTSTRAP,
) -> Estimate:
    """How near the answers come to their references, averaged over the cells; higher is better.

    * `bleu`: corpus BLEU of sacrebleu, 0 to 100 (Papineni et al. 2002; Post 2018, arXiv:1804.08771). Its tokens are
      characters where the references are in a script without blanks, and its runs no longer than the references; both
      are in the signature.
    * `chrf`: corpus chrF2 of sacrebleu, 0 to 100 (Popović 2015).
    * `rouge_l`: F1 over the longest common subsequence of words, lower-cased and not stemmed, by rouge-score: the best
      reference of each text, averaged over the texts, 0 to 1 (Lin 2004). Words are those of any script
      (`metrics/words.py`), of ASCII texts the same as rouge-score's own.
    * `exact_match`: share of the answers that are one of their references, letter by letter, 0 to 1.
    * `final_number`: share of the answers whose last number is that of one of their references, 0 to 1.

    Blanks around answers and references do not count. `cells`: the answers of each cell to the same prompts in the
    same order, ValueError otherwise. `references`: all that are accepted, for each text. `groups`: shape (texts,),
    empty for a text that is its own group; a bootstrap sample draws them for all cells at once. `seeds`: the seed of
    each cell. The interval is value ± t·SE, within the range of the quantity (of means of shares as that of an AUC, see
    `intervals`), and knows of the choice of groups and, over several cells, of training again. A text without an answer
    is counted as unscored. Refused where no text has one, and where the answered texts are of fewer than two groups.
    """
    seeds = seeds or [0] * len(cells)
    answered = _check(cells, references=references, groups=groups, seeds=seeds)
    units = own_groups(groups, ids=cells[0].ids)[answered]
    counts = _counts(cells[0], groups=units)
    bare = Estimate(value=None, low=None, high=None, counts=counts, signature=quantity)
    if counts.groups < 2:
        return replace(bare, reason=_refusal(counts))
    found = counted(quantity, cells, references=references)
    measure = found.measure
    resampled = [
        Resampled(metric=partial(_weighted, measure, one), groups=units, seed=seed)
        for one, seed in zip(found.counts, seeds, strict=True)
    ]
    again, value = trainings_of(resampled), mean_over_cells(resampled)
    recipe = f"{measure.signature}|cells:{len(cells)}|seeds:{len(set(seeds))}|{bootstrap.signature}"
    named = replace(bare, signature=f"{quantity}|{recipe}|t|trainings:{again.name}|{_VERSION}")
    parts = [bootstrap.group_part(resampled, pool=units, of="validation"), *again.parts]
    if measure.is_share:
        interval = share_interval(value, parts=parts, level=bootstrap.level, trials=counts.groups)
        return replace(named, value=value, low=interval.low, high=interval.high)
    interval = t_interval(value, parts=parts, level=bootstrap.level)
    return replace(named, value=value, low=max(0.0, interval.low), high=min(100.0, interval.high))


@final
@dataclass(frozen=True, eq=False)
class Counted:
    """What a quantity counts of the answers of several cells.

    * `answered`: which of the texts have one, shape (texts,).
    * `counts`: of each cell, shape (answered texts, counts); summed over texts, `measure.score` makes the quantity.
    """

    measure: Measure
    answered: Bools
    counts: Sequence[Floats]


def counted(quantity: TextQuantity, cells: Sequence[Generations], *, references: References) -> Counted:
    """The counts behind `text_utility`, whose arguments these are."""
    answered = cells[0].answered
    measure = MEASURES[quantity](_stripped(references, answered))
    return Counted(measure, answered, [measure.count(_answers(cell, answered)) for cell in cells])


def refuse_missing_libraries(quantities: Collection[str]) -> None:
    """Raise ConfigError where a library that one of the quantities is computed by is not installed."""
    for quantity in quantities:
        library = LIBRARIES.get(quantity)
        if library is not None and importlib.util.find_spec(library) is None:
            package = library.replace("_", "-")
            raise ConfigError(
                f"utility = {quantity!r} is computed by {package}, which is not installed. "
                f"Run: pip install {package}, or leave {quantity!r} out."
            )


def _weighted(measure: Measure, counts: Floats, weights: Floats) -> Floats:
    """Weights of shape (samples, texts) → the quantity of each sample, shape (samples,)."""
    return np.array([measure.score(summed) for summed in weights @ counts])


def _check(cells: Sequence[Generations], *, references: References, groups: Texts, seeds: Sequence[int]) -> Bools:
    """Where there are answers, shape (texts,): the same texts in every cell."""
    if not cells or len(seeds) != len(cells):
        raise ValueError(f"expected one or more cells and a seed for each, got {len(cells)} and {len(seeds)}")
    first = cells[0]
    if groups.shape != first.ids.shape or len(references) != len(first.ids):
        raise ValueError(f"expected a group and references for each of {len(first.ids)} texts")
    for cell in cells:
        if not (np.array_equal(cell.ids, first.ids) and np.array_equal(cell.reasons, first.reasons)):
            raise ValueError("the cells must have answered the same prompts in the same order")
    return first.answered


def _stripped(references: References, answered: Bools) -> list[list[str]]:
    return [[_bare(one) for one in references[int(place)]] for place in np.flatnonzero(answered)]


def _answers(cell: Generations, answered: Bools) -> list[str]:
    return [_bare(cell.answers[int(place)]) for place in np.flatnonzero(answered)]


def _bare(text: str) -> str:
    """Without blanks around it, and with each accented letter spelled in one way (Unicode has several for some)."""
    return unicodedata.normalize("NFC", text.strip())


def _refusal(counts: Counts) -> str:
    if counts.texts:
        found = f"{counts.groups} group{'s' * (counts.groups > 1)}"
        return f"the answered texts are of {found}: at least two are needed for an interval"
    return "no text has a prompt and references that a model could be asked and judged by"


def _counts(cell: Generations, *, groups: Texts) -> Counts:
    unscored = Counter(cell.reasons[~cell.answered].tolist())
    return Counts(texts=len(groups), groups=len(np.unique(groups)), unscored=dict(sorted(unscored.items())))
