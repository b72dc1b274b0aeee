"""So many non-members with the highest score that no threshold gives a true-positive rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import polars as pl

from vestige.checks.base import MethodCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import NOT_MEASURED, Point, Section, best_and_last, scores_at
from vestige.outcome.wording import is_tied, joined, plain, tpr_key


@final
class TiesAtTheTop(MethodCheck):
    """No ties at the highest score of the primary attack keep a TPR from being measured."""

    code = "V017"
    nothing = "no TPR has been measured"

    def look_at(self, results: Results, section: Section, method: str) -> Sequence[str] | None:
        study, points = results.facts.study, list(best_and_last(section, method))
        rates = {rate: [point.estimate(tpr_key(rate), study.primary) for point in points] for rate in sorted(study.fpr)}
        if all(number.reason == NOT_MEASURED for numbers in rates.values() for number in numbers):
            return None
        tied = [rate for rate, numbers in rates.items() if any(map(is_tied, numbers))]
        told = {
            plain(point.epoch): _share_at_the_top(results, section, point)
            for place, point in enumerate(points)
            if any(is_tied(numbers[place]) for numbers in rates.values())
        }
        return [_sentence(study.primary, told, tied)] if told else []


def _share_at_the_top(results: Results, section: Section, point: Point) -> float:
    """The share of non-members that have the highest score of their cell, averaged over the cells."""
    cells = scores_at(results, section, point).filter(attack=results.facts.study.primary).drop_nulls("score")
    at_the_top = pl.col("score") == pl.col("score").max().over("seed", "fold")
    shares = cells.with_columns(at_the_top=at_the_top).filter(~pl.col("is_member")).group_by("seed", "fold")
    return float(shares.agg(pl.col("at_the_top").mean())["at_the_top"].mean() or 0.0)  # type: ignore[arg-type]


def _sentence(attack: str, told: dict[str, float], rates: Sequence[float]) -> str:
    shares = joined([f"{100 * share:.0f}% at epoch {epoch}" for epoch, share in told.items()])
    return (
        f"many non-members share the highest score of {attack} ({shares}): every threshold accuses all of them or "
        f"nobody, so that there is no TPR at {joined([f'{100 * rate:g}%' for rate in rates])} FPR. This limits the "
        "attack, on texts like these, and says nothing of what the model remembers."
    )
