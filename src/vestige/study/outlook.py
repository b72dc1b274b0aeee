"""What a study comes to before it is run: its cells, what its store holds of them, what the rest takes, what is odd."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import final

import numpy as np
import polars as pl
from rich.console import Console

from vestige.data.splits import members_of
from vestige.durations import duration
from vestige.records import Example, Role
from vestige.study.decides import decided
from vestige.study.forecast import Forecast, forecast
from vestige.study.grid import Arm, Checkpoint, Pair
from vestige.study.plan import Plan
from vestige.study.stages.corpus import examples_of
from vestige.study.terminal import add, console, safe, table

_WIDTH = 80

_CELLS = {
    "base": pl.String,
    "corpus": pl.String,
    "method": pl.String,
    "learning_rate": pl.Float64,
    "seed": pl.Int64,
    "fold": pl.String,
    "state": pl.String,
}


@final
@dataclass(frozen=True)
class Outlook:
    """A study held against its store; printed, it is a table.

    `cells`: one row per training: base, corpus, method, learning_rate, seed, fold (`shadow` for one on other texts) and
    state (`trained` or `to train`, and whether its learning rate has been chosen). `remarks`: what will be missing
    from the report, or odd in it, as sentences. `decides`: what can be decided between methods on each corpus, as
    sentences. `ahead`: tasks done and to do, and the time that they take.
    """

    cells: pl.DataFrame
    remarks: tuple[str, ...]
    decides: tuple[str, ...]
    ahead: Forecast

    def print(self, out: Console) -> None:
        """Print it to a console, as wide as that is."""
        told = {name: self.cells[name].unique(maintain_order=True).to_list() for name in ("base", "corpus")}
        varied = [name for name, values in told.items() if len(values) > 1]
        for name in (name for name, values in told.items() if len(values) == 1):
            out.print(f"{name}: {safe(told[name][0])}", soft_wrap=True)
        rows = table(*varied, "method", "rate", "seed/fold", "state")
        for row in self.cells.iter_rows(named=True):
            settings = (row["method"], f"{row['learning_rate']:g}", f"{row['seed']}/{row['fold']}", row["state"])
            add(rows, *(row[name] for name in varied), *settings)
        out.print(rows)
        if self.ahead.to_do:
            self._print_stages(out)
        for remark in (*self.remarks, *self.decides):
            out.print(f"\n{safe(remark)}")
        out.print(f"\n{self.rest}")

    def _print_stages(self, out: Console) -> None:
        stages = table("stage", "in the store", "to do")
        for stage in dict.fromkeys([*self.ahead.to_do, *self.ahead.done]):
            add(stages, stage, str(self.ahead.done.get(stage, 0)), str(self.ahead.to_do.get(stage, 0)))
        out.print(stages)

    @property
    def rest(self) -> str:
        """What is left to do, in a sentence."""
        if not self.ahead.to_do:
            return f"Nothing to do: all {sum(self.ahead.done.values())} stages of the study are in the store."
        to_do = sum(self.ahead.to_do.values())
        pace = "at the pace that this store has seen"
        if not self.ahead.is_measured:
            pace = "if this machine is like two cores that run SmolLM2-135M: nothing has been measured here yet"
        return f"To do: {to_do} stages, about {duration(self.ahead.seconds)}, {pace}."

    def __repr__(self) -> str:
        text = io.StringIO()
        self.print(console(file=text, width=_WIDTH, plain=True))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def outlook(plan: Plan) -> Outlook:
    """Hold a plan against its store; nothing is run or written."""
    cells = [row for pair in plan.grid.pairs for row in _cells(plan, pair)]
    corpora = plan.identities.corpora
    return Outlook(
        cells=pl.DataFrame(cells, schema=_CELLS, orient="row"),
        remarks=tuple(remarks_of(plan)),
        decides=tuple(said for name in corpora for said in decided(plan.grid, name, partial(_texts, plan, name))),
        ahead=forecast(plan),
    )


def _cells(plan: Plan, pair: Pair) -> Iterator[tuple[object, ...]]:
    chosen = plan.choice.chosen(pair)
    for arm in plan.grid.arms(pair):
        for seat in plan.grid.seats:
            if arm in chosen or seat in plan.grid.search_seats:
                chose = ", chosen" if arm in chosen else ""
                yield _row(arm, seat.seed, seat.fold, _state(plan, Checkpoint(arm, seat)) + chose)
    for shadow in plan.shadows(pair):
        assert shadow.seat is not None
        yield _row(shadow.arm, shadow.seat.seed, "shadow", _state(plan, shadow))


def _row(arm: Arm, seed: int, fold: str, state: str) -> tuple[object, ...]:
    assert arm.method is not None
    return arm.base, arm.corpus, arm.method.label, arm.learning_rate, seed, fold, state


def _state(plan: Plan, cell: Checkpoint) -> str:
    """Trained here, or elsewhere with its record here."""
    tasks = plan.catalogue.train(cell), plan.catalogue.trained(cell)
    return "trained" if any(map(plan.is_done, tasks)) else "to train"


def _texts(plan: Plan, corpus: str, role: Role) -> Sequence[Example]:
    """The texts of a role, read for the run or as the store holds them; none where it does not yet."""
    if corpus in plan.inputs.splits:
        return plan.inputs.splits[corpus].roles[role]
    address = plan.identities.corpora[corpus].task.address
    return examples_of(plan.store, address, role) if plan.store.is_done(address) else ()


def remarks_of(plan: Plan) -> Iterator[str]:
    """What the user should know before hours are spent: what was found when the study was checked, and false-positive
    rates that the texts cannot carry.
    """
    yield from plan.identities.remarks
    if plan.study.attacks.at == "crossing":
        yield (
            f'attacks.at = "crossing": a method is attacked at {plan.most_attacked()} of its {len(plan.grid.epochs)} '
            "checkpoints at most; which of them follows from the validation losses."
        )
    for name in plan.identities.corpora:
        pool = _texts(plan, name, "pool")
        if not pool:
            continue
        others = min(int(np.sum(~members_of(pool, seed=seed, fold=fold))) for seed, fold in plan.grid.seats)
        for rate in plan.study.report.fpr:
            if others * rate < 1 - 1e-9:
                needed = int(np.ceil(1 / rate - 1e-9))
                yield (
                    f"fpr = {rate:g} needs {needed:,} non-members in every cell, and the corpus '{name}' leaves at "
                    f"most {others:,}: its TPR will be missing (—). Set `pool` to {2 * needed:,} or more, or raise fpr."
                )
