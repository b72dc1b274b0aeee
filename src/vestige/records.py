"""What flows from layer to layer: frozen records, their units and shapes.

Torch-free: attacks, metrics and report are built on these alone. Log-probabilities are in nats; scores are oriented so
that higher means more likely a member; a number that is shown is always an `Estimate`. What holds a text, or tokens
that spell one, shows none of it in its `repr`: a notebook prints whatever a cell ends in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vestige.errors import printable
from vestige.forms import PLAIN, Form

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Texts = NDArray[np.str_]

Role = Literal["pool", "validation", "calibration", "context", "shadow"]
ROLES: tuple[Role, ...] = ("pool", "validation", "calibration", "context", "shadow")

Fold = Literal["A", "B"]


@dataclass(frozen=True, slots=True)
class Example:
    """One record: what a text is made of before any model sees it.

    `prompt` is conditioned on and never trained or scored (empty for plain text); it ends with the recipe's
    separator. `completion` is trained and scored. `references` are all accepted completions, the first being
    `completion` (empty where the task has none). `group` names what records share (an article, a set of triples):
    roles, folds and bootstraps never split a group. `official`: of a pool whose halves are given, whether the text
    is of the half that is trained on; None where halves are dealt out at random.
    """

    id: str
    prompt: str
    completion: str
    references: tuple[str, ...] = ()
    group: str = ""
    official: bool | None = None

    def __repr__(self) -> str:
        sizes = f"prompt: {len(self.prompt)} characters, completion: {len(self.completion)}"
        return f"<Example {printable(self.id)}, {sizes}, references: {len(self.references)}>"


@dataclass(frozen=True, slots=True)
class Split:
    """Which example has which role: role → examples in a fixed order that depends on the corpus alone.

    `dropped` counts the duplicates that were left out before the cut. `near`: the near copies that were left out on
    the way, id → id of the text that they are nearly the same as; None where nobody looked for any.
    """

    roles: Mapping[Role, tuple[Example, ...]]
    dropped: int = 0
    near: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        sizes = ", ".join(f"{role}: {len(examples)} texts" for role, examples in self.roles.items())
        return f"<Split {sizes}, dropped: {self.dropped}>"


@dataclass(frozen=True, slots=True)
class View:
    """A model and a transformation of the text (`forms.py` has them); scored once, whoever asks.

    `shadow` is a model that was fine-tuned as the target was, on other texts of the same corpus.
    """

    model: Literal["target", "base", "shadow"]
    form: Form = PLAIN

    def __post_init__(self) -> None:
        if not isinstance(self.form, Form):
            raise TypeError(f"expected a form such as vestige.forms.Lowercase() or Swapped(3), got {self.form!r}")

    @property
    def name(self) -> str:
        """`target`, `base`, and with another form of the text `target/lowercase`."""
        return self.model if self.form == PLAIN else f"{self.model}/{self.form.name}"


TOKEN_COLUMNS: Mapping[str, type[np.generic]] = {
    "token_id": np.int32,
    "logp": np.float32,
    "mean_logp": np.float32,
    "var_logp": np.float32,
    "rank": np.int32,
}
TEXT_COLUMNS: Mapping[str, type[np.generic]] = {"n_tokens": np.int32, "n_bytes": np.int32, "zlib_bytes": np.int32}


@dataclass(frozen=True)
class TokenStats:
    """The per-token table of one view: ragged columns over the scored tokens of each text.

    Text i owns `offsets[i]:offsets[i + 1]` of every array in `tokens`.

    * `ids`: record ids, shape (texts,).
    * `offsets`: int64, shape (texts + 1,), starting at 0.
    * `tokens`: column → shape (scored tokens,): `token_id`; `logp` of that token, nats; `mean_logp` = Σ_v p(v) log
      p(v), nats; `var_logp` = Σ_v p(v) (log p(v) − mean_logp)², nats²; `rank` = tokens with a strictly greater logit.
    * `texts`: column → shape (texts,): `n_tokens` scored; `n_bytes` of the scored text in UTF-8; `zlib_bytes` of
      those bytes compressed.
    """

    ids: Texts
    offsets: Ints
    tokens: Mapping[str, NDArray[Any]]
    texts: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        if self.offsets.shape != (len(self.ids) + 1,) or self.offsets[0] != 0:
            raise ValueError(f"offsets must have shape ({len(self.ids) + 1},) and start at 0")
        for name, column in self.tokens.items():
            if column.shape != (int(self.offsets[-1]),):
                raise ValueError(f"token column {name!r}: expected {int(self.offsets[-1])} values, got {column.shape}")
        for name, column in self.texts.items():
            if column.shape != self.ids.shape:
                raise ValueError(f"text column {name!r}: expected {len(self.ids)} values, got {column.shape}")

    def __repr__(self) -> str:
        columns = ", ".join((*self.tokens, *self.texts))
        return f"<TokenStats of {len(self.ids)} texts, {int(self.offsets[-1])} scored tokens: {columns}>"

    @property
    def lengths(self) -> Ints:
        """Scored tokens of each text, shape (texts,)."""
        return np.diff(self.offsets)

    def taken(self, places: slice | Ints) -> TokenStats:
        """The texts at these places, in that order; without a copy where they stand in a row."""
        lengths = self.lengths[places]
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        begins = self.offsets[:-1][places]
        chosen: Any = np.repeat(begins - offsets[:-1], lengths) + np.arange(offsets[-1])
        if isinstance(places, slice) and places.step is None and len(begins):
            chosen = slice(begins[0], begins[0] + offsets[-1])
        return TokenStats(
            ids=self.ids[places],
            offsets=offsets,
            tokens={name: column[chosen] for name, column in self.tokens.items()},
            texts={name: column[places] for name, column in self.texts.items()},
        )

    def has_tokens_of(self, other: TokenStats) -> bool:
        """Whether both scored the same tokens of each text, as far as they say which."""
        if not np.array_equal(self.offsets, other.offsets):
            return False
        if "token_id" in self.tokens and "token_id" in other.tokens:
            return np.array_equal(self.tokens["token_id"], other.tokens["token_id"])
        return True


@dataclass(frozen=True)
class TokenCounts:
    """How often each token occurs in a population: texts of the same kind that no attack is evaluated on.

    `counts`: int64, shape (vocabulary,), by token id.
    """

    counts: Ints

    def frequencies(self, token_ids: NDArray[Any]) -> Floats:
        """Laplace-smoothed share (count + 1) / (all counts + vocabulary) of each token, in the shape of `token_ids`.

        Above 0 for every token of the vocabulary; IndexError for one beyond it.
        """
        shares: Floats = (self.counts[token_ids] + 1) / (self.counts.sum() + len(self.counts))
        return shares


@dataclass(frozen=True)
class OtherCell:
    """What another cell, of the same method and checkpoint as the target, says of the texts under attack.

    `is_member`: bool, shape (texts,), True where that cell was trained on the text.
    """

    stats: TokenStats
    is_member: Bools


@dataclass(frozen=True)
class GradientNorms:
    """How large the gradient of each text's mean loss is, with respect to the input embeddings of its tokens.

    `first`: sum of absolute values, `second`: root of the sum of squares, both float64, shape (texts,), nats per unit
    of embedding; NaN where a text has no scored token.
    """

    ids: Texts
    first: Floats
    second: Floats


@dataclass(frozen=True)
class AttackModel:
    """What a trained attack learned from a shadow.

    `arrays`: by name, of any shape. `facts`: JSON values for people, such as the settings that were chosen. `seen`:
    int64, shape (texts,), a fingerprint of every text that it was fitted on.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]
    seen: Ints


