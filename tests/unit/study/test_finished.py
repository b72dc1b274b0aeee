"""A finished study is read where its models and texts are not, with the bytes that it had where they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from vestige import api
from vestige.errors import ConfigError, DataError, ModelError, VestigeError
from vestige.store.layout import Store
from vestige.study.inputs_record import recorded
from vestige.study.spec import load_study
from vestige.testing.models import save_tiny_model
from vestige.testing.studies import as_toml, tiny_study, write_tiny_corpus

Table = dict[str, Any]


def bytes_of(study: Path, store: Path, *, say: Callable[[str], None]) -> Mapping[str, bytes]:
    """What a reader gets: the files of the report, and the records as JSON."""
    page = api.load(study, store=store, say=say).report()
    shown = api.exposure(study, cell="notes, prompt(tokens=4), last", store=store, say=say)
    records = json.dumps(shown.rows(100, texts=True)).encode()
    return {path.name: path.read_bytes() for path in sorted(page.parent.iterdir())} | {"records": records}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study that was run: its file, its model, its texts and its store; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("project")
    model, corpus = save_tiny_model(folder / "models" / "tiny", "llama"), write_tiny_corpus(folder / "notes.jsonl")
    table = tiny_study(model=model, corpus=corpus)
    table["base"][0]["model"] = "models/tiny"
    table["corpus"][0]["path"] = "notes.jsonl"
    table["study"]["utility"] = ["loss", "exact_match"]
    table["generate"] = {"max_new_tokens": 4, "texts": 4}
    table["corpus"].append({**table["corpus"][0], "name": "short", "max_length": 12, "duplicates": "drop", "pool": 8})
    (folder / "study.toml").write_text(as_toml(table), encoding="utf-8")
    assert not api.run(folder / "study.toml", store=folder / "runs", progress=False, say=_silent).failures
    return folder


@pytest.fixture(scope="module")
def of_the_run(project: Path) -> Mapping[str, bytes]:
    """What a reader gets of it where nothing has moved, in which case nothing is said."""
    said: list[str] = []
    before = bytes_of(project / "study.toml", project / "runs", say=said.append)
    assert not said
    return before


@pytest.fixture
def mine(project: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(project, tmp_path / "mine"))


def _silent(line: str) -> None:
    """Nothing is shown."""


def _never(*_: object, **__: object) -> Any:
    raise AssertionError("a finished study is not read anew")


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded, nothing is tokenized, no text is read from a source."""
    for name in ("load_base", "load_tokenizer", "foreign_to_base"):
        monkeypatch.setattr(f"vestige.models.loading.{name}", _never)
    monkeypatch.setattr("vestige.study.finished.read_inputs", _never)


def test_the_bytes_are_the_same_where_nothing_is_left_of_model_and_texts(
    mine: Path, of_the_run: Mapping[str, bytes], tmp_path: Path, untouched: None
) -> None:
    said: list[str] = []
    assert b"known by what it recorded of them" in of_the_run["report.html"]
    elsewhere = tmp_path / "far" / "away.toml"
    elsewhere.parent.mkdir()
    shutil.move(mine / "study.toml", elsewhere)
    shutil.move(mine / "runs", tmp_path / "far" / "store")
    shutil.rmtree(mine)
    assert bytes_of(elsewhere, tmp_path / "far" / "store", say=said.append) == of_the_run
    assert len(said) == 2
    assert "not on this machine" in said[0]
    assert "the model models/tiny" in said[0]
    assert "notes.jsonl" in said[0]


