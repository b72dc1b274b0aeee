"""The base class of attacks: what an attack declares, and what it is given for free (spec, label, control)."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from vestige.attacks.tables import Tables
from vestige.records import Bools, Column, Floats, Ints, Scores, Texts, View

__all__ = [
    "BASE_LOGP",
    "BASE_MEAN",
    "BASE_VARIANCE",
    "TARGET_LOGP",
    "TARGET_MEAN",
    "TARGET_RANK",
    "TARGET_TOKEN",
    "TARGET_VARIANCE",
    "Assumes",
    "Attack",
    "ComparingAttack",
    "Share",
    "Tables",
    "as_scores",
    "score_in_blocks",
    "token_ids",
    "unchanged",
]

_TARGET, _BASE = View("target"), View("base")

TARGET_LOGP = Column(_TARGET, "logp")
TARGET_MEAN = Column(_TARGET, "mean_logp")
TARGET_VARIANCE = Column(_TARGET, "var_logp")
TARGET_RANK = Column(_TARGET, "rank")
TARGET_TOKEN = Column(_TARGET, "token_id")
BASE_LOGP = Column(_BASE, "logp")
BASE_MEAN = Column(_BASE, "mean_logp")
BASE_VARIANCE = Column(_BASE, "var_logp")

_TOKENS_PER_BLOCK = 2**18
"""A float64 column of a block takes 2 MiB: the arrays of an attack stay near the processor."""

Share = Annotated[float, Field(gt=0, le=1)]
"""A part of the tokens of a text: more than 0, at most 1."""


@final
@dataclass(frozen=True, slots=True)
class Assumes:
    """What an attacker must have, beside the text in question, to run an attack; shown beside its numbers.

    * `log_probabilities`: what the target gives to the tokens of the text; `distributions`: what it gives to all other
      tokens in their place too (moments, ranks).
    * `texts`: the text as it was written, not its tokens alone.
    * `reference_model`: another model to compare with; with `shadow_models` the attacker trains some of his own.
    * `population`: other texts of the same kind; with `known_members` some that are known to have been trained on.
    * `gradients`: the weights of the target.
    * `passes`: forward passes over one text, of all models together.
    """

    log_probabilities: bool = True
    distributions: bool = False
    texts: bool = False
    reference_model: bool = False
    population: bool = False
    shadow_models: bool = False
    known_members: bool = False
    gradients: bool = False
    passes: int = 1


class Attack(BaseModel, ABC):
    """A rule that turns the views of a text into one score, higher = more likely a member, its sign fixed in advance.

    A subclass is one file of this package: a `name` with its own Literal, the columns it reads in `needs` (and in
    `needs_text` the per-text ones, such as `zlib_bytes`; `needs_counts` where it reads the token counts of a
    population, `needs_gradients` where it reads the norms of gradients, `needs_cells` where it reads other cells,
    `needs_calibration` where it reads the calibration texts beside those under attack), what it `assumes` of the
    attacker, its parameters as typed fields with real defaults, and `score`. It is final, frozen, and looks at nothing
    it has not declared. The score of a text depends on that text alone, so that texts can be scored in blocks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: str
    needs: ClassVar[tuple[Column, ...]]
    needs_text: ClassVar[tuple[str, ...]] = ()
    needs_counts: ClassVar[bool] = False
    needs_gradients: ClassVar[bool] = False
    needs_cells: ClassVar[bool] = False
    needs_calibration: ClassVar[bool] = False
    assumes: ClassVar[Assumes] = Assumes()

    @abstractmethod
    def score(self, tables: Tables) -> Scores:
        """One score per text of `tables`, in its order; DataError where a declared column was not collected."""

    @property
    def reads(self) -> tuple[Column, ...]:
        """The columns that `score` reads: `needs`, unless they hang on parameters; such an attack says them here."""
        return self.needs

    @property
    def assumed(self) -> Assumes:
        """What the attack assumes as its parameters are set: `assumes`, unless they say more."""
        return self.assumes

    @property
    def compares(self) -> bool:
        """Whether the attack reads other models, the base, a shadow or cells, beside the target."""
        return self.needs_cells or any(column.view.model != "target" for column in self.reads)

    @property
    def needs_shadow(self) -> bool:
        """Whether a shadow must be trained for the attack."""
        return any(column.view.model == "shadow" for column in self.reads)

    @property
    def holds_outside_the_pool(self) -> bool:
        """Whether a text that no cell trains on is scored as a non-member of the pool is, so that one can be held
        against the other.
        """
        return not self.needs_counts and not self.needs_cells

    @property
    def fewest_cells(self) -> tuple[int, int]:
        """How many other cells must have been trained on each text, and how many not, for the attack to be made."""
        return (0, 0)

    @property
    def has_own_control(self) -> bool:
        """Whether the attack can be made on the base alone; its control is the base's loss otherwise."""
        return not self.compares

    @property
    def control_label(self) -> str:
        """What `control` reports: this attack on the base, or `loss` on the base."""
        return f"{self.label if self.has_own_control else 'loss'} on the base"

    @property
    def control_needs(self) -> tuple[Column, ...]:
        """The columns that `control` reads, all of them the base's."""
        if not self.has_own_control:
            return (BASE_LOGP,)
        return tuple(Column(replace(column.view, model="base"), column.name) for column in self.reads)

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
            logp = as_target.tokens(TARGET_LOGP)
            return as_scores(as_target, logp.means(), lengths=logp.lengths)
        return self.score(as_target)

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
        return replace(column, view=replace(column.view, model=self.reference))

    @property
    def reads(self) -> tuple[Column, ...]:
        return tuple(self.calibrating(column) if column.view.model == "base" else column for column in self.needs)

    @property
    def assumed(self) -> Assumes:
        if self.reference == "base":
            return self.assumes
        return replace(self.assumes, shadow_models=True, population=True)

    def spec(self) -> dict[str, Any]:
        """As for every attack, but that a reference of `base` goes without saying: stored keys are older than it."""
        spec = super().spec()
        return spec if self.reference != "base" else {name: spec[name] for name in spec if name != "reference"}


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


def token_ids(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that name the tokens of the same views."""
    return tuple(replace(column, name="token_id") for column in columns)


def unchanged(tables: Tables, columns: Sequence[Column]) -> Bools:
    """Which texts have the same tokens in all these views, of which the first is the text as it is, shape (texts,):
    a letter without a capital, a single word and a change that `max_length` cuts off leave a form what the text is.
    """
    plain, *forms = (tables.tokens(column) for column in token_ids(columns))
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
