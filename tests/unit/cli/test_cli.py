"""The command line: what it prints, its exit status, and that wrong input writes nothing."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from transformers.utils import logging

from vestige import api
from vestige.cli.main import main
from vestige.study.quiet import quietly
from vestige.testing.studies import as_toml, content, run_study, tiny_study

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command line in this process: exit status, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vestige", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def tables(tiny_llama: Path, tiny_notes: Path) -> dict[str, Any]:
    return tiny_study(model=tiny_llama, corpus=tiny_notes)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Write the tables of a study as TOML."""

    def toml(tables: dict[str, Any]) -> Path:
        path = tmp_path / "study.toml"
        path.write_text(as_toml(tables), encoding="utf-8")
        return path

    return toml


def test_a_study_is_planned_run_and_reported(
    run: Run, write: Callable[[dict[str, Any]], Path], tables: dict[str, Any], tmp_path: Path
) -> None:
    study, store = write(tables), tmp_path / "runs"
    status, out, _ = run("plan", study, "--store", store)
    assert status == 0
    assert "to train" in out
    assert not store.exists()
    status, out, err = run("run", study, "--store", store)
    assert status == 0, err
    assert "\r" not in err
    assert "left] train" in err
    assert max(map(len, out.splitlines()[:-1])) <= 80
    page = store / "tiny" / "report.html"
    assert page.exists()
    assert str(page) in out
    assert {path.name for path in page.parent.iterdir()} >= {"report.html", "estimates.csv", "scores.parquet"}
    before = page.read_bytes()
    status, again, err = run("run", study, "--store", store)
    assert (status, again) == (0, out)
    assert "train" not in err
    status, told, _ = run("report", study, "--store", store, "--export", tmp_path / "out")
    assert page.read_bytes() == before
    written = [path for path in (tmp_path / "out").rglob("*.*") if path.is_file()]
    assert (status, told) == (0, f"{out}Tables and figures: {len(written)} files in {tmp_path / 'out'}\n")
    assert {path.suffix for path in written} == {".csv", ".md", ".tex", ".svg", ".pdf", ".png"}
    assert "trained, chosen" in run("plan", study, "--store", store)[1]


def test_a_finished_study_is_read_without_its_model_and_texts(
    run: Run, write: Callable[[dict[str, Any]], Path], tables: dict[str, Any], tmp_path: Path
) -> None:
    """They are named on standard error; what is printed is what it was."""
    model = shutil.copytree(tables["base"][0]["model"], tmp_path / "model")
    notes = Path(shutil.copy(tables["corpus"][0]["path"], tmp_path))
    tables["base"][0]["model"], tables["corpus"][0]["path"] = "./model", notes.name
    study, store = write(tables), tmp_path / "runs"
    status, of_the_run, _ = run("run", study, "--store", store)
    assert status == 0
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    status, _, err = run("report", study, "--store", store, "--export", tmp_path / "taken")
    assert status == 2
    assert "Name another folder." in err
    records = ("show", "records", study, "--cell", "prompt(tokens=4), last", "--json", "--store", store)
    status, shown, err = run(*records)
    assert status == 0
    assert "not on this machine" not in err
    shutil.rmtree(model)
    notes.unlink()
    for asked, before in (("report", study, "--store", store), of_the_run), (records, shown):
        status, out, err = run(*asked)
        assert (status, out) == (0, before)
        assert "not on this machine, and taken as it was at the run: the model ./model, the texts" in err
    status, _, err = run("plan", study, "--store", store)
    assert status == 2
    assert "There is no file" in err


