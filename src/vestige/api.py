"""The same as the command line, from Python: load a study, run it, look at its frames, write its report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, final

import polars as pl

from vestige.claims.judge import Judged, judge
from vestige.errors import ConfigError
from vestige.metrics.comparison import PRIMARY_LEVEL
from vestige.outcome.at_utility import differences
from vestige.outcome.compared import Compared, compared
from vestige.outcome.frames import Results
from vestige.outcome.growth import slopes
from vestige.store.default import default_store
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study import pieces
from vestige.study.cells import find_folds
from vestige.study.executors.base import Failure, Watcher
from vestige.study.exposure import FALSE_DISCOVERIES, By, Exposure, exposure_of
from vestige.study.finished import identities_of
from vestige.study.inputs import Inputs, read_inputs
from vestige.study.outlook import Outlook, outlook, remarks_of
from vestige.study.pieces import Piece
from vestige.study.plan import Plan
from vestige.study.progress import watching
from vestige.study.quiet import quietly
from vestige.study.record import was_run
from vestige.study.results.collect import collect
from vestige.study.spec import Study, load_study, make_study
from vestige.study.terminal import safe, say


@final
@dataclass(frozen=True)
class Result:
    """A study that has been run: frames, what failed, and where its report goes. Printed, it is its table."""

    results: Results
    failures: Sequence[Failure]
    folder: Path
    _plan: Plan = field(repr=False, compare=False)

    @classmethod
    def of(cls, plan: Plan, *, failures: Sequence[Failure] = ()) -> Result:
        """What the store of a plan holds."""
        folder = plan.store.root / plan.study.study.name
        return cls(collect(plan, failures=failures), failures=failures, folder=folder, _plan=plan)

    @property
    def estimates(self) -> pl.DataFrame:
        """One row per number, with its interval (columns: `vestige.outcome.frames.ESTIMATES`)."""
        return self.results.estimates

    @property
    def slopes(self) -> pl.DataFrame:
        """How leakage grows with size, for each method (columns: `vestige.outcome.growth.SLOPES`)."""
        return slopes(self.results.facts)

    @property
    def differences(self) -> pl.DataFrame:
        """One row per pair of methods at equal utility (columns: `vestige.outcome.at_utility.DIFFERENCES`)."""
        return differences(self.results.facts)

    @property
    def scores(self) -> pl.DataFrame:
        """One row per text, cell, checkpoint and attack (columns: `vestige.outcome.frames.SCORES`)."""
        return self.results.scores

    @property
    def per_seed(self) -> pl.DataFrame:
        """AUC and TPR of every attack on every seed and fold, for statistics of one's own (columns:
        `vestige.report.per_seed.PER_SEED`).
        """
        from vestige.report.per_seed import per_seed

        return per_seed(self.results)

    @property
    def claims(self) -> list[Judged]:
        """What the study is asked to hold true or not, each with its verdicts at equal epochs and at equal utility, the
        numbers behind them and the test that decided.
        """
        return judge(self.results)

    def plan(self) -> Outlook:
        """The cells of the study, and what its store holds of them by now."""
        return outlook(self._plan)

    def __repr__(self) -> str:
        failed = [safe(f"failed: {one.task.about}: {one.message}") for one in self.failures]
        return "\n".join([safe(self.table()), *failed])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    def table(self) -> str:
        """The answer as text: the primary attack and the perplexity of every method, at its best checkpoint and its
        last.
        """
        from vestige.report.summary import summary_table

        return summary_table(self.results)

    def compare(
        self,
        method: str,
        other: str,
        *,
        base: str | None = None,
        corpus: str | None = None,
        attack: str | None = None,
        level: float | None = PRIMARY_LEVEL,
    ) -> Compared:
        """One method minus another at equal utility, with its interval and verdict. Printed, it is a sentence.

        Args:
            method, other: labels as the report has them, or names: `"lora"`, where one method of the study bears it.
            base, corpus: where the study has several.
            attack: whose AUC; the primary attack's where none is named. `"memorization"`: counterfactual memorization,
                nats per token.
            level: the share of the reachable gain at which they are compared, .8, .9 or .95; None: their mean.

        Raises:
            ConfigError: a name is unknown (near misses shown) or does not say enough, or nothing has been compared.
        """
        facts = self.results.facts
        return compared(facts, method, other, base=base, corpus=corpus, attack=attack, level=level)

    def search_table(self) -> str:
        """What the learning-rate searches found, as text."""
        from vestige.report.summary import search_summary

        return search_summary(self.results)

    def _is_attacked(self) -> bool:
        """Whether there is a number of leakage of any method."""
        return not self.estimates.filter(pl.col("method").is_not_null(), quantity="auc").is_empty()

    def report(self) -> Path:
        """Write `report.html`, `estimates.csv`, `differences.csv` and `scores.parquet`; the path of the page.

        Raises:
            ConfigError: the store holds nothing of the study as it is written, and no run of it; nothing is written.
        """
        from vestige.report.write import changed_since, write_report

        if not (was_run(self._plan) or self._is_attacked()):
            changed = changed_since(self.results, self.folder)
            than = f" It differs from that of the report there in: {', '.join(changed)}." if changed else ""
            raise ConfigError(
                f"The store {self._plan.store.root} holds no numbers of the study '{self.folder.name}' as it is "
                f"written.{than} Run it first (`vestige run`); nothing has been written."
            )
        return write_report(self.results, self.folder)

    def export(self, folder: str | Path) -> list[Path]:
        """Write every table of the report as CSV, Markdown and LaTeX, every figure as SVG, PDF and PNG, into a folder;
        the paths of the files.

        Raises:
            StoreError: a file cannot be written; the message names it.
        """
        from vestige.report.export import export

        return export(self.results, Path(folder))


def run(
    study: Study | Mapping[str, Any] | str | Path,
    *,
    store: str | Path | None = None,
    watcher: Watcher | None = None,
    say: Callable[[str], None] = say,
    search_only: bool = False,
    progress: bool = True,
) -> Result:
    """Run a study, a table of one, or a study file: do what the store does not hold yet, go on past what fails.

    Args:
        study: a `Study`, the tables of a study file as a dict, or the path of a study file.
        store: the folder of all artefacts; by default `VESTIGE_STORE`, else `runs`.
        watcher: told what happens; by default progress is shown on standard error, with the time that is left: bars on
            a terminal and in a notebook that has ipywidgets, else lines.
        say: told what is odd, what keeps a run waiting and what was found damaged; by default on standard error.
        search_only: train and score the learning-rate searches, and attack nothing.
        progress: False shows no progress.

    Raises:
        ConfigError, DataError, ModelError: the input is wrong; nothing has been written.
    """
    from vestige.study.run import run as run_plan

    with quietly():
        plan = planned(study, store=store, say=say)
        for remark in remarks_of(plan) if progress else ():
            say(remark)
        shown = watching(plan, search_only=search_only) if progress and watcher is None else None
        with plan.store.locked(say=say), shown or contextlib.nullcontext(watcher or Silent()) as told:
            failures = run_plan(plan, watcher=told, say=say, search_only=search_only)
        return Result.of(plan, failures=failures)


def plan(
    study: Study | Mapping[str, Any] | str | Path,
    *,
    store: str | Path | None = None,
    say: Callable[[str], None] = say,
) -> Outlook:
    """What a study comes to: its cells, what the store holds of them, and how long the rest takes; nothing is run.
    Printed, it is a table. Arguments and errors as in `run`.
    """
    with quietly():
        return outlook(planned(study, store=store, say=say))


def load(
    study: Study | Mapping[str, Any] | str | Path,
    *,
    store: str | Path | None = None,
    say: Callable[[str], None] = say,
) -> Result:
    """What the store holds of a study, without running anything. Models and texts need not be here: they are known by
    the record of the run, and one that is here and differs is named. Arguments as in `run`.
    """
    with quietly():
        return Result.of(finished(study, store=store, say=say))


def exposure(
    study: Study | Mapping[str, Any] | str | Path,
    *,
    cell: str = "",
    store: str | Path | None = None,
    fdr: float = FALSE_DISCOVERIES,
    non_members: bool = False,
    by: By = "record",
    say: Callable[[str], None] = say,
) -> Exposure:
    """A study record by record, the most exposed first, from what the store holds; nothing is run. It shows ids, and
    texts only where its `rows` are asked for them.

    Args:
        study: as in `run`.
        cell: the parts of its name that tell it from the others, `"webnlg, lora, last"`; without a fold both, each
            record where it was trained on; without a checkpoint, that of the lowest validation loss.
        store: as in `run`.
        fdr: the share of non-members that is tolerated among the records that an attack calls members.
        non_members: the records that a cell was not trained on too.
        by: one row per record, or per group of records: how many there are, how many are called members, and the
            highest and the mean score.
        say: told which models and texts are not here, or not what they were at the run.

    Raises:
        ConfigError: no cell or several bear that name (they are listed), or it is not attacked yet.
    """
    with quietly():
        plan = finished(study, store=store, say=say)
        return exposure_of(plan, find_folds(plan, cell), fdr=fdr, non_members=non_members, by=by)


def write_piece(
    study: Study | Mapping[str, Any] | str | Path,
    path: str | Path,
    *,
    store: str | Path | None = None,
    say: Callable[[str], None] = say,
) -> Piece:
    """Write what the store has finished of a study as one small file that another store takes in: losses, scores and
    estimates by id, no text and no weights. Arguments as in `run`.

    Raises:
        ConfigError: there is nothing to write, or the file cannot be written.
    """
    with quietly():
        return pieces.write_piece(finished(study, store=store, say=say), Path(path))


def read_piece(
    study: Study | Mapping[str, Any] | str | Path,
    path: str | Path,
    *,
    store: str | Path | None = None,
    say: Callable[[str], None] = say,
) -> Piece:
    """Take a piece into the store; a run makes nothing of it again, nor what only it needed. Arguments as in `run`.

    Raises:
        ConfigError: the file is no piece, is damaged, or has nothing of this study; nothing is written.
    """
    with quietly():
        return pieces.read_piece(finished(study, store=store, say=say), Path(path), say=say)


def planned(
    study: Study | Mapping[str, Any] | str | Path,
    *,
    store: str | Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Plan:
    """A study checked against its data and models, with the store that it runs in; nothing is written."""
    opened = Store(Path(store) if store is not None else default_store())
    return Plan(read_inputs(as_study(study), say=say), opened)


def finished(
    study: Study | Mapping[str, Any] | str | Path, *, store: str | Path | None = None, say: Callable[[str], None]
) -> Plan:
    """A study with the store that holds it, whether or not its models and texts are here; nothing is written."""
    opened, asked = Store(Path(store) if store is not None else default_store()), as_study(study, strict=False)
    return Plan(Inputs(asked, identities_of(asked, opened, say=say), splits={}), opened)


def as_study(study: Study | Mapping[str, Any] | str | Path, *, strict: bool = True) -> Study:
    """A study from whatever names one; `strict` as in `load_study`."""
    if isinstance(study, Study):
        return study
    return make_study(study, strict=strict) if isinstance(study, Mapping) else load_study(Path(study), strict=strict)


@final
class Silent:
    """A watcher that shows nothing."""

    def started(self, task: Task) -> None:
        """Nothing is shown."""

    def progressed(self, task: Task, tokens: int) -> None:
        """Nothing is shown."""

    def finished(self, task: Task, seconds: float) -> None:
        """Nothing is shown."""

    def reused(self, task: Task) -> None:
        """Nothing is shown."""

    def failed(self, task: Task, message: str) -> None:
        """Nothing is shown; the result lists it."""

    def skipped(self, task: Task) -> None:
        """Nothing is shown."""
