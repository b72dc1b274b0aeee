"""One cell of a finished study record by record: which texts are exposed, by how many attacks, how surely; reads what
is done, runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import polars as pl

from vestige.attacks.base import Attack
from vestige.errors import ConfigError, near_misses
from vestige.metrics.conformal import adjusted_p_values, conformal_p_values
from vestige.metrics.counterfactual import counterfactual_memorization
from vestige.records import Example, Floats, Fold
from vestige.study.plan import Arm, Plan
from vestige.study.results import best_checkpoint
from vestige.study.stages import examples_of, members_of, scores_of, stats_of

FALSE_DISCOVERIES = 0.1
"""The share of non-members that is tolerated among the records that an attack calls members."""

_TOP_LEVEL_COMMA = re.compile(r",\s*(?![^()]*\))")


@final
@dataclass(frozen=True)
class Place:
    """One cell at one checkpoint."""

    arm: Arm
    seed: int
    fold: Fold
    epoch: float
    is_best: bool
    is_last: bool

    @property
    def parts(self) -> list[str]:
        """What may be said to find it, one part after the other."""
        assert self.arm.method is not None
        rate, epoch = f"lr {self.arm.learning_rate:g}", f"epoch {self.epoch:g}"
        where = [self.arm.base, self.arm.corpus, self.arm.method.label, rate]
        return [*where, f"seed {self.seed}", f"fold {self.fold}", epoch]

    @property
    def name(self) -> str:
        """`smollm2-135m, webnlg, lora, lr 0.001, seed 0, fold A, epoch 3`."""
        return ", ".join(self.parts)

    def answers(self, part: str) -> bool:
        """Whether a part of a name is said of this cell; `best` and `last` are checkpoints too."""
        return part in self.parts or (part == "best" and self.is_best) or (part == "last" and self.is_last)


def find_cell(plan: Plan, name: str) -> Place:
    """The one cell that bears every comma-separated part of `name`: `webnlg, lora, fold A, epoch 3`.

    What is the same for all cells can be left out, and so can the checkpoint: that of the lowest validation loss.

    Raises:
        ConfigError: a part is unknown (near misses shown), or several cells answer (they are named).
    """
    places = [place for pair in plan.pairs for place in _places(plan, pair)]
    if not places:
        raise ConfigError("The store holds no finished cell of this study. Run it first: vestige run STUDY")
    parts = [part for part in _TOP_LEVEL_COMMA.split(name.strip()) if part]
    known = list(dict.fromkeys([part for place in places for part in place.parts] + ["best", "last"]))
    for part in parts:
        if part not in known:
            raise ConfigError(f"no cell is called {part!r}.{near_misses(part, known)}")
    found = [place for place in places if all(map(place.answers, parts))]
    at_best = [place for place in found if place.is_best]
    if len(found) > 1 and at_best and not any(re.match("epoch |best$|last$", part) for part in parts):
        found = at_best
    if len(found) == 1:
        return found[0]
    names = "".join(f"\n  {place.name}" for place in (found or places)[:20])
    problem = "is not one cell, say which" if found else "is none of the cells"
    raise ConfigError(f"--cell {name!r} {problem}:{names}")


def _places(plan: Plan, pair: tuple[str, str]) -> Iterator[Place]:
    for arm in plan.chosen(pair):
        best = best_checkpoint(plan, pair, arm.method)
        attacked = plan.attacked_epochs(arm)
        for seed, fold in plan.seats:
            for epoch in attacked:
                if plan.store.is_done(plan.stats(arm, role="pool", seat=(seed, fold), epoch=epoch).address):
                    is_last = epoch == plan.epochs[-1]
                    yield Place(arm, seed, fold, epoch, is_best=best == (arm, epoch), is_last=is_last)


@final
@dataclass(frozen=True)
class Exposure:
    """The records of one cell, the most exposed first: most attacks agreeing, then the lowest mean of log p over the
    attacks (an order, not a test: attacks depend on each other), then the highest primary score.

    `frame` has one row per record of the pool. `id`, `group`, `is_member` (the truth). `agree`: how many attacks call
    it a member, each with at most `fdr` false discoveries expected among all that it calls so; null where no attack has
    p-values. `memorized`: counterfactual memorization, nats per token; null with one fold. Then for each attack its
    score, `NAME p`, the conformal p-value against the calibration texts, and `NAME q`, the same after Benjamini and
    Hochberg; both are null where the corpus has no `calibration` role, and for an attack that does not score these
    texts as it does non-members of the pool (`dc_pdd`, `lira`, `rmia`). `texts`: id → text, prompt included.
    """

    place: Place
    attacks: tuple[str, ...]
    primary: str
    fdr: float
    frame: pl.DataFrame
    texts: Mapping[str, str]

    def rows(self, top: int, *, texts: bool = False) -> list[dict[str, Any]]:
        """The first records as JSON values; their texts only where `texts` asks for them."""
        rows: list[dict[str, Any]] = self.frame.head(top).to_dicts()
        return [{**row, "text": self.texts[row["id"]]} for row in rows] if texts else rows

    @property
    def testing(self) -> list[str]:
        """The attacks that have p-values here."""
        return [attack for attack in self.attacks if self.frame[f"{attack} p"].is_not_null().any()]


def expose(plan: Plan, place: Place, *, fdr: float = FALSE_DISCOVERIES) -> Exposure:
    """Put together what the store holds of one cell.

    Raises:
        ConfigError: an attack of the study has not run on it, or the primary one cannot.
    """
    corpus = plan.prepared.corpora[place.arm.corpus].task.address
    pool = examples_of(plan.store, corpus, "pool")
    attacks, primary = plan.attacks_on(place.arm), plan.study.attacks.primary
    if primary not in {attack.label for attack in attacks}:
        raise ConfigError(
            f"the primary attack {primary!r} cannot be made on {place.name}: what it learns from has no chosen "
            "learning rate. Run the study again, or name another primary attack."
        )
    columns: dict[str, Floats] = {}
    for attack in attacks:
        columns |= _columns(plan, place, attack)
    tested = [values for name, values in columns.items() if name.endswith(" q") and np.isfinite(values).any()]
    agree = np.sum([values <= fdr for values in tested], axis=0) if tested else [None] * len(pool)
    about = {
        "id": [example.id for example in pool],
        "group": [example.group for example in pool],
        "is_member": members_of(pool, seed=place.seed, fold=place.fold),
        "agree": pl.Series(agree, dtype=pl.Int64),
        "memorized": _counterfactual(plan, place, pool),
    }
    frame = pl.DataFrame(about | columns).with_columns(pl.selectors.float().fill_nan(None))
    mean_log_p = pl.mean_horizontal(pl.col(f"{attack.label} p").log() for attack in attacks)
    return Exposure(
        place=place,
        attacks=tuple(attack.label for attack in attacks),
        primary=primary,
        fdr=fdr,
        frame=frame.sort(
            pl.col("agree"), mean_log_p, primary, "id", descending=[True, False, True, False], nulls_last=True
        ),
        texts={example.id: example.prompt + example.completion for example in pool},
    )


def _columns(plan: Plan, place: Place, attack: Attack) -> dict[str, Floats]:
    seat = (place.seed, place.fold)
    task = plan.scores(attack, place.arm, place.epoch, seat)
    if not plan.store.is_done(task.address):
        raise ConfigError(f"{task.about} is not in the store yet. Run the study first: vestige run STUDY")
    scores = scores_of(plan.store, task.address)
    held = plan.scores(attack, place.arm, place.epoch, seat, "calibration")
    is_fair = "calibration" in plan.scored_roles(place.arm.corpus) and attack.holds_outside_the_pool
    p_values = np.full(scores.values.shape, np.nan)
    if is_fair and plan.store.is_done(held.address):
        p_values = conformal_p_values(scores, calibration=scores_of(plan.store, held.address))
    return {
        attack.label: scores.values,
        f"{attack.label} p": p_values,
        f"{attack.label} q": adjusted_p_values(p_values),
    }


def _counterfactual(plan: Plan, place: Place, pool: list[Example]) -> Floats:
    """Over all cells that differ from this one in seed and fold alone, as far as they are scored."""
    tasks = {seat: plan.stats(place.arm, role="pool", seat=seat, epoch=place.epoch) for seat in plan.seats}
    done = {seat: task for seat, task in tasks.items() if plan.store.is_done(task.address)}
    tables = [stats_of(plan.store, task.address) for task in done.values()]
    return counterfactual_memorization(
        tables, is_member=[members_of(pool, seed=seed, fold=fold) for seed, fold in done]
    )