def test_a_search_trains_and_scores_and_attacks_nothing(
    run: Run, write: Callable[[dict[str, Any]], Path], tables: dict[str, Any], tmp_path: Path
) -> None:
    study, store = write(tables), tmp_path / "runs"
    status, out, err = run("run", study, "--store", store, "--search-only")
    assert status == 0, err
    lines = [line.split() for line in out.splitlines()]
    assert [line[:2] for line in lines[2:4]] == [["lora(r=2)", "0.001"], ["lora(r=2)", "0.01"]]
    assert out.count("chosen") == 1
    assert max(map(len, out.splitlines()[:-1])) <= 80
    assert not (store / "scores").exists()
    assert len(list((store / "train").iterdir())) == 3, "two rates of lora, and the one of the prompt"
    piece, other = tmp_path / "piece.parquet", tmp_path / "other"
    status, out, err = run("pieces", "write", study, piece, "--store", store)
    assert (status, "3 trained" in out) == (0, True), err
    assert run("pieces", "read", study, study, "--store", other)[0] == 2
    assert not other.exists()
    status, out, err = run("pieces", "read", study, piece, piece, "--store", other)
    assert status == 0, err
    assert out.splitlines()[1].endswith("8 losses, 3 trained, 7 utility; 0 of 18 are new")
    assert not (other / "train").exists()


