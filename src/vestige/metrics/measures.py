"""What a score counts of each text, and what follows from the counts: BLEU, chrF, ROUGE-L, exact match, final number.

sacrebleu and rouge-score are imported where they are used: the extra `text` brings them.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final, Literal, final, get_args

import numpy as np

from vestige.metrics.words import is_mostly_chinese, is_mostly_unspaced, words
from vestige.records import Floats

TextQuantity = Literal["bleu", "chrf", "rouge_l", "exact_match", "final_number"]
TEXT_QUANTITIES: tuple[TextQuantity, ...] = get_args(TextQuantity)

LIBRARIES: Mapping[str, str] = {"bleu": "sacrebleu", "chrf": "sacrebleu", "rouge_l": "rouge_score"}
"""The module that a quantity is computed by, where it is not this one."""

_NUMBER: Final = re.compile(r"(?:(?<!\w)-)?\d+(?:,\d{3})*(?:\.\d+)?", re.ASCII)

_BLEU_ORDER = 4
"""Tokens of the longest runs that BLEU counts (Papineni et al. 2002)."""

References = Sequence[Sequence[str]]


@final
@dataclass(frozen=True, eq=False)
class Measure:
    """A quantity against fixed references.

    * `signature`: what defines it.
    * `count`: answers → counts, shape (texts, counts).
    * `score`: counts summed over texts, shape (counts,) → the quantity.
    * `is_share`: it is a mean of numbers between 0 and 1.
    """

    signature: str
    count: Callable[[Sequence[str]], Floats]
    score: Callable[[Floats], float]
    is_share: bool = False


def _bleu(references: References) -> Measure:
    """As sacrebleu's default where there are blanks between words. Where no reference has the four tokens of the
    longest runs that BLEU counts, even the right answer would have 0: the runs are then no longer than the references.
    """
    from sacrebleu.metrics.bleu import BLEU

    tokens = _bleu_tokens([one for accepted in references for one in accepted])
    tokenized = BLEU(tokenize=tokens).tokenizer
    longest = max((len(tokenized(one).split()) for accepted in references for one in accepted), default=_BLEU_ORDER)
    order = max(1, min(_BLEU_ORDER, longest))
    # `force` silences a hint, printed with no text, about answers that end in a blank and a full stop.
    bleu = BLEU(tokenize=tokens, force=True, max_ngram_order=order, references=_streams(references))
    measure = _of_sacrebleu(bleu)
    return measure if order == _BLEU_ORDER else replace(measure, signature=f"{measure.signature}|order:{order}")


def _bleu_tokens(texts: Sequence[str]) -> str:
    """The tokenizer of sacrebleu that fits the script of the references."""
    if not is_mostly_unspaced(texts):
        return "13a"
    return "zh" if is_mostly_chinese(texts) else "char"


def _chrf(references: References) -> Measure:
    from sacrebleu.metrics.chrf import CHRF

    return _of_sacrebleu(CHRF(references=_streams(references)))


def _of_sacrebleu(metric: Any) -> Measure:
    """The counts that sacrebleu's own significance tests resample; for chrF no public function of it gives them."""

    def count(answers: Sequence[str]) -> Floats:
        return np.asarray(metric._extract_corpus_statistics(answers, None), dtype=np.float64)

    def score(counts: Floats) -> float:
        return float(metric._compute_score_from_stats(counts.round().astype(int).tolist()).score)

    return Measure(metric.get_signature().format(), count, score)


def _streams(references: References) -> Any:
    """First references of all texts, then second ones, …: sacrebleu's order, with None where a text has fewer."""
    return [list(stream) for stream in zip_longest(*references)]


def _rouge_l(references: References) -> Measure:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=_Words())

    def one(answer: str, accepted: Sequence[str]) -> float:
        return float(scorer.score_multi(accepted, answer)["rougeL"].fmeasure)

    version = importlib.metadata.version("rouge-score")
    return _mean(one, references, signature=f"best-reference|stem:no|rouge-score:{version}|tok:unicode")


@final
class _Words:
    """rouge-score asks its tokenizer by this method."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


def _exact_match(references: References) -> Measure:
    def one(answer: str, accepted: Sequence[str]) -> float:
        return float(answer in accepted)

    return _mean(one, references, signature="any-reference|case:mixed")


def _final_number(references: References) -> Measure:
    """The last number of an answer against that of a reference, thousands parted by commas or not; as GSM8K's strict
    match, which asks for it behind `####`, but of an answer in any form.
    """

    def one(answer: str, accepted: Sequence[str]) -> float:
        found = _last_number(answer)
        return float(found is not None and found in map(_last_number, accepted))

    return _mean(one, references, signature="any-reference|last-number")


def _last_number(text: str) -> Decimal | None:
    found = _NUMBER.findall(text)
    return Decimal(found[-1].replace(",", "")) if found else None


def _mean(one: Callable[[str, Sequence[str]], float], references: References, *, signature: str) -> Measure:
    """A mean over texts: the counts are a value and a one."""

    def count(answers: Sequence[str]) -> Floats:
        values = [one(answer, accepted) for answer, accepted in zip(answers, references, strict=True)]
        return np.column_stack([values, np.ones(len(values))])

    return Measure(signature, count, lambda counts: float(counts[0] / counts[1]), is_share=True)


MEASURES: Mapping[TextQuantity, Callable[[References], Measure]] = {
    "bleu": _bleu,
    "chrf": _chrf,
    "rouge_l": _rouge_l,
    "exact_match": _exact_match,
    "final_number": _final_number,
}