def test_a_study_file_that_was_moved_is_read_from_where_its_texts_are(
    mine: Path,
    of_the_run: Mapping[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    untouched: None,
) -> None:
    """A run would be told that its paths lead to nothing from the folder of the study file."""
    moved = tmp_path / "study.toml"
    shutil.move(mine / "study.toml", moved)
    monkeypatch.chdir(mine)
    assert bytes_of(moved, mine / "runs", say=_silent) == of_the_run
    for asked in (api.plan, api.run):
        with pytest.raises(ConfigError, match="but from the working directory"):
            asked(moved, store=mine / "runs", say=_silent)


def test_a_run_still_needs_its_files(mine: Path) -> None:
    (mine / "notes.jsonl").rename(mine / "note.jsonl")
    with pytest.raises(DataError, match=r"no file .*notes\.jsonl.*Did you mean 'note\.jsonl'"):
        api.plan(mine / "study.toml", store=mine / "runs", say=_silent)
    (mine / "note.jsonl").rename(mine / "notes.jsonl")
    shutil.rmtree(mine / "models")
    with pytest.raises(ModelError):
        api.run(mine / "study.toml", store=mine / "runs", say=_silent)


def test_texts_that_changed_are_named_and_nothing_of_the_old_is_shown(mine: Path) -> None:
    said: list[str] = []
    api.load(mine / "study.toml", store=mine / "runs", say=said.append).report()
    write_tiny_corpus(mine / "notes.jsonl", seed=1)
    result = api.load(mine / "study.toml", store=mine / "runs", say=said.append)
    assert len(said) == 1
    assert "not what it was at the run: the texts of the corpus 'notes'" in said[0]
    assert "the model" not in said[0]
    assert result.scores.is_empty()
    with pytest.raises(ConfigError, match=r"holds no numbers of the study 'tiny'.*corpora") as caught:
        result.report()
    assert caught.value.exit_status == 2


def test_a_model_that_changed_is_named_and_nothing_of_the_old_is_shown(mine: Path) -> None:
    said: list[str] = []
    save_tiny_model(mine / "models" / "tiny", "gpt2")
    result = api.load(mine / "study.toml", store=mine / "runs", say=said.append)
    assert "not what it was at the run: the model models/tiny." in said[0]
    assert result.scores.is_empty()


def test_what_changed_cannot_be_read_anew_without_the_rest(mine: Path) -> None:
    said: list[str] = []
    write_tiny_corpus(mine / "notes.jsonl", seed=1)
    shutil.rmtree(mine / "models")
    with pytest.raises(VestigeError) as caught:
        api.load(mine / "study.toml", store=mine / "runs", say=said.append)
    assert caught.value.exit_status == 2
    assert "the texts of the corpus 'notes'" in said[0]


def test_each_run_is_read_as_what_it_was_run_on(mine: Path) -> None:
    """Texts that are changed, run and changed back are what they were: two sets of inputs are on record."""
    study, store = mine / "study.toml", mine / "runs"
    old = (mine / "notes.jsonl").read_bytes()
    before = api.load(study, store=store, say=_silent).scores
    write_tiny_corpus(mine / "notes.jsonl", seed=1)
    api.run(study, store=store, progress=False, say=_silent, search_only=True)
    assert len(recorded(Store(store), load_study(study))) == 2
    assert api.load(study, store=store, say=_silent).scores.is_empty()
    (mine / "notes.jsonl").unlink()
    assert api.load(study, store=store, say=_silent).scores.is_empty(), "absent: the latest run counts"
    (mine / "notes.jsonl").write_bytes(old)
    assert api.load(study, store=store, say=_silent).scores.equals(before)


def test_a_store_without_a_record_is_read_as_before(mine: Path, of_the_run: Mapping[str, bytes]) -> None:
    for path in (mine / "runs" / "logs").glob("inputs-*"):
        path.unlink()
    assert bytes_of(mine / "study.toml", mine / "runs", say=_silent) == of_the_run
    (mine / "notes.jsonl").unlink()
    with pytest.raises(DataError, match=r"no file .*notes\.jsonl"):
        api.load(mine / "study.toml", store=mine / "runs", say=_silent)


def test_the_record_is_the_owners_alone_and_holds_no_text_and_no_place(mine: Path, project: Path) -> None:
    (path,) = (mine / "runs" / "logs").glob("inputs-*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    written = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in (mine / "notes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert not [row for row in rows if row["note"] in written or (row["question"] and row["question"] in written)]
    assert str(project) not in written


def test_a_second_run_leaves_the_record_as_it_is(mine: Path) -> None:
    (path,) = (mine / "runs" / "logs").glob("inputs-*.json")
    before = path.read_bytes()
    api.run(mine / "study.toml", store=mine / "runs", progress=False, say=_silent)
    assert [one.read_bytes() for one in (mine / "runs" / "logs").glob("inputs-*.json")] == [before]


def test_a_damaged_record_is_named(mine: Path) -> None:
    (path,) = (mine / "runs" / "logs").glob("inputs-*.json")
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(VestigeError, match=rf"{path.name} is damaged"):
        api.load(mine / "study.toml", store=mine / "runs", say=_silent)
