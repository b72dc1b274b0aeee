"""The numbers of a published study, as data, and what they come to in our form. None of them was measured here.

Source: Hou, Wu, Luo, Zeng 2025, "Impact of Fine-Tuning Methods on Memorization in Large Language Models",
arXiv:2507.00258: Tables 2, 3 and 4, and points of Figures 1 and 3, which are read off the plots (to ±.01 AUC and ±.1
perplexity). It gives no intervals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, final

import polars as pl

PAPER: Final = "2507.00258"
"""The name by which a study file asks for the paper's claims."""

NOT_OURS: Final = "published, not measured here"
"""What stands beside each of these numbers."""

READ_OFF: Final = "read off a plot, without interval"

_FAMILIES: Final = {
    **dict.fromkeys(("full", "head", "lora"), "parameter"),
    **dict.fromkeys(("prefix", "prompt", "p_tuning"), "prompt"),
}


@cache
def published() -> pl.DataFrame:
    """Every published number, a row each: `table` (or figure), `base`, `corpus`, `method`, `family`, `epoch` (null
    where it is not told), `attack` (null for perplexity), `quantity` (`auc` or `perplexity`), `value`, `read_off`.
    Methods, corpora and attacks bear the names that they have here.
    """
    text = resources.files("vestige.claims").joinpath(f"{PAPER}.csv").read_text(encoding="utf-8")
    frame = pl.read_csv(text.encode(), schema_overrides={"epoch": pl.Float64, "value": pl.Float64})
    name = pl.col("method").str.split("(").list.first()
    return frame.with_columns(family=name.replace_strict(_FAMILIES))


def ranking(corpus: str, *, attack: str = "loss") -> list[tuple[str, float]]:
    """The methods of Table 2 on a corpus with their AUC, the one that leaks least first."""
    rows = published().filter(table="Table 2", corpus=corpus, attack=attack).sort("value")
    return list(zip(rows["method"], rows["value"], strict=True))


@final
@dataclass(frozen=True)
class PublishedPoint:
    """A method at an epoch: AUC of `loss`, and the validation loss (nats per token) that its perplexity says."""

    epoch: float
    auc: float
    loss: float


@final
@dataclass(frozen=True)
class ReadOff:
    """Two methods at equal utility by published curves: where each first has the loss, and the difference of AUCs."""

    loss: float
    method: PublishedPoint
    other: PublishedPoint

    @property
    def difference(self) -> float:
        """AUC of the first minus that of the second."""
        return self.method.auc - self.other.auc


def at_equal_utility(corpus: str, method: str, other: str) -> ReadOff | None:
    """Two methods by Figures 1 and 3, each at the first published epoch whose loss is as low as both get; None where
    the figures do not tell. The first epoch is the earliest there is: who has the loss there had it before.
    """
    curves = [_curve(corpus, one) for one in (method, other)]
    if not all(curves):
        return None
    loss = max(min(point.loss for point in curve) for curve in curves)
    first, second = (next(point for point in curve if point.loss <= loss) for curve in curves)
    return ReadOff(loss, first, second)


def _curve(corpus: str, method: str) -> list[PublishedPoint]:
    """The epochs of a method at which both figures can be read, in their order."""
    rows = published().filter(read_off=True, corpus=corpus, method=method)
    keys = ["epoch", "value"]
    auc = dict(rows.filter(quantity="auc").select(keys).iter_rows())
    perplexity = dict(rows.filter(quantity="perplexity").select(keys).iter_rows())
    both = sorted(auc.keys() & perplexity.keys())
    return [PublishedPoint(epoch, auc[epoch], math.log(perplexity[epoch])) for epoch in both]


def apart(corpus: str, *, attack: str = "loss") -> float:
    """Mean AUC of the parameter-based methods of Table 2 minus that of the prompt-based ones, at epoch 5."""
    means = published().filter(table="Table 2", corpus=corpus, attack=attack).group_by("family").agg(pl.mean("value"))
    by_family = dict(means.iter_rows())
    return float(by_family["parameter"] - by_family["prompt"])
