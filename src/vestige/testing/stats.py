"""Per-token tables and labels whose right answer is known.

Two normal distributions `separation` standard deviations apart have AUC Φ(separation / √2) and, at FPR x, TPR
1 − Φ(z₁₋ₓ − separation): whoever builds an attack or a metric can test it against the truth instead of against itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from vestige.attacks.base import Tables
from vestige.records import (
    Bools,
    Floats,
    Fold,
    GradientNorms,
    Ints,
    Labelled,
    OtherCell,
    Scores,
    TokenCounts,
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
    views: Iterable[View] = (),
    seed: int = 0,
    evener: bool = True,
    others: bool = False,
    difficulty: float = 0.0,
) -> Planted:
    """Tables of target and base (and of `views`) in which fine-tuning raised the texts by known amounts.

    The mean log-probability of text i is −9 + 0.3 · z_i nats under the target, z_i a unit normal, raised by
    `separation` for members, and −9 under the base: so the AUC of `loss` and of `ref` is `normal_auc(separation)`.
    The tokens of members lie the closer together under the target, by a tenth per unit of `separation`; without
    `evener` they do not (and gradients shrink as the loss does: e to the minus the raise), and no attack can do better
    than `normal_auc(separation)`. Tokens scatter around the mean, 36 to 44 a text; ranks, moments, sizes and the token
    counts of the population know nothing of membership, nor does a view of another form of the text, but for one behind
    known members; a form that is written otherwise has other tokens. Texts differ by `difficulty`, so many nats per
    token, alike under all models: `loss` then falls behind `ref`. With `others`, ten other cells come with them, in
    which as many nats tell their own members, and texts for calibration.

    The numbers are such that a signal of 4 is plain to any sound attack: probabilities are small, so that a cap on
    them does not bind; compressed sizes grow with the square root of the length, so that neither a mean nor a sum over
    them drowns in it; target and base scatter apart enough that no text gains everywhere.
    """
    generator = np.random.default_rng(seed)
    is_member = generator.permutation(np.arange(members + non_members) < members)
    lengths = generator.integers(36, 45, size=len(is_member))
    gain = 0.3 * (generator.normal(size=len(is_member)) + separation * is_member)
    even = np.repeat(1 - evener * min(0.1 * separation, 0.5) * is_member, lengths)
    shared = _common_columns(lengths, generator=generator, difficulty=difficulty)
    wanted = dict.fromkeys([View("target"), View("base"), *views])
    tables = {
        view: _planted(
            gain if view == View("target") or view.text.startswith("members-") else 0 * gain,
            moved=int(is_rewritten(view)),
            spread=even if view == View("target") else np.ones(len(even)),
            shared=shared,
            generator=generator,
        )
        for view in wanted
    }
    counts = TokenCounts(generator.integers(0, 50, size=_VOCABULARY))
    gradients = GradientNorms(ids=shared.ids, first=np.exp(3 - gain), second=np.exp(-gain))
    whole = Tables(tables, counts=counts, gradients=gradients)
    if others:
        whole = _with_others(whole, separation=separation, shared=shared, generator=generator)
    return Planted(tables=whole, is_member=is_member)


def _with_others(tables: Tables, *, separation: float, shared: TokenStats, generator: np.random.Generator) -> Tables:
    """The tables with other cells, and with calibration texts that neither target nor cells were trained on."""
    gain, spread = 0.3 * generator.normal(size=len(shared.ids)), np.ones(int(shared.offsets[-1]))
    held = {View("target"): _planted(gain, spread=spread, shared=shared, generator=generator)}
    calibration = Tables(held, cells=_planted_cells(0.0, shared=shared, generator=generator))
    cells = _planted_cells(separation, shared=shared, generator=generator)
    return replace(tables, cells=cells, calibration=calibration)


def _planted_cells(separation: float, *, shared: TokenStats, generator: np.random.Generator) -> tuple[OtherCell, ...]:
    """Ten other cells in five pairs: of each pair one was trained on a text and the other was not."""
    cells = []
    texts = len(shared.ids)
    for _ in range(5):
        in_one = generator.permutation(np.arange(texts) < texts / 2)
        for is_member in (in_one, ~in_one):
            gain = 0.3 * (generator.normal(size=texts) + separation * is_member)
            spread = np.ones(int(shared.offsets[-1]))
            stats = _planted(gain, spread=spread, shared=shared, generator=generator)
            cells.append(OtherCell(stats=stats, is_member=is_member))
    return tuple(cells)


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


def is_rewritten(view: View) -> bool:
    """Whether a form of the text takes the text itself, and not its tokens with others in front of them."""
    return view.text != "plain" and not view.text.startswith(("prefixed-", "members-"))


def _planted(
    gain: Floats, *, spread: Floats, shared: TokenStats, generator: np.random.Generator, moved: int = 0
) -> TokenStats:
    """A view of the texts, with token ids that are `moved` by so many where it is another form of them."""
    total = int(shared.offsets[-1])
    scatter = _centred(generator.normal(0, 0.6, size=total), offsets=shared.offsets)
    difficulty = shared.tokens["logp"].astype(np.float64)
    logp = -9 + spread * (difficulty + scatter) + np.repeat(gain, shared.lengths)
    tokens: dict[str, NDArray[np.generic]] = {
        "token_id": (shared.tokens["token_id"] + moved) % _VOCABULARY,
        "logp": logp.astype(np.float32),
        "mean_logp": generator.normal(-1.9, 0.1, size=total).astype(np.float32),
        "var_logp": generator.uniform(1.9, 2.1, size=total).astype(np.float32),
        "rank": generator.integers(0, 50, size=total).astype(np.int32),
    }
    # An attack that writes into a table would spoil it for the next one: make that an error.
    for column in tokens.values():
        column.flags.writeable = False
    return TokenStats(ids=shared.ids, offsets=shared.offsets, tokens=tokens, texts=shared.texts)


def _centred(values: Floats, *, offsets: Ints) -> Floats:
    lengths = np.diff(offsets)
    centred: Floats = values - np.repeat(np.add.reduceat(values, offsets[:-1]) / lengths, lengths)
    return centred
