"""The base class of attacks: what an attack declares, and what it is given for free (spec, label, control)."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from vestige.attacks.assumes import Assumes
from vestige.attacks.needs.base import Need
from vestige.attacks.needs.calibration import CALIBRATION
from vestige.attacks.needs.column import (
    BASE_LOGP,
    BASE_MEAN,
    BASE_RANK,
    BASE_VARIANCE,
    TARGET_LOGP,
    TARGET_MEAN,
    TARGET_RANK,
    TARGET_TOKEN,
    TARGET_VARIANCE,
    Column,
    token_ids,
)
from vestige.attacks.needs.counts import COUNTS
from vestige.attacks.needs.gradients import GRADIENTS
from vestige.attacks.needs.other_cells import OtherCells
from vestige.attacks.needs.text_column import N_BYTES, ZLIB_BYTES, TextColumn
from vestige.attacks.needs.view import passes_of
from vestige.attacks.tables import Tables
from vestige.records import Bools, Floats, Ints, Scores, Texts

__all__ = [
    "BASE_LOGP",
    "BASE_MEAN",
    "BASE_RANK",
    "BASE_VARIANCE",
    "CALIBRATION",
    "COUNTS",
    "GRADIENTS",
    "N_BYTES",
    "TARGET_LOGP",
    "TARGET_MEAN",
    "TARGET_RANK",
    "TARGET_TOKEN",
    "TARGET_VARIANCE",
    "ZLIB_BYTES",
    "Assumes",
    "Attack",
    "Column",
    "ComparingAttack",
    "Needs",
    "OtherCells",
    "Share",
    "Tables",
    "TextColumn",
    "as_scores",
    "assumed_by",
    "score_in_blocks",
    "token_ids",
    "unchanged",
]

Needs = tuple[Need[Any], ...]
"""What an attack reads: columns of views, and what comes beside them."""

_TOKENS_PER_BLOCK = 2**18
"""A float64 column of a block takes 2 MiB: the arrays of an attack stay near the processor."""

Share = Annotated[float, Field(gt=0, le=1)]
"""A part of the tokens of a text: more than 0, at most 1."""


class Attack(BaseModel, ABC):
    """A rule that turns the views of a text into one score, higher = more likely a member, its sign fixed in advance.

    A subclass is one file of this package: a `name` with its own Literal, what it reads in `needs` (values such as
    TARGET_LOGP, ZLIB_BYTES, COUNTS, GRADIENTS, `OtherCells(4, 4)`, CALIBRATION), its parameters as typed fields with
    real defaults, and `score`. It is final, frozen, and looks at nothing it has not declared. The score of a text
    depends on that text alone, so that texts can be scored in blocks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: str
    needs: ClassVar[Needs]
    assumes: ClassVar[Assumes] = Assumes()
    """What it takes of an attacker beyond what its needs take, which goes without saying."""

    @abstractmethod
    def score(self, tables: Tables) -> Scores:
        """One score per text of `tables`, in its order; DataError where something declared was not collected."""

    @property
    def reads(self) -> Needs:
        """What `score` reads: `needs`, unless that hangs on parameters; such an attack says it here."""
        return self.needs

    @property
    def assumed(self) -> Assumes:
        """What the attack takes of an attacker as its parameters are set."""
        return self.assumes | assumed_by(self.reads)

    @property
    def only_for_pool(self) -> bool:
        """Whether its scores of texts outside the pool, on which no cell trains, cannot be held against those of the
        pool's non-members.
        """
        return any(need.only_for_pool for need in self.reads)

    def tables_read(self, cells: int) -> int:
        """How many tables it reads on one checkpoint, about, where an arm has so many cells: what a study is bounded
        by.
        """
        return cells if any(need.grows_with_cells for need in self.reads) else 1

    @property
    def has_own_control(self) -> bool:
        """Whether the attack can be made on the base alone; its control is the base's loss otherwise."""
        return all(need.on_base() is not None for need in self.reads)

    @property
    def control_label(self) -> str:
        """What `control` reports: this attack on the base, or `loss` on the base."""
        return f"{self.label if self.has_own_control else 'loss'} on the base"

    @property
    def control_needs(self) -> Needs:
        """What `control` reads, all of it the base's."""
        own = [on_base for need in self.reads if (on_base := need.on_base()) is not None]
        return tuple(own) if len(own) == len(self.reads) else (BASE_LOGP,)

    def control(self, tables: Tables) -> Scores:
        """How the attack reads where there can be no memory: its own score when the target *is* the base.

        The base never saw who is a member, so that an AUC away from ½ here is a shift between members and non-members,
        and every figure of the attack is inflated by it. An attack that compares target and base has no control of its
        own (with the base on both sides it is constant by construction, which would look like a clean bill): its
        control is the base's `loss`, the shift that the comparison is meant to cancel. DataError where the base was
        not collected.
        """
        as_target = tables.base_as_target()
        if not self.has_own_control:
            logp = as_target.read(TARGET_LOGP)
            return as_scores(as_target, logp.means(), lengths=logp.lengths)
        return self.score(as_target)

    @property
    def told(self) -> dict[str, Any]:
        """The part of `spec` that its scores hang on once its needs are there: all of it, for most attacks."""
        return self.spec()

    @property
    def fitted_as(self) -> str | None:
        """The name of what is fitted, where anything is."""
        return None

    @property
    def trains_on(self) -> Mapping[str, str]:
        """The base, corpus or method of the shadow that it learns from, as far as it is not the target's own."""
        return {}

    def spec(self) -> dict[str, Any]:
        """Name and all parameters as JSON values; `make_attack` turns it back into an equal attack."""
        return self.model_dump(mode="json")

    @property
    def label(self) -> str:
        """The name, with the parameters that are not at their defaults: `min_k`, `min_k(k=0.1)`."""
        changed = self.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
        inside = ", ".join(f"{key}={json.dumps(value)}" for key, value in changed.items())
        return f"{self.name}({inside})" if inside else self.name


