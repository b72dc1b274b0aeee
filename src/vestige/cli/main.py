"""`vestige`: new, run, plan, report, show, pieces, list, models."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, final

import typer
from typer.core import TyperGroup

import vestige
from vestige.errors import ConfigError, StoreError, VestigeError
from vestige.store.default import RUNS, VARIABLE
from vestige.study.terminal import console, json_text, safe, say


@final
class _Commands(TyperGroup):
    """The commands, each of which says what a Ctrl-C has left; Typer ends without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            _tell_stopped(str(stopped), is_run=ctx.invoked_subcommand == "run")
            raise typer.Exit(getattr(stopped, "exit_status", 130)) from None


app = typer.Typer(
    cls=_Commands,
    help="Measures what fine-tuning a language model leaves behind.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models = typer.Typer(help="Base models that go by a short name.", no_args_is_help=True)
app.add_typer(models, name="models")
shown = typer.Typer(help="Look into a finished study.", no_args_is_help=True)
app.add_typer(shown, name="show")
pieces = typer.Typer(help="Carry what is finished of a study from one store to another.", no_args_is_help=True)
app.add_typer(pieces, name="pieces")

imports = typer.Typer(help="Make a study of what another tool trains.", no_args_is_help=True)
app.add_typer(imports, name="import")

StudyFile = Annotated[Path, typer.Argument(help="The study file (TOML).", metavar="STUDY")]
StoreFolder = Annotated[
    Path, typer.Option("--store", envvar=VARIABLE, help="Where all artefacts are kept.", metavar="FOLDER")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SearchOnly = Annotated[
    bool,
    typer.Option(
        "--search-only", help="Train every method at every learning rate of its grid, once, and attack nothing."
    ),
]
_CHECKING = "checking the study, its data and its models …"
"""Said at once: PyTorch alone takes seconds to load."""


def main() -> None:
    """Run the command line; exit status 0 done, 1 something failed, 2 the input is wrong, 130 stopped."""
    try:
        app()
    except VestigeError as error:
        say(str(error))
        sys.exit(error.exit_status)
    except Exception as error:  # noqa: BLE001  # whatever it is, its message must not carry a text to the terminal
        _tell_unforeseen(error)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vestige {vestige.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Measures what fine-tuning a language model leaves behind."""


@app.command()
def new(
    source: Annotated[
        Path, typer.Option("--from", help="Your own texts: .csv, .jsonl, .parquet, .txt.", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The study file to write.")] = Path("study.toml"),
    model: Annotated[str, typer.Option(help="The model to fine-tune, as in `models get`.")] = "smollm2-135m",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the study file.")] = False,
) -> None:
    """Write a study file for texts of your own, with a comment on every line."""
    from vestige.cli.tables import print_draft
    from vestige.study.draft import draft
    from vestige.study.quiet import quietly

    with quietly():
        print_draft(draft(source, out=out, model=model, force=force), source=source, out=out)


@imports.command("peft-comparison")
def import_peft_comparison(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder of the comparison, such as MetaMathQA, or one experiment.", metavar="FOLDER"),
    ],
    data: Annotated[
        Path, typer.Option(help="The rows that it trains on, in their order, and later ones (.jsonl).", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The study file to write.")] = Path("study.toml"),
    texts: Annotated[
        int | None, typer.Option(min=20, help="Texts of each side at most; else as many as are trained on.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the study file.")] = False,
) -> None:
    """Write a study of the experiments of peft's method comparison: what each leaks, beside what it learns."""
    from vestige.study.imported import import_comparison
    from vestige.study.quiet import quietly

    with quietly():
        found = import_comparison(folder, data=data, out=out, texts=texts, force=force)
    print(safe(f"{len(found.methods)} experiments, {found.members} texts that they train on, {found.others} others."))
    for name, why in found.left_out.items():
        print(safe(f"left out: {name}: {why}"))
    print(f"\nvestige plan {shlex.quote(safe(str(out)))}")


@app.command()
def run(study: StudyFile, store: StoreFolder = RUNS, search_only: SearchOnly = False) -> None:
    """Do what is missing of a study, then report."""
    say(_CHECKING)
    from vestige import api

    result = api.run(study, store=store, search_only=search_only)
    _show(result, table=result.search_table() if search_only else result.table())
    if result.failures:
        again = f"vestige run {shlex.quote(str(study))} --store {shlex.quote(str(store))}" + (
            " --search-only" if search_only else ""
        )
        _tell_failures([(one.task.about, one.message) for one in result.failures], retry=again)
        raise typer.Exit(1)


@app.command()
def plan(
    studies: Annotated[list[Path], typer.Argument(help="The study file, or several (TOML).", metavar="STUDY")],
    device: Annotated[
        str | None,
        typer.Option(help="Price it on this device (h100, …) from the study file alone: nothing is read or fetched."),
    ] = None,
    store: StoreFolder = RUNS,
) -> None:
    """Print the cells of a study, what is in the store, and the time that the rest takes; run nothing."""
    if device is not None:
        from vestige.cli.tables import print_price
        from vestige.study.price import price
        from vestige.study.spec import load_study

        for study in studies:
            print_price(price(load_study(study, strict=False), device=device), study=study)
        return
    say(_CHECKING)
    from vestige import api

    for study in studies:
        api.plan(study, store=store, say=say).print(console())


@app.command()
def report(
    study: StudyFile,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Also write every table (CSV, Markdown, LaTeX) and figure (SVG, PDF, PNG) there.", metavar="FOLDER"
        ),
    ] = None,
    peft_comparison: Annotated[
        Path | None,
        typer.Option(help="Also write results in the form of peft's method comparison there.", metavar="FOLDER"),
    ] = None,
    store: StoreFolder = RUNS,
) -> None:
    """Write the report of what the store holds of a study; run nothing."""
    say(_CHECKING)
    from vestige.api import load

    result = load(study, store=store)
    _show(result, table=result.table())
    try:
        if export is not None:
            written = result.export(export)
            print(f"Tables and figures: {len(written)} files in {safe(str(export))}")
        if peft_comparison is not None:
            from vestige.report.peft_comparison import write_comparison

            written = write_comparison(result.results, peft_comparison)
            print(f"Results of each method: {len(written)} files in {safe(str(peft_comparison))}")
    except StoreError as error:
        raise ConfigError(f"{str(error).partition('. ')[0]}. Name another folder.") from error


@app.command("list")
def list_names(
    what: Annotated[Literal["methods", "attacks", "models", "corpora", "checks"], typer.Argument()],
    as_json: AsJson = False,
    base: Annotated[
        str | None, typer.Option(help="With methods: count the parameters that each trains of this model.")
    ] = None,
) -> None:
    """List what a study can name, and what its report checks."""
    from vestige.cli.tables import count_trainable, listing, print_listing

    if base is not None and what != "methods":
        raise ConfigError(f"--base counts trained parameters, and {what} train none. Use: vestige list methods --base")
    rows = listing(what)
    if base is not None:
        count_trainable(rows, base=base)
    if as_json:
        print(json_text(rows))
    else:
        print_listing(rows)


@models.command("get")
def get_model(name: Annotated[str, typer.Argument(help="A known name, a folder, a .gguf file or a hub id.")]) -> None:
    """Fetch a base model into the cache, convert it once, and print its folder."""
    from vestige.models.sources import get
    from vestige.study.quiet import quietly

    with quietly():
        print(get(name, say=say))


@pieces.command("write")
def write_piece(
    study: StudyFile,
    file: Annotated[Path, typer.Argument(help="The file to write (Parquet).", metavar="FILE")],
    store: StoreFolder = RUNS,
) -> None:
    """Write losses, scores and estimates of a study, by id, as one small file: no texts, no weights."""
    say(_CHECKING)
    from vestige import api

    print(safe(repr(api.write_piece(study, file, store=store))))


@pieces.command("read")
def read_pieces(
    study: StudyFile,
    files: Annotated[list[Path], typer.Argument(help="Files that `pieces write` has written.", metavar="FILE…")],
    store: StoreFolder = RUNS,
) -> None:
    """Take pieces into the store: `vestige run` then makes what is missing, and trains nothing of theirs again."""
    say(_CHECKING)
    from vestige import api

    for file in files:
        piece = api.read_piece(study, file, store=store)
        print(safe(f"{piece!r}; {piece.new} of {sum(piece.results.values())} are new"))


@shown.command("records")
def show_records(
    study: StudyFile,
    cell: Annotated[
        str, typer.Option(help="Which cell, as the log names it; what is the same for all can be left out.")
    ] = "",
    top: Annotated[int, typer.Option(min=1, help="How many records to print.")] = 10,
    fdr: Annotated[
        float, typer.Option(min=0, max=1, help="Share of non-members tolerated among the records called members.")
    ] = 0.1,
    everyone: Annotated[
        bool, typer.Option("--all", help="Show the records that the cell was not trained on too.")
    ] = False,
    by: Annotated[
        Literal["record", "group"], typer.Option(help="One row per record, or per group of records.")
    ] = "record",
    csv: Annotated[Path | None, typer.Option(help="Write all rows to this file, as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write all rows to this file, as Parquet.")] = None,
    show_texts: Annotated[bool, typer.Option("--show-texts", help="Print the texts too.")] = False,
    as_json: AsJson = False,
    store: StoreFolder = RUNS,
) -> None:
    """The most exposed records, each where it was trained on: ids, every attack's score and p-value, how many agree.

    For example: --cell "webnlg, lora, fold A, last". Without a fold both; without a checkpoint, that of the lowest
    validation loss.
    """
    say(_CHECKING)
    from vestige.api import exposure
    from vestige.cli.records import print_records
    from vestige.outcome.frames import as_arrow
    from vestige.store.io import write_parquet, write_text

    exposed = exposure(study, cell=cell, store=store, fdr=fdr, non_members=everyone, by=by)
    try:
        if csv is not None:
            write_text(csv, exposed.frame.write_csv())
        if parquet is not None:
            write_parquet(parquet, as_arrow(exposed.frame))
    except StoreError as error:
        raise ConfigError(f"{str(error).partition('. ')[0]}. Name another file.") from error
    if as_json:
        print(json_text(exposed.rows(top, texts=show_texts)))
    else:
        print_records(exposed, top=top, texts=show_texts)


def _show(result: vestige.Result, *, table: str) -> None:
    page = result.report()  # first: where there is nothing to report, a table of dashes would be shown
    print(safe(table))
    print(f"\nReport: {safe(str(page))}")


def _tell_failures(failures: list[tuple[str, str]], *, retry: str) -> None:
    for about, message in failures:
        say(f"failed: {about}: {message}")
    say(f"{len(failures)} failed, the rest is done. To try only those again: {retry}")


def _tell_stopped(message: str, *, is_run: bool) -> None:
    kept = f"{message} What is finished is kept.".lstrip() if is_run else ""
    again = f" To go on: {shlex.join(['vestige', *sys.argv[1:]])}" if is_run else ""
    say(f"stopped. {kept}{again}".rstrip())


def _tell_unforeseen(error: Exception) -> None:
    """Where it happened, for a report; not what it says, since messages of other libraries quote texts."""
    from vestige.study.failures import kind, trace

    say(f"{trace(error, say=kind)}This is a fault of vestige. Please report it with the lines above: none has a text.")
