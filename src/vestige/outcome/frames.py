"""A finished study as data frames: what the report is made of, and what users load into a notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import polars as pl
import pyarrow as pa

from vestige.outcome.facts import Facts
from vestige.records import Estimated

ESTIMATES: Mapping[str, Any] = {
    "base": pl.String,
    "corpus": pl.String,
    "method": pl.String,
    "family": pl.String,
    "learning_rate": pl.Float64,
    "epoch": pl.Float64,
    "is_best": pl.Boolean,
    "is_last": pl.Boolean,
    "quantity": pl.String,
    "attack": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "members": pl.Int64,
    "non_members": pl.Int64,
    "texts": pl.Int64,
    "groups": pl.Int64,
    "unscored": pl.String,
    "reason": pl.String,
    "signature": pl.String,
    "apart": pl.String,
    "level": pl.Float64,
}
"""One row per number. `method`, `family`, `learning_rate` and `epoch` are null for the base itself, whose rows are the
floor of the attacks; `attack` is null for utility, and on the base also names the floors that see no model
(`blind_bow`). `quantity`: `auc` (on the texts that all attacks score), `auc_own_texts` (on all that this one scores),
`auc_above_floor` (minus the AUC of the attack's control on the base, paired; not on the base itself), of floors that
see no model `auc_null` (the mean on splits that mean nothing, and where 95% of these lie) and `p_value` (the share of
these that read as high), `tpr@0.01`, `memorization` (counterfactual, nats per token, at attacked checkpoints), `loss`
(validation, nats per token), `perplexity`, and where the study asks for them `bleu`, `chrf` (0 to 100), `rouge_l`,
`exact_match` and `final_number` (0 to 1). `is_best`: the checkpoint of the method's lowest validation loss, at its
chosen learning rate; `is_last`: its last checkpoint. `value`, `low` and `high` are null where the estimate is refused,
and `reason` says why. `unscored`: JSON, `"member:too_short"` or, for generated texts, `"no_prompt"` → texts. `apart`:
why an attack is not among those that are compared on the texts that all of them score; empty where it is, null where
there is nothing to compare. `level`: null at a checkpoint; else the number, `auc_at_utility` or
`memorization_at_utility`, was read off where the method first has that share of the gain that all compared methods
reach, at about `epoch`.
"""

SCORES: Mapping[str, Any] = {
    "base": pl.String,
    "corpus": pl.String,
    "method": pl.String,
    "learning_rate": pl.Float64,
    "epoch": pl.Float64,
    "seed": pl.Int64,
    "fold": pl.String,
    "attack": pl.String,
    "id": pl.String,
    "group": pl.String,
    "is_member": pl.Boolean,
    "score": pl.Float64,
    "reason": pl.String,
}
"""One row per text, cell, checkpoint and attack; higher = more likely a member, null where unscorable (`reason`).
Null `method`: the control on the base, with the membership of each cell.
"""

LOSSES: Mapping[str, Any] = {
    "base": pl.String,
    "corpus": pl.String,
    "method": pl.String,
    "learning_rate": pl.Float64,
    "seed": pl.Int64,
    "fold": pl.String,
    "step": pl.Int64,
    "epoch": pl.Float64,
    "loss": pl.Float64,
}
"""The training loss of every optimizer step, nats per trained token."""


@final
@dataclass(frozen=True)
class Results:
    """A finished study: three frames with the columns above, and the facts around them."""

    facts: Facts
    estimates: pl.DataFrame
    scores: pl.DataFrame
    losses: pl.DataFrame


def as_row(one: Estimated) -> dict[str, Any]:
    """The columns of what was estimated, for which the frame of estimates has room."""
    counts = asdict(one.estimate.counts)
    counts["unscored"] = json.dumps(counts["unscored"], sort_keys=True)
    row = {**asdict(one), **asdict(one.estimate), **counts}
    return {name: value for name, value in row.items() if name in ESTIMATES}


def as_arrow(frame: pl.DataFrame) -> pa.Table:
    """A frame as `write_parquet` takes it, in the types that every reader of Parquet knows."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