class ComparingAttack(Attack, ABC):
    """An attack that calibrates what the target says by a reference: the base, or with `reference = "shadow"` the
    shadow, a model that was fine-tuned as the target was, on other texts of the same corpus.

    A subclass declares its `needs` with the columns of the base, and reads the reference's through `calibrating`.
    """

    reference: Literal["base", "shadow"] = "base"
    """What the target is compared with: the base, or a shadow that is fine-tuned as it was."""

    def calibrating(self, column: Column) -> Column:
        """The reference's column in the place of the base's."""
        return column.by(self.reference)

    @property
    def reads(self) -> Needs:
        return tuple(self._calibrating(need) for need in self.needs)

    def _calibrating(self, need: Need[Any]) -> Need[Any]:
        return self.calibrating(need) if isinstance(need, Column) and need.view.model == "base" else need

    def spec(self) -> dict[str, Any]:
        """As for every attack, but that a reference of `base` goes without saying: stored keys are older than it."""
        spec = super().spec()
        return spec if self.reference != "base" else {name: spec[name] for name in spec if name != "reference"}


def assumed_by(needs: Iterable[Need[Any]]) -> Assumes:
    """What needs take of an attacker: each of them, a pass for every view, and what comes beside."""
    needs = list(needs)
    passes = sum(map(passes_of, {view for need in needs for view in need.views})) + sum(need.passes for need in needs)
    taken = Assumes(passes=passes)
    for need in needs:
        taken |= need.assumes
    return taken


def as_scores(
    tables: Tables, values: Floats, *, lengths: Ints, notes: Texts | None = None, unchanged: Bools | None = None
) -> Scores:
    """Scores of the texts of `tables`, masked with a reason where there is none.

    `values`, `lengths` (scored tokens), `notes` (see `Scores`) and `unchanged` (see there), shape (texts,).
    `too_short`: no scored token. `unchanged`: the form that the attack compares with is the text itself, so that its
    score would be rounding noise. `not_finite`: there are tokens, but the value is infinite or NaN, as after a
    diverged training.
    """
    reasons = np.where(lengths == 0, "too_short", np.where(np.isfinite(values), "", "not_finite"))
    if unchanged is not None:
        reasons = np.where(unchanged & (lengths > 0), "unchanged", reasons)
    scored = reasons == ""
    return Scores(
        ids=tables.ids,
        values=np.where(scored, values, np.nan),
        reasons=reasons,
        notes=None if notes is None else np.where(scored, notes, ""),
    )


def unchanged(tables: Tables, columns: Sequence[Column]) -> Bools:
    """Which texts have the same tokens in all these views, of which the first is the text as it is, shape (texts,):
    a letter without a capital, a single word and a change that `max_length` cuts off leave a form what the text is.
    """
    plain, *forms = (tables.read(column) for column in token_ids(columns))
    same: Bools = np.all([form.equals(plain) for form in forms], axis=0)
    return same


def score_in_blocks(attack: Attack, tables: Tables, *, control: bool = False) -> Scores:
    """What `attack.score`, or with `control` its control, gives for all texts, worked out some hundred thousand tokens
    at a time: memory is bounded, and the time per text does not grow with their number.
    """
    run = attack.control if control else attack.score
    parts = [run(tables.rows(start, stop)) for start, stop in pairwise(_block_edges(tables))]
    notes = [part.notes for part in parts if part.notes is not None]
    return Scores(
        ids=tables.ids,
        values=np.concatenate([part.values for part in parts]),
        reasons=np.concatenate([part.reasons for part in parts]),
        notes=np.concatenate(notes) if notes else None,
    )


def _block_edges(tables: Tables) -> list[int]:
    """Where blocks begin, and where the last one ends: at least one block, possibly empty."""
    offsets = next(iter(tables.values())).offsets
    texts = len(offsets) - 1
    cuts = np.searchsorted(offsets, np.arange(_TOKENS_PER_BLOCK, offsets[-1], _TOKENS_PER_BLOCK))
    return [0, *np.unique(cuts[(cuts > 0) & (cuts < texts)]).tolist(), texts]
