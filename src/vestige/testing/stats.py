"""Per-token tables and labels whose right answer is known.

Two normal distributions `separation` standard deviations apart have AUC Φ(separation / √2) and, at FPR x, TPR
1 − Φ(z₁₋ₓ − separation): whoever builds an attack or a metric can test it against the truth instead of against itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from vestige.attacks.base import Tables
from vestige.attacks.needs.base import Beside, Need
from vestige.attacks.needs.outside import Shadow
from vestige.attacks.needs.view import is_behind_members, is_rewritten
from vestige.forms import PLAIN
from vestige.records import (
    Bools,
    Floats,
    Fold,
    Ints,
    Labelled,
    Scores,
    Texts,
    TokenStats,
    View,
)

_VOCABULARY = 1000


def normal_auc(separation: float) -> float:
    """True AUC of two unit normals `separation` apart."""
    return float(norm.cdf(separation / np.sqrt(2)))


def normal_tpr(separation: float, *, fpr: float) -> float:
    """True TPR at a false-positive rate of `fpr` of two unit normals `separation` apart."""
    return float(norm.sf(norm.isf(fpr) - separation))


def normal_labels(separation: float, *, members: int, non_members: int, seed: int = 0, fold: Fold = "A") -> Labelled:
    """One cell whose scores are two unit normals `separation` apart; each text is its own group."""
    is_member = np.arange(members + non_members) < members
    values = np.random.default_rng(seed).normal(size=len(is_member)) + separation * is_member
    ids = np.array([f"t{i:06d}" for i in range(len(is_member))])
    scores = Scores(ids=ids, values=values, reasons=np.full(ids.shape, "", dtype=np.str_))
    return Labelled(scores=scores, is_member=is_member, groups=ids, seed=seed, fold=fold)


def token_stats(
    logp: Sequence[Sequence[float]],
    *,
    ids: Sequence[str] = (),
    texts: Mapping[str, Sequence[int]] | None = None,
    tokens: Mapping[str, Sequence[Sequence[float]]] | None = None,
) -> TokenStats:
    """A table written by hand: one list of log-probabilities per text, and further token and text columns if wanted."""
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in logp])]).astype(np.int64)
    columns = {"logp": logp, **(tokens or {})}
    names = list(ids) or [f"t{i}" for i in range(len(logp))]
    return TokenStats(
        ids=np.array(names, dtype=np.str_),
        offsets=offsets,
        tokens={name: np.array([x for text in rows for x in text], np.float32) for name, rows in columns.items()},
        texts={name: np.array(values, np.int32) for name, values in (texts or {}).items()},
    )


@final
@dataclass(frozen=True, eq=False)
class Planted:
    """Tables with a signal put there on purpose: `is_member`, shape (texts,), is what an attack should find."""

    tables: Tables
    is_member: Bools


def planted_tables(
    separation: float,
    *,
    members: int,
    non_members: int,
    needs: Iterable[Need[Any]] = (),
    seed: int = 0,
    evener: bool = True,
    difficulty: float = 0.0,
    empty: int = 0,
) -> Planted:
    """Tables of target and base, and of all that `needs` come to, in which fine-tuning raised the texts by known
    amounts.

    The mean log-probability of text i is −9 + 0.3 · z_i nats under the target, z_i a unit normal, raised by
    `separation` for members, and −9 under the base: so the AUC of `loss` and of `ref` is `normal_auc(separation)`.
    Every other column of the target moves with it as in a model that is surer of itself: ranks, entropies and variances
    fall. In another form of the text the target gains half as much, and behind known members the same. The tokens of
    members lie the closer together under the target, by a tenth per unit of `separation`; without `evener` they do not,
    and no attack can do better than `normal_auc(separation)`. Tokens scatter around the mean, 36 to 44 a text; sizes
    and token ids know nothing of membership; a form that is written otherwise has other tokens. Texts differ by
    `difficulty`, so many nats per token, alike under all models: `loss` then falls behind `ref`. Each `empty`-th text,
    the first included, has lost its tokens. What else an attack needs is planted by the need itself.

    The numbers are such that a signal of 4 is plain to any sound attack: probabilities are small, so that a cap on
    them does not bind; compressed sizes grow with the square root of the length, so that neither a mean nor a sum over
    them drowns in it; target and base scatter apart enough that no text gains everywhere.
    """
    generator = np.random.default_rng(seed)
    is_member = generator.permutation(np.arange(members + non_members) < members)
    lengths = generator.integers(36, 45, size=len(is_member))
    gain = 0.3 * (generator.normal(size=len(is_member)) + separation * is_member)
    ground = Ground(
        gain=gain,
        separation=separation,
        generator=generator,
        spread=1 - evener * min(0.1 * separation, 0.5) * is_member,
        shared=_common_columns(lengths, generator=generator, difficulty=difficulty),
        is_empty=np.arange(len(is_member)) % empty == 0 if empty else np.zeros(len(is_member), dtype=np.bool_),
    )
    needs = list(needs)
    wanted = dict.fromkeys([View("target"), View("base"), *(view for need in needs for view in need.views)])
    views = {view: ground.seen_by(view) for view in wanted}
    beside = {need: need.plant(ground) for need in needs if isinstance(need, Beside)}
    return Planted(tables=Tables(views, beside), is_member=is_member)


@final
@dataclass(frozen=True, eq=False)
class Ground:
    """Texts that needs plant their values in (`attacks.needs.outside.Ground`).

    `spread`: how far the tokens of each text lie apart under the target, shape (texts,); `shared`: what all views have
    in common.
    """

    gain: Floats
    separation: float
    generator: np.random.Generator
    spread: Floats
    shared: TokenStats
    is_empty: Bools
    vocabulary: int = _VOCABULARY

    @property
    def ids(self) -> Texts:
        """Record ids, shape (texts,)."""
        return self.shared.ids

    @property
    def lengths(self) -> Ints:
        """Scored tokens of each text, shape (texts,)."""
        return np.where(self.is_empty, 0, self.shared.lengths)

    def raised(self, is_member: Bools) -> Floats:
        """Gains of another model that was trained on these members, shape (texts,)."""
        gains: Floats = 0.3 * (self.generator.normal(size=len(self.ids)) + self.separation * is_member)
        return gains

    def view(self, gain: Floats) -> TokenStats:
        """The texts as they are, by a model that finds each likelier by so many nats."""
        return self._table(gain, spread=np.ones(len(gain)))

    def seen_by(self, view: View) -> TokenStats:
        """One view of the texts."""
        share = _share_of_gain(view)
        spread = self.spread if view == View("target") else np.ones(len(self.gain))
        return self._table(share * self.gain, spread=spread, moved=int(is_rewritten(view)))

    def elsewhere(self) -> Ground:
        """As many other texts, of which each has tokens."""
        return replace(self, is_empty=np.zeros_like(self.is_empty))

    def shadow(self, needs: tuple[Need[Any], ...]) -> Shadow:
        """Other texts with a plain signal, the same at each call."""
        return _shadow(needs)

    def _table(self, gain: Floats, *, spread: Floats, moved: int = 0) -> TokenStats:
        lengths = self.shared.lengths
        table = _planted(
            gain, spread=np.repeat(spread, lengths), shared=self.shared, generator=self.generator, moved=moved
        )
        return _emptied(table, self.is_empty) if self.is_empty.any() else table


@cache
def _shadow(needs: tuple[Need[Any], ...]) -> Shadow:
    planted = planted_tables(4.0, members=100, non_members=100, needs=needs, seed=5)
    return Shadow(planted.tables, planted.is_member)


def _share_of_gain(view: View) -> float:
    """How much of what the target gained on a text shows in a view of it."""
    if view.model != "target":
        return 0.0
    return 1.0 if view.form == PLAIN or is_behind_members(view) else 0.5


def _emptied(table: TokenStats, is_empty: Bools) -> TokenStats:
    """The same table with these texts stripped of their tokens."""
    kept = np.repeat(~is_empty, table.lengths)
    offsets = np.concatenate([[0], np.cumsum(np.where(is_empty, 0, table.lengths))]).astype(np.int64)
    tokens = {name: values[kept] for name, values in table.tokens.items()}
    return TokenStats(ids=table.ids, offsets=offsets, tokens=tokens, texts=table.texts)


def _common_columns(lengths: Ints, *, generator: np.random.Generator, difficulty: float) -> TokenStats:
    """What all views share: ids, lengths, the sizes of the texts, and how hard each token is."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    total = int(offsets[-1])
    hard = difficulty * generator.normal(size=len(lengths)) if difficulty else np.zeros(len(lengths))
    sizes = (16 * np.sqrt(lengths) + generator.integers(0, 3, size=len(lengths))).astype(np.int32)
    return TokenStats(
        ids=np.array([f"t{i:06d}" for i in range(len(lengths))]),
        offsets=offsets,
        tokens={
            "token_id": generator.integers(0, _VOCABULARY, size=total).astype(np.int32),
            "logp": _centred(generator.normal(0, 0.3, size=total), offsets=offsets) + np.repeat(hard, lengths),
        },
        texts={"n_tokens": lengths.astype(np.int32), "n_bytes": 2 * sizes, "zlib_bytes": sizes},
    )