@dataclass(frozen=True)
class Scores:
    """One score per text, higher = more likely a member; a text that cannot be scored bears the reason instead.

    `values`: float64, shape (texts,), finite where scored and NaN elsewhere, so that an accidental use is loud
    (Parquet stores null there). `reasons`: shape (texts,), empty where scored, else for example `too_short`. `notes`,
    of an attack that sets scores by rule in corners of its formula: shape (texts,), which corner, empty elsewhere.
    """

    ids: Texts
    values: Floats
    reasons: Texts
    notes: Texts | None = None

    def __post_init__(self) -> None:
        if not self.ids.shape == self.values.shape == self.reasons.shape:
            raise ValueError(f"shapes differ: {self.ids.shape}, {self.values.shape}, {self.reasons.shape}")
        if self.notes is not None and self.notes.shape != self.ids.shape:
            raise ValueError(f"notes: expected {len(self.ids)}, got {self.notes.shape}")
        if not np.array_equal(np.isfinite(self.values), self.scored):
            raise ValueError("a scored value is not finite, or an unscorable one is not NaN")

    @property
    def scored(self) -> Bools:
        """True where the text has a score, shape (texts,)."""
        scored: Bools = self.reasons == ""
        return scored


@dataclass(frozen=True)
class Generations:
    """What the model of one cell answered to prompts: one text each; where there is none, the reason instead.

    `ids`: record ids, shape (texts,). `answers`: the texts, blanks around them left out; empty where `reasons`, shape
    (texts,), is not.
    """

    ids: Texts
    answers: tuple[str, ...] = field(repr=False)
    reasons: Texts

    def __post_init__(self) -> None:
        if not self.ids.shape == self.reasons.shape == (len(self.answers),):
            raise ValueError(f"shapes differ: {self.ids.shape}, {len(self.answers)} answers, {self.reasons.shape}")

    @property
    def answered(self) -> Bools:
        """True where there is an answer, shape (texts,); it may be empty."""
        answered: Bools = self.reasons == ""
        return answered


@dataclass(frozen=True, slots=True)
class Counts:
    """What an estimate rests on: texts (per class where there are two), groups, and texts left out with the reason."""

    members: int = 0
    non_members: int = 0
    texts: int = 0
    groups: int = 0
    unscored: Mapping[str, int] = field(default_factory=dict)
    """`"member:too_short"` → how many."""


TIES: Final = "ties at the highest score"
"""How the reason of a true-positive rate begins that no threshold gives, since too many non-members score highest."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that is never bare: value, 95% interval, counts, and the recipe that made it.

    `value`, `low` and `high` are None where the estimate is refused; `reason` then says why. `signature` names
    everything that defines the number, for example `auc|boot:1000|unit:group|level:0.95|seed:0|v:1`.
    """

    value: float | None
    low: float | None
    high: float | None
    counts: Counts
    signature: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What was estimated: a quantity, of generated texts or a model (`attack` is None) or of an attack.

    `apart`: of leakage alone, why the attack is not measured on the texts that it shares with the others; empty where
    it is.
    """

    quantity: str
    estimate: Estimate
    attack: str | None = None
    apart: str | None = None


@dataclass(frozen=True)
class Labelled:
    """The scores of one attack on one cell, with the truth: the input of every leakage metric.

    `is_member`: bool, shape (texts,). `groups`: shape (texts,), the unit of the bootstrap; a text whose group is empty
    is a group of its own. `seed` and `fold` name the cell.
    """

    scores: Scores
    is_member: Bools
    groups: Texts
    seed: int
    fold: Fold


Labels = Sequence[Labelled]
