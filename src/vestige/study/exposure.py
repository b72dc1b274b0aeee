"""A finished study record by record: which texts are exposed, by how many attacks, how surely; reads what is done, runs
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Literal, final

import numpy as np
import polars as pl

from vestige.attacks.base import Attack
from vestige.data.splits import members_of
from vestige.errors import ConfigError, printable
from vestige.metrics.conformal import adjusted_p_values, calibration_needed, conformal_p_values, fewest_called
from vestige.metrics.counterfactual import known_texts, text_memorization
from vestige.records import Example, Floats, Role, Scores
from vestige.study.grid import Checkpoint, name_of
from vestige.study.plan import Plan
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.losses import losses_of
from vestige.study.stages.scores import scores_of
from vestige.study.terminal import safe

FALSE_DISCOVERIES = 0.1
"""The share of non-members that is tolerated among the records that an attack calls members."""

By = Literal["record", "group"]

_SHOWN, _LONG = 10, 1000


@final
@dataclass(frozen=True)
class Exposure:
    """The records of one cell, or of the cells of both folds, the most exposed first: most attacks agreeing, then the
    lowest mean of log p over the attacks (an order, not a test: attacks depend on each other), then the highest primary
    score.

    `frame` has one row per record and cell. `id`, `group`, `fold` (of the cell), `is_member` (the truth there).
    `agree`: how many attacks call it a member, each with at most `fdr` false discoveries expected among all that it
    calls so in this cell; null where no attack has p-values. `memorized`: counterfactual memorization, nats per token;
    null with one fold. Then for each attack its score, `NAME p`, the conformal p-value against the calibration texts,
    and `NAME q`, the same after Benjamini and Hochberg over the whole pool; both are null where the corpus has no
    `calibration` role, and for an attack that does not score these texts as it does non-members of the pool (`dc_pdd`,
    `lira`, `rmia`). `texts`: id → text, prompt included.

    With `by="group"`, one row per group of records: `group`, `fold`, `is_member`, `records`, `called` (how many of
    them one attack or more calls members), `agree` (the most), `memorized` (the highest) and `memorized mean`, and for
    each attack its highest score, `NAME mean`, and the lowest `NAME p` and `NAME q`.

    `calibration`: texts that the p-values are held against. `calls`: records of the pool, members or not, that one
    attack or more calls members. `needed`: where there are none, how many calibration texts it would take (see
    `calibration_needed`); None where none would be enough, or where somebody is called. `fewest`: an attack calls so
    many records of a cell or none, whatever it finds; None without p-values. `calibration_groups`: of the calibration
    texts; where they are fewer than texts, small p-values come up more often than they say.
    """

    checkpoints: tuple[Checkpoint, ...]
    attacks: tuple[str, ...]
    primary: str
    fdr: float
    frame: pl.DataFrame
    texts: Mapping[str, str] = field(repr=False)
    calibration: int = 0
    calibration_groups: int = 0
    fewest: int | None = None
    calls: int = 0
    needed: int | None = None
    by: By = "record"

    @property
    def name(self) -> str:
        """The cells, as a reader names them."""
        return name_of(self.checkpoints)

    def rows(self, top: int, *, texts: bool = False) -> list[dict[str, Any]]:
        """The first rows as JSON values; the texts of records only where `texts` asks for them. ConfigError where
        the rows are groups and texts are asked for."""
        if texts and self.by == "group":
            raise ConfigError("Texts are those of records, and these rows are groups: ask for one of the two.")
        rows: list[dict[str, Any]] = self.frame.head(top).to_dicts()
        return [{**row, "text": self.texts[row["id"]]} for row in rows] if texts else rows

    @property
    def testing(self) -> list[str]:
        """The attacks that have p-values here."""
        return [attack for attack in self.attacks if self.frame[f"{attack} p"].is_not_null().any()]

    @property
    def called(self) -> int:
        """Rows that one attack or more calls members."""
        return int((self.frame["agree"] > 0).sum())

    def of_members(self) -> Exposure:
        """What each cell was trained on, and nothing else."""
        return replace(self, frame=self.frame.filter("is_member"))

    def by_group(self) -> Exposure:
        """The same, summed up over the records of each group, such as the notes of one customer."""
        return replace(self, by="group", frame=_by_group(self))

    def __repr__(self) -> str:
        with pl.Config(tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
            return f"{printable(self._about, limit=_LONG)}\n{safe(str(self._narrow))}"

    def _repr_html_(self) -> str:
        lines = [_html_row(self._narrow.columns, "th"), *(_html_row(row, "td") for row in self._narrow.rows())]
        return f"<p>{escape(printable(self._about, limit=_LONG))}</p><table>{''.join(lines)}</table>"

    @property
    def _about(self) -> str:
        return f"Exposure of {len(self.frame)} {self.by}s, the first {min(_SHOWN, len(self.frame))}: {self.name}"

    @property
    def _narrow(self) -> pl.DataFrame:
        """Ids and scores of the first rows, no p-values: what fits a screen."""
        who = ("group", "records", "called") if self.by == "group" else ("id", "group", "fold", "is_member")
        return self.frame.select(*who, "agree", "memorized", *self.attacks).head(_SHOWN)


def _html_row(cells: Sequence[object], tag: str) -> str:
    """A row of a table; ids and groups are names that anybody may have chosen, and are escaped."""
    return f"<tr>{''.join(f'<{tag}>{escape(_shown(cell))}</{tag}>' for cell in cells)}</tr>"


def _shown(cell: object) -> str:
    if cell is None:
        return "—"
    return f"{cell:.3g}" if isinstance(cell, float) else printable(str(cell))


def exposure_of(
    plan: Plan,
    checkpoints: Sequence[Checkpoint],
    *,
    fdr: float = FALSE_DISCOVERIES,
    non_members: bool = False,
    by: By = "record",
) -> Exposure:
    """What was trained on in the cells of one fold or of both, each record where it was a member; with `non_members`
    the rest of the pool too, and `by="group"` summed up over groups. Errors as in `expose`.
    """
    cells = [expose(plan, checkpoint, fdr=fdr) for checkpoint in checkpoints]
    needs = [cell.needed for cell in cells if cell.needed is not None]
    whole = replace(
        cells[0],
        checkpoints=tuple(checkpoints),
        frame=pl.concat([cell.frame for cell in cells]).sort(**_order(cells[0].attacks, cells[0].primary)),
        calls=sum(cell.calls for cell in cells),
        needed=min(needs) if needs and not any(cell.calls for cell in cells) else None,
    )
    shown = whole if non_members else whole.of_members()
    return shown.by_group() if by == "group" else shown


def _order(attacks: Sequence[str], primary: str, *, last: str = "id") -> dict[str, Any]:
    """The most exposed first."""
    mean_log_p = pl.mean_horizontal(pl.col(f"{attack} p").log() for attack in attacks)
    keys = [pl.col("agree"), mean_log_p, pl.col(primary), pl.col(last), pl.col("fold")]
    return {"by": keys, "descending": [True, False, True, False, False], "nulls_last": True}


def _by_group(exposed: Exposure) -> pl.DataFrame:
    """One row per group and cell; a record without a group is one of its own."""
    group = pl.when(pl.col("group") == "").then("id").otherwise("group").alias("group")
    of_attacks: list[pl.Expr] = []
    for attack in exposed.attacks:
        of_attacks += [pl.col(attack).max(), pl.col(attack).mean().alias(f"{attack} mean")]
        of_attacks += [pl.col(f"{attack} p", f"{attack} q").min()]
    summed = exposed.frame.group_by(group, "fold", "is_member", maintain_order=True).agg(
        pl.len().alias("records"),
        (pl.col("agree") > 0).sum().alias("called"),
        pl.col("agree", "memorized").max(),
        pl.col("memorized").mean().alias("memorized mean"),
        *of_attacks,
    )
    called = pl.when(pl.col("agree").is_null()).then(None).otherwise("called").alias("called")
    return summed.with_columns(called).sort(**_order(exposed.attacks, exposed.primary, last="group"))


def expose(plan: Plan, checkpoint: Checkpoint, *, fdr: float = FALSE_DISCOVERIES) -> Exposure:
    """Put together what the store holds of one cell.

    Raises:
        ConfigError: an attack of the study has not run on it, or the primary one cannot.
    """
    arm, seat = checkpoint.arm, checkpoint.seat
    assert seat is not None
    pool = examples_of(plan.store, plan.catalogue.corpus(arm.corpus).address, "pool")
    attacks, primary = plan.choice.attacks_on(arm), plan.study.attacks.primary
    if primary not in {attack.label for attack in attacks}:
        raise ConfigError(
            f"the primary attack {primary!r} cannot be made on {checkpoint.name}: what it learns from has no chosen "
            "learning rate. Run the study again, or name another primary attack."
        )
    columns: dict[str, Floats] = {}
    needs: list[int | None] = []
    fewest: list[int] = []
    held_against = plan.identities.corpora[arm.corpus].facts["roles"]["calibration"]
    for attack in attacks:
        scores, held = _scores(plan, checkpoint, attack)
        p_values = conformal_p_values(scores, calibration=held) if held else np.full(scores.values.shape, np.nan)
        adjusted = adjusted_p_values(p_values)
        columns |= {attack.label: scores.values, f"{attack.label} p": p_values, f"{attack.label} q": adjusted}
        if held:
            number = int(held.scored.sum())
            needs.append(calibration_needed(p_values, calibration=number, fdr=fdr))
            fewest.append(fewest_called(int(scores.scored.sum()), calibration=number, fdr=fdr))
    tested = [values for name, values in columns.items() if name.endswith(" q") and np.isfinite(values).any()]
    agree = np.sum([values <= fdr for values in tested], axis=0) if tested else [None] * len(pool)
    about = {
        "id": [example.id for example in pool],
        "group": [example.group for example in pool],
        "fold": [seat.fold] * len(pool),
        "is_member": members_of(pool, seed=seat.seed, fold=seat.fold),
        "agree": pl.Series(agree, dtype=pl.Int64),
        "memorized": _counterfactual(plan, checkpoint, pool),
    }
    frame = pl.DataFrame(about | columns).with_columns(pl.selectors.float().fill_nan(None))
    labels = tuple(attack.label for attack in attacks)
    calls = int((frame["agree"] > 0).sum())
    return Exposure(
        checkpoints=(checkpoint,),
        attacks=labels,
        primary=primary,
        fdr=fdr,
        frame=frame.sort(**_order(labels, primary)),
        texts={example.id: example.prompt + example.completion for example in pool},
        calibration=held_against["texts"] if tested else 0,
        calibration_groups=held_against["groups"] if tested else 0,
        fewest=min(fewest) if tested else None,
        needed=None if calls else min((one for one in needs if one is not None), default=None),
    )


def _scores(plan: Plan, checkpoint: Checkpoint, attack: Attack) -> tuple[Scores, Scores | None]:
    """What an attack says of the pool, and of the calibration texts where the two can be compared."""
    task = plan.choice.scores(attack, checkpoint)
    if not plan.is_done(task):
        raise ConfigError(f"{task.about} is not in the store yet. Run the study first: vestige run STUDY")
    held = plan.choice.scores(attack, checkpoint, "calibration")
    is_fair = "calibration" in plan.catalogue.scored_roles(checkpoint.arm.corpus) and not attack.only_for_pool
    found = scores_of(plan.store, held.address) if is_fair and plan.is_done(held) else None
    return scores_of(plan.store, task.address), found


def _counterfactual(plan: Plan, checkpoint: Checkpoint, pool: list[Example]) -> Floats:
    """Over all cells that differ from this one in seed and fold alone, as far as they are scored."""
    roles: tuple[Role, ...] = ("pool", "validation")
    cells = plan.grid.checkpoints(checkpoint.arm, checkpoint.epoch)
    tasks = {one.seat: [plan.catalogue.losses(one, role) for role in roles] for one in cells if one.seat}
    done = {seat: own for seat, own in tasks.items() if all(map(plan.is_done, own))}
    losses = [[losses_of(plan.store, task.address) for task in own] for own in done.values()]
    known = known_texts(
        [one for one, _ in losses],
        [one for _, one in losses],
        is_member=[members_of(pool, seed=seed, fold=fold) for seed, fold in done],
        seeds=[seat.seed for seat in done],
    )
    return text_memorization(known)