def _planted(
    gain: Floats, *, spread: Floats, shared: TokenStats, generator: np.random.Generator, moved: int = 0
) -> TokenStats:
    """A view of the texts, with token ids that are `moved` by so many where it is another form of them."""
    total = int(shared.offsets[-1])
    scatter = _centred(generator.normal(0, 0.6, size=total), offsets=shared.offsets)
    difficulty = shared.tokens["logp"].astype(np.float64)
    gains = np.repeat(gain, shared.lengths)
    logp = -9 + spread * (difficulty + scatter) + gains
    tokens: dict[str, NDArray[np.generic]] = {
        "token_id": (shared.tokens["token_id"] + moved) % _VOCABULARY,
        "logp": logp.astype(np.float32),
        "mean_logp": (generator.normal(-1.9, 0.1, size=total) + 0.1 * gains).astype(np.float32),
        "var_logp": (generator.uniform(1.9, 2.1, size=total) - 0.1 * gains).astype(np.float32),
        "rank": np.maximum(generator.integers(0, 50, size=total) - np.rint(15 * gains), 0).astype(np.int32),
    }
    # An attack that writes into a table would spoil it for the next one: make that an error.
    for column in tokens.values():
        column.flags.writeable = False
    return TokenStats(ids=shared.ids, offsets=shared.offsets, tokens=tokens, texts=shared.texts)


def _centred(values: Floats, *, offsets: Ints) -> Floats:
    lengths = np.diff(offsets)
    centred: Floats = values - np.repeat(np.add.reduceat(values, offsets[:-1]) / lengths, lengths)
    return centred
