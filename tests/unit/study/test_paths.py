"""Paths of a study are relative to its file, wherever it is called from; names, keys and hub ids know nothing of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from vestige.errors import ConfigError
from vestige.store.layout import Store
from vestige.study.inputs import read_inputs
from vestige.study.plan import Plan
from vestige.study.spec import Study, load_study, make_study
from vestige.testing.studies import as_toml

Table = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path, tiny_llama: Path, tiny_notes: Path) -> Path:
    """A folder with a model, a corpus and a folder of studies in it."""
    shutil.copytree(tiny_llama, tmp_path / "models" / "tiny")
    (tmp_path / "data").mkdir()
    shutil.copy(tiny_notes, tmp_path / "data" / "notes.jsonl")
    (tmp_path / "studies").mkdir()
    return tmp_path


def written(project: Path, table: Table, *, model: str, corpus: object) -> Path:
    """The study file of a project, with these paths in it."""
    table["base"][0]["model"] = model
    table["corpus"][0]["path"] = corpus
    path = project / "studies" / "study.toml"
    path.write_text(as_toml(table), encoding="utf-8")
    return path


def keys(study: Study, store: Path) -> list[str]:
    return [task.address for task in Plan(read_inputs(study), Store(store)).known()]


@pytest.mark.parametrize("called_from", [".", "studies", "data"])
@pytest.mark.parametrize("corpus", ["../data/notes.jsonl", ["../data/notes.jsonl"]])
def test_paths_are_relative_to_the_file(
    project: Path, table: Table, monkeypatch: pytest.MonkeyPatch, called_from: str, corpus: object
) -> None:
    expected = keys(make_study(table), project / "runs")
    path = written(project, table, model="../models/tiny", corpus=corpus)
    monkeypatch.chdir(project / called_from)
    study = load_study(Path(os.path.relpath(path)))
    assert keys(study, project / "runs") == expected
    assert [base.model for base in study.base] == ["../models/tiny"]
    tasks = Plan(read_inputs(study), Store(project / "runs")).known()
    assert {task.where["model"] for task in tasks if "model" in task.where} == {"../models/tiny"}
    assert all(Path(task.where["place"]).is_absolute() for task in tasks if "place" in task.where)


def test_a_folder_without_a_dot_and_one_named_like_a_hub_id(project: Path, table: Table) -> None:
    shutil.copytree(project / "models", project / "studies" / "models")
    study = load_study(written(project, table, model="models/tiny", corpus="../data/notes.jsonl"))
    assert study.place_of("models/tiny") == str(project / "studies" / "models" / "tiny")


@pytest.mark.parametrize("name", ["smollm2-135m", "organisation/name", "organisation/name@main"])
def test_known_names_and_hub_ids_are_no_paths(project: Path, table: Table, name: str) -> None:
    (project / "studies" / "smollm2-135m").mkdir()
    study = load_study(written(project, table, model=name, corpus="../data/notes.jsonl"))
    assert study.place_of(name) == name


def test_a_dict_is_relative_to_the_working_directory(
    project: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table["base"][0]["model"] = Path("models/tiny")
    table["corpus"][0]["path"] = [Path("data") / "notes.jsonl"]
    monkeypatch.chdir(project)
    study = make_study(table)
    monkeypatch.chdir(project / "studies")
    assert len(read_inputs(study).identities.bases) == 1


@pytest.mark.parametrize(
    ("model", "corpus", "place", "remedy"),
    [
        ("models/tiny", "../data/notes.jsonl", "base.1.model", "../models/tiny"),
        ("./models/tiny", "../data/notes.jsonl", "base.1.model", "../models/tiny"),
        ("../models/tiny", "data/notes.jsonl", "corpus.1.path", "../data/notes.jsonl"),
        ("../models/tiny", ["data/notes.jsonl"], "corpus.1.path", "../data/notes.jsonl"),
    ],
)
def test_what_lies_only_where_it_once_did_is_met_with_the_new_path(
    project: Path,
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    *,
    model: str,
    corpus: object,
    place: str,
    remedy: str,
) -> None:
    path = written(project, table, model=model, corpus=corpus)
    monkeypatch.chdir(project)
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    assert f"{place}: " in str(caught.value)
    assert f"Write '{remedy}'." in str(caught.value)


def test_a_masked_model_is_a_path_too(project: Path, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table["attacks"] = {"use": ["ref", {"name": "neighbourhood", "masked_lm": "models/tiny"}]}
    path = written(project, table, model="../models/tiny", corpus="../data/notes.jsonl")
    monkeypatch.chdir(project)
    with pytest.raises(ConfigError, match=r"Write '\.\./models/tiny'"):
        read_inputs(load_study(path))


def test_home_and_absolute_paths(project: Path, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    monkeypatch.setenv("USERPROFILE", str(project))
    path = written(project, table, model="~/models/tiny", corpus=str(project / "data" / "notes.jsonl"))
    assert load_study(path).place_of("~/models/tiny") == str(project / "models" / "tiny")
    assert read_inputs(load_study(path)).identities.corpora


@pytest.mark.parametrize("path", ["x" * 5000, "a/" * 3000, "./" + "y" * 300 + ".gguf"])
def test_a_path_that_the_system_does_not_take(table: Table, path: str) -> None:
    table["corpus"][0]["path"] = path
    table["base"][0]["model"] = path
    with pytest.raises(ConfigError) as caught:
        make_study(table)
    for place in ("base.1.model", "corpus.1.path"):
        assert f"{place}: '{path[:20]}" in str(caught.value)
    assert "is no path that this system takes" in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_user_that_there_is_not(table: Table) -> None:
    table["corpus"][0]["path"] = "~nobody-of-that-name/x.jsonl"
    assert make_study(table).corpus[0].paths[0].endswith("~nobody-of-that-name/x.jsonl")
