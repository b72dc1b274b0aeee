"""`vestige new`: the study file that it writes is one that `vestige plan` takes, whatever the file of texts is like."""

from __future__ import annotations

import csv
import gzip
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vestige.errors import ConfigError, DataError, ModelError
from vestige.store.layout import Store
from vestige.study.draft import Draft, draft
from vestige.study.inputs import read_inputs
from vestige.study.plan import Plan
from vestige.study.spec import load_study
from vestige.testing.models import tiny_texts

Rows = Sequence[dict[str, Any]]


def rows(count: int, *, customers: int = 60) -> Rows:
    texts = tiny_texts(count)
    return [
        {"prompt": f"What of {i}?", "answer": text, "customer": f"c{i % customers}"} for i, text in enumerate(texts)
    ]


def as_csv(file: Path, content: Rows) -> Path:
    with file.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return file


def as_jsonl(file: Path, content: Rows) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in content).encode()
    file.write_bytes(gzip.compress(lines) if file.suffix == ".gz" else lines)
    return file


def planned(source: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Draft, Plan]:
    """The draft of a study of these texts, and its plan, made in the folder of the file."""
    monkeypatch.chdir(source.parent)
    drafted = draft(Path(source.name), out=Path("study.toml"), model=str(model))
    return drafted, Plan(read_inputs(load_study(Path("study.toml"))), Store(source.parent / "runs"))


def test_a_csv_of_300_records(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafted, plan = planned(as_csv(tmp_path / "letters.csv", rows(300)), tiny_llama, monkeypatch)
    fields = drafted.guess.fields
    assert (fields.completion, fields.prompt, fields.group, fields.id) == ("answer", "prompt", "customer", None)
    assert plan.study.study.name == "letters"
    lengths = next(iter(plan.identities.lengths.values()))
    assert {role: one.texts for role, one in lengths.items() if one.texts} == drafted.sizes
    assert sum(one.cut for one in lengths.values()) <= 0.06 * 300
    text = (tmp_path / "study.toml").read_text(encoding="utf-8")
    settings = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    assert all(" # " in line for line in settings)
    assert not any(row["answer"] in text for row in rows(300))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.jsonl", [{"t": row["answer"]} for row in rows(60)]),  # one field; the name of a stage
        ('my letters [v2], "x".jsonl.gz', rows(80, customers=3)),  # a group too coarse to cut
        ("ü.jsonl", [{**row, "customer": "Big" if i % 2 else f"c{i}"} for i, row in enumerate(rows(90))]),  # one large
        ("repeats.csv", [*rows(60), *rows(60)]),
    ],
)
def test_files_of_all_kinds(
    tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: Rows
) -> None:
    write = as_csv if name.endswith(".csv") else as_jsonl
    drafted, plan = planned(write(tmp_path / name, content), tiny_llama, monkeypatch)
    assert drafted.guess.records == len(content)
    assert plan.grid.pairs
    if name == "repeats.csv":
        assert "60 repeat another text" in (tmp_path / "study.toml").read_text(encoding="utf-8")


def test_plain_lines(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lines.txt").write_text("\n".join(tiny_texts(50)), encoding="utf-8")
    drafted, _ = planned(tmp_path / "lines.txt", tiny_llama, monkeypatch)
    assert drafted.sizes["pool"] % 2 == 0


def test_too_few_texts_are_refused_in_a_sentence(tmp_path: Path, tiny_llama: Path) -> None:
    source = as_csv(tmp_path / "few.csv", rows(12))
    with pytest.raises(DataError, match=r"few\.csv has 12 different texts, and a study needs at least 40"):
        draft(source, out=tmp_path / "study.toml", model=str(tiny_llama))
    assert not (tmp_path / "study.toml").exists()


def test_what_is_there_is_not_overwritten(tmp_path: Path, tiny_llama: Path) -> None:
    source, out = as_csv(tmp_path / "letters.csv", rows(60)), tmp_path / "study.toml"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"study\.toml exists.*--force"):
        draft(source, out=out, model=str(tiny_llama))
    assert out.read_text(encoding="utf-8") == "mine"
    draft(source, out=out, model=str(tiny_llama), force=True)
    assert tomllib.loads(out.read_text(encoding="utf-8"))["corpus"][0]["duplicates"] == "drop"


@pytest.mark.parametrize("out", ["nowhere/study.toml", "x" * 5000])
def test_places_that_cannot_be_written(tmp_path: Path, tiny_llama: Path, out: str) -> None:
    source = as_csv(tmp_path / "letters.csv", rows(60))
    with pytest.raises(ConfigError, match="cannot be written"):
        draft(source, out=tmp_path / out, model=str(tiny_llama))


def test_paths_are_those_from_the_study_file(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "studies", "m"):
        Path(folder).mkdir()
    as_csv(Path("data/letters.csv"), rows(60))
    for file in tiny_llama.iterdir():
        Path("m", file.name).symlink_to(file)
    draft(Path("data/letters.csv"), out=Path("studies/own.toml"), model="m")
    tables = tomllib.loads(Path("studies/own.toml").read_text(encoding="utf-8"))
    assert (tables["corpus"][0]["path"], tables["base"][0]["model"]) == ("../data/letters.csv", "../m")
    draft(Path("data/letters.csv"), out=Path("own.toml"), model="m")
    tables = tomllib.loads(Path("own.toml").read_text(encoding="utf-8"))
    assert (tables["corpus"][0]["path"], tables["base"][0]["model"]) == ("data/letters.csv", "./m")


def test_lengths_are_estimated_where_the_model_is_not_here_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIGE_CACHE", str(tmp_path / "cache"))
    source = as_jsonl(tmp_path / "long.jsonl", [{"text": f"{i} " + "words and words " * 40} for i in range(50)])
    drafted = draft(source, out=tmp_path / "study.toml", model="smollm2-135m")
    assert 160 <= drafted.max_length <= 256  # 642 characters; about four to a token
    assert "estimated" in (tmp_path / "study.toml").read_text(encoding="utf-8")
    with pytest.raises(ModelError, match="Did you mean 'smollm2-135m'"):
        draft(source, out=tmp_path / "other.toml", model="smollm2")