@pytest.fixture(scope="module")
def finished(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A study file, the store that has it whole, for reading alone, and the texts."""
    tables, folder = tiny_study(model=tiny_llama, corpus=tiny_notes), tmp_path_factory.mktemp("finished")
    tables["corpus"][0] |= {"validation": 4, "calibration": 8}
    (folder / "study.toml").write_text(as_toml(tables), encoding="utf-8")
    assert not run_study(tables, folder / "runs").failures
    return folder / "study.toml", folder / "runs", tiny_notes


def test_records_are_shown_without_their_texts(run: Run, finished: tuple[Path, Path, Path], tmp_path: Path) -> None:
    study, store, texts = finished
    assert run("show", "records", study, "--store", tmp_path / "none")[0] == 2
    assert not (tmp_path / "none").exists()
    cell = ("--cell", "prompt(tokens=4), fold A, last")
    status, out, err = run("show", "records", study, "--store", store, *cell, "--top", "3")
    assert status == 0, err
    assert "3 of 8 records." in out
    assert max(map(len, out.splitlines())) <= 80
    notes = [json.loads(line)["note"] for line in texts.read_text().splitlines()]
    assert not any(note in " ".join(out.split()) for note in notes)
    _, asked, _ = run(
        "show", "records", study, "--store", store, *cell, "--json", "--show-texts", "--all", "--top", "16"
    )
    rows = json.loads(asked)
    assert len(rows) == 16
    assert all(any(note in row["text"] for note in notes) for row in rows)
    assert {f"{name}{kind}" for name in ("loss", "ref", "min_k") for kind in ("", " p", " q")} < set(rows[0])


def test_records_are_the_same_as_parquet(run: Run, finished: tuple[Path, Path, Path], tmp_path: Path) -> None:
    study, store, _ = finished
    cell = ("--cell", "prompt(tokens=4), fold A", "--parquet", tmp_path / "records.parquet")
    _, asked, _ = run("show", "records", study, "--store", store, *cell, "--json", "--top", "16")
    assert pl.read_parquet(tmp_path / "records.parquet").to_dicts() == json.loads(asked)
    groups = ("--cell", "prompt(tokens=4)", "--by", "group", "--csv", tmp_path / "groups.csv", "--top", "16")
    status, shown, err = run("show", "records", study, "--store", store, *groups)
    assert status == 0, err
    assert "folds A and B" in " ".join(shown.split())
    assert pl.read_csv(tmp_path / "groups.csv")["records"].sum() == 16


def test_an_unclear_cell_is_answered_with_the_choices(run: Run, finished: tuple[Path, Path, Path]) -> None:
    study, store, _ = finished
    before = content(store)
    status, out, err = run("show", "records", study, "--store", store, "--cell", "fold A")
    assert (status, out) == (2, "")
    assert "not one cell" in err
    assert "prompt(tokens=4), lr 0.1, seed 0, fold A" in err
    assert content(store) == before


def _change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(tables: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        place: Any = tables
        for parent in parents:
            place = place[int(parent)] if parent.isdigit() else place[parent]
        place[last] = value

    return change


def _all_prompt(tables: dict[str, Any]) -> None:
    """The prompt of every text fills `max_length`."""
    tables["corpus"][0] |= {"fields": {"prompt": "note", "completion": "note", "id": "number"}, "max_length": 3}


WRONG = {
    "unknown key": (_change("study.sede", 1), "Did you mean 'seeds'?"),
    "unknown key of a method": (_change("method.0.rnk", 1), "unknown key"),
    "unknown method": (_change("method.0.name", "lorra"), "Did you mean 'lora'"),
    "unknown attack": (_change("attacks.use", ["los"]), "Did you mean 'loss'?"),
    "unknown model": (_change("base.0.model", "smollm2-35m"), "Did you mean 'smollm2-135m'?"),
    "missing file": (_change("corpus.0.path", "absent.jsonl"), "absent.jsonl"),
    "missing field": (_change("corpus.0.fields", {"completion": "notes"}), "note"),
    "fewer texts than the roles need": (_change("corpus.0.pool", 400), "too few texts"),
    "beyond the context": (_change("corpus.0.max_length", 100_000), "context"),
    "all too short": (_all_prompt, "too short"),
    "the last checkpoint": (_change("training.epochs", 9), "checkpoint"),
}


@pytest.mark.parametrize("problem", WRONG)
def test_wrong_input_is_one_message_and_writes_nothing(
    problem: str, run: Run, write: Callable[[dict[str, Any]], Path], tables: dict[str, Any], tmp_path: Path
) -> None:
    change, expected = WRONG[problem]
    change(tables)
    status, out, err = run("run", write(tables), "--store", tmp_path / "runs")
    assert status == 2, err
    assert out == ""
    assert err.startswith("vestige: ")
    assert expected in err
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"number": 1, "question": "", "note": ""}\n' * 40, "empty"),
        (b'{"number": 1, "question": "", "note": "caf\xe9"}\n', "UTF-8"),
        (
            b"".join(b'{"number": %d, "question": "", "note": "the same words"}\n' % number for number in range(40)),
            "dup",
        ),
    ],
)
def test_unusable_texts_are_refused_and_not_shown(
    content: bytes,
    expected: str,
    run: Run,
    write: Callable[[dict[str, Any]], Path],
    tables: dict[str, Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    tables["corpus"][0]["path"] = str(path)
    status, _, err = run("run", write(tables), "--store", tmp_path / "runs")
    assert status == 2
    assert expected in err
    assert "the same words" not in err
    assert not (tmp_path / "runs").exists()


def test_a_missing_study_file_names_its_neighbours(run: Run, tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text("")
    status, _, err = run("run", tmp_path / "dem.toml")
    assert status == 2
    assert "demo.toml" in err


def test_a_newer_store_is_refused(
    run: Run, write: Callable[[dict[str, Any]], Path], tables: dict[str, Any], tmp_path: Path
) -> None:
    store = tmp_path / "runs"
    store.mkdir()
    (store / "store.json").write_text('{"version": 99}')
    status, _, err = run("run", write(tables), "--store", store)
    assert status == 2
    assert "newer vestige" in err
    assert [path.name for path in store.iterdir()] == ["store.json"]


def test_a_failed_cell_and_a_damaged_file_are_named_and_the_rest_is_done(
    run: Run, write: Callable[[dict[str, Any]], Path], tables: dict[str, Any], tmp_path: Path
) -> None:
    tables["method"][0]["learning_rate"] = [1e-2, 1e30]
    study, store = write(tables), tmp_path / "runs"
    status, out, err = run("run", study, "--store", store)
    assert status == 1
    assert "NaN" in err or "nan" in err or "inf" in err
    assert "vestige run" in err
    assert "lora" in out
    weights = next(store.glob("train/*/checkpoints/*/weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    status, _, err = run("run", study, "--store", store)
    assert status == 1
    assert str(weights) in err


def test_methods_are_listed_with_what_they_train_of_a_base(run: Run, tiny_llama: Path) -> None:
    status, out, err = run("list", "methods", "--json", "--base", tiny_llama)
    assert status == 0, err
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["prompt"]["trainable"] == 20 * 32
    assert rows["lora+prompt"]["trainable"] == rows["lora"]["trainable"] + rows["prompt"]["trainable"]
    assert rows["full"]["trainable"] > rows["head"]["trainable"] == 400 * 32
    assert (rows["lora"]["mergeable"], rows["prefix"]["mergeable"]) == (True, False)
    assert all({"family", "learning_rate", "saves", "parameters"} <= set(row) for row in rows.values())
    assert run("list", "attacks", "--base", tiny_llama)[0] == 2


def test_attacks_are_listed_with_what_they_assume(run: Run) -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "attacks", "--json")[1])}
    assert rows["loss"]["assumes"] == {
        "log_probabilities": True,
        "distributions": False,
        "texts": False,
        "reference_model": False,
        "population": False,
        "shadow_models": False,
        "known_members": False,
        "gradients": False,
        "passes": 1,
    }
    assert rows["zlib"]["assumes"]["texts"]
    assert rows["dc_pdd"]["assumes"]["population"]
    assert (rows["ez"]["assumes"]["reference_model"], rows["ez"]["assumes"]["passes"]) == (True, 2)
    assert (rows["pac"]["assumes"]["passes"], rows["lira"]["assumes"]["passes"]) == (11, 9)
    printed = run("list", "attacks")[1]
    assert "reference model, 2 passes per text" in " ".join(printed.split())


@pytest.mark.parametrize("what", ["methods", "attacks", "models", "corpora", "checks"])
def test_lists_are_json_on_request(what: str, run: Run) -> None:
    rows = json.loads(run("list", what, "--json")[1])
    status, text, _ = run("list", what)
    assert status == 0
    assert rows
    assert all(row["name"] in text for row in rows)
    if what not in ("models", "checks"):
        assert {row["from"] for row in rows} == {"vestige"}


def test_a_study_of_ones_own_texts_is_written_and_planned(
    run: Run, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [f"the heron of {i} weighs {i * i} pounds, and nobody knew" for i in range(60)]
    lines = "".join(f'{i % 30},"{text}"\n' for i, text in enumerate(texts))
    Path("my letters.csv").write_text("customer,reply\n" + lines, encoding="utf-8")
    out = ("--out", "my study.toml")
    status, printed, err = run("new", "--from", "my letters.csv", *out, "--model", tiny_llama)
    assert status == 0, err
    assert "30 values in 60 records" in printed
    assert "heron" not in printed
    assert printed.splitlines()[-1] == "vestige plan 'my study.toml'"
    status, planned, err = run("plan", "my study.toml")
    assert (status, planned.count("to train")) == (0, 4), err
    assert run("new", "--from", "my letters.csv", *out)[0] == 2
    assert run("new", "--from", "mein letters.csv", "--out", "b.toml")[2].endswith("Did you mean 'my letters.csv'?\n")


def test_an_unforeseen_error_is_told_by_its_place_and_not_by_its_message(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("Mrs Schmidt of Ulm")

    monkeypatch.setattr(api, "planned", fail)
    status, out, err = run("plan", tmp_path / "study.toml")
    assert (status, out) == (1, "")
    assert "KeyError (its message is left out" in err
    assert "test_cli.py" in err
    assert "Schmidt" not in err.replace('raise KeyError("Mrs Schmidt of Ulm")', "")


def test_libraries_are_quiet_inside_and_as_they_were_afterwards() -> None:
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with quietly():
        assert logging.get_verbosity() == 40, "errors alone"
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
