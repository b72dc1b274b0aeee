"""Bases pretrained for a study: once, resumable to the byte, on texts that the study's are not among."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from vestige import api
from vestige.errors import ConfigError, DataError
from vestige.pretraining.spec import Pretraining
from vestige.pretraining.start import identity_of, start_of
from vestige.report.export import figures_of, tables_of
from vestige.report.growth import growth_figures, growth_table
from vestige.store.keys import Task
from vestige.study.spec import make_study
from vestige.study.stages.pretrain import Pretrained, pretrained_of
from vestige.testing.pretraining import unordered_texts, write_texts
from vestige.testing.studies import Outcome, Recorder, as_toml, content, plan_of, run_study


def pretrained(done: Outcome) -> dict[str, Pretrained]:
    """By the name of the base."""
    catalogue = done.plan.catalogue
    return {base: pretrained_of(done.store, catalogue.pretrain(base).address) for base in catalogue.identities.bases}


def test_each_size_is_pretrained_and_fine_tuned(done: Outcome) -> None:
    assert not done.failures
    found = pretrained(done)
    sizes = [one.parameters for one in found.values()]
    assert sizes == sorted(sizes)
    assert len(sizes) == 3
    for one in found.values():
        assert one.inner < one.parameters
        assert one.steps == len(one.losses) == 24
        assert one.tokens == 24 * 8 * 64
        assert one.losses[-1] < one.losses[0] - 1.5
        assert one.held_out == pytest.approx(one.losses[-1], abs=0.3), "it is no other kind of text"
        assert one.held_out_tokens > 100


def test_the_store_is_reused_whole(done: Outcome, table: dict[str, Any]) -> None:
    watcher = Recorder()
    run_study(table, done.store.root, watcher=watcher)
    assert not watcher.begun


def test_a_task_on_such_a_base_comes_after_its_pretraining(done: Outcome) -> None:
    catalogue = done.plan.catalogue
    address = catalogue.pretrain("scratch:100k").address
    tasks = [task for task in done.plan.known() if task.where.get("model") == "scratch:100k"]
    assert {task.stage for task in tasks} >= {"pretrain", "train", "stats"}
    assert all(task.inputs["pretrained"] == address for task in tasks if task.stage != "pretrain")


class Interrupted(Recorder):
    """Ctrl-C in the midst of the first pretraining."""

    def progressed(self, task: Task, tokens: int) -> None:
        super().progressed(task, tokens)
        if task.stage == "pretrain" and self.tokens["pretrain"] > 5_000:
            raise KeyboardInterrupt


def test_an_interrupted_pretraining_ends_as_an_undisturbed_one(
    table: dict[str, Any], done: Outcome, tmp_path: Path
) -> None:
    table["base"] = table["base"][:1]
    with pytest.raises(BaseException, match="has kept its state at step"):
        run_study(table, tmp_path / "runs", watcher=Interrupted())
    watcher = Recorder()
    outcome = run_study(table, tmp_path / "runs", watcher=watcher)
    assert not outcome.failures
    assert watcher.tokens["pretrain"] < 24 * 8 * 64 - 4_000, "it went on from where it was"
    # What a single base comes to: losses along the trainings hang on every byte of it.
    expected, found = content(done.store.root), content(tmp_path / "runs")
    own = {name for name in found if name.startswith(("pretrain/", "train/", "losses/", "scores/"))}
    assert {name.partition("/")[0] for name in own} == {"pretrain", "train", "losses", "scores"}
    assert [name for name in sorted(own) if found[name] != expected[name]] == []


def test_no_text_of_a_pretraining_is_told_by_an_error(
    table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a letter to Mrs Schmidt of Ulm")

    monkeypatch.setattr("vestige.study.stages.pretrain.blocks_of", fail)
    table["base"] = table["base"][:1]
    (failure,) = run_study(table, tmp_path / "runs").failures
    assert failure.message.startswith("KeyError (its message is left out")
    logs = [path.read_text(encoding="utf-8") for path in (tmp_path / "runs" / "logs").glob("pretrain-*.log")]
    assert len(logs) == 1
    assert "Schmidt" not in failure.message + logs[0].replace('raise KeyError("a letter to Mrs Schmidt of Ulm")', "")


def test_what_is_pretrained_follows_from_its_own_table_alone(texts: Path, tmp_path: Path) -> None:
    told: dict[str, Any] = {"tokens": 12_000, "vocabulary": 400, "context": 64}
    one = identity_of("scratch:100k", Pretraining(path=(str(texts),), **told))
    moved = shutil.copy(texts, tmp_path / "moved.jsonl")
    assert identity_of("scratch:100k", Pretraining(path=(str(moved),), **told)) == one
    others: list[dict[str, Any]] = [
        {"tokens": 13_000},
        {"seed": 1},
        {"shape": "gpt2"},
        {"learning_rate": 0.01},
        {"batch_size": 4},
    ]
    assert all(identity_of("scratch:100k", Pretraining(path=(str(texts),), **{**told, **own})) != one for own in others)
    write_texts(tmp_path / "moved.jsonl", unordered_texts(200, seed=1))
    assert identity_of("scratch:100k", Pretraining(path=(str(moved),), **told)) != one


def test_a_start_is_made_once_and_alike_elsewhere(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretraining = Pretraining(path=(str(texts),), vocabulary=400, context=64, shape="gpt2")
    said: list[str] = []
    first = start_of("scratch:100k", pretraining, say=said.append)
    again = start_of("scratch:100k", pretraining, say=said.append)
    assert len(said) <= 1, "the tokenizer may be there from another test"
    assert first == again
    monkeypatch.setenv("VESTIGE_CACHE", str(tmp_path))
    elsewhere = start_of("scratch:100k", pretraining, say=said.append)
    files = sorted(path.name for path in first.path.iterdir() if path.name != "DONE.json")
    assert files == sorted(path.name for path in elsewhere.path.iterdir() if path.name != "DONE.json")
    assert all((first.path / name).read_bytes() == (elsewhere.path / name).read_bytes() for name in files)


def with_notes(table: dict[str, Any], folder: Path, *, numbers: list[int]) -> list[str]:
    """Let some texts of the study stand in the midst of those to pretrain on; returns their ids."""
    rows = [json.loads(line) for line in Path(table["corpus"][0]["path"]).read_text(encoding="utf-8").splitlines()]
    inside = [f"before it {row['note']} and behind it" for row in rows if row["number"] in numbers]
    table["pretrain"]["path"] = str(write_texts(folder / "texts.jsonl", [*unordered_texts(200), *inside]))
    return [str(number) for number in numbers]


def test_texts_that_the_bases_know_are_refused_by_their_ids(table: dict[str, Any], tmp_path: Path) -> None:
    ids = with_notes(table, tmp_path, numbers=list(range(40)))
    with pytest.raises(DataError, match=r"36 records .* of 36 occur in the texts of \[pretrain\]") as caught:
        plan_of(table, tmp_path / "runs")
    assert any(f"{one}," in str(caught.value) for one in ids)
    assert "sold" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_dropped_texts_are_those_of_the_corpus_and_the_family_stays(table: dict[str, Any], tmp_path: Path) -> None:
    ids = with_notes(table, tmp_path, numbers=[3, 4])
    table["corpus"][0]["duplicates"] = "drop"
    plan = plan_of(table, tmp_path / "runs")
    left = {example.id for role in plan.inputs.splits["notes"].roles.values() for example in role}
    assert not left & set(ids)
    assert plan.identities.corpora["notes"].identity["same_after_cut"] == ids
    other = dict(table, corpus=[{**table["corpus"][0], "seed": 1}])
    assert plan_of(other, tmp_path / "runs").identities.bases == plan.identities.bases


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.pop("pretrain"), "scratch:100k, scratch:0.2m, scratch:0.3m: a [pretrain] table is needed"),
        (lambda table: table["base"].append({"model": "scratch:200k"}), "two bases are the same"),
        (lambda table: table["base"].append({"model": "scratch:1g"}), "no size of a model to pretrain"),
        (lambda table: table.update(base=[{"model": "smollm2-135m"}]), "and there is none"),
        (lambda table: table["pretrain"].update(token=3), "Did you mean 'tokens'"),
    ],
)
def test_wrong_tables_are_refused(table: dict[str, Any], change: Any, message: str) -> None:
    change(table)
    with pytest.raises(ConfigError) as caught:
        make_study(table)
    assert message in " ".join(str(caught.value).split())


def test_texts_longer_than_the_context_are_refused(table: dict[str, Any], tmp_path: Path) -> None:
    table["corpus"][0]["max_length"] = 100
    with pytest.raises(ConfigError, match="context"):
        plan_of(table, tmp_path)


def test_a_finished_study_is_read_without_what_it_was_pretrained_on(table: dict[str, Any], tmp_path: Path) -> None:
    mine = write_texts(tmp_path / "mine.jsonl", unordered_texts(200, seed=5))
    table["pretrain"]["path"], table["base"] = "mine.jsonl", table["base"][:1]
    study = tmp_path / "study.toml"
    study.write_text(as_toml(table), encoding="utf-8")
    said: list[str] = []
    result = api.run(study, store=tmp_path / "runs", progress=False, say=said.append)
    assert not result.failures
    assert any("training a tokenizer" in line for line in said)
    page = result.report().read_text(encoding="utf-8")
    assert "pretrained from scratch on 12,000 tokens of mine.jsonl, where no text of the study occurs" in page
    mine.rename(tmp_path / "elsewhere.jsonl")
    said.clear()
    again = api.load(study, store=tmp_path / "runs", say=said.append)
    assert again.scores.equals(result.scores)
    assert "not on this machine" in said[0]
    write_texts(mine, unordered_texts(200, seed=6))
    with pytest.raises(ConfigError, match="holds no numbers"):
        api.load(study, store=tmp_path / "runs", say=said.append).report()


def test_slopes_go_along_the_sizes(done: Outcome) -> None:
    result = api.Result.of(done.plan)
    found = result.slopes
    assert found["axis"].unique().to_list() == ["parameters"]
    assert found["over"].unique().to_list() == ["notes"]
    assert found["series"].unique().to_list() == ["lora(r=2)"]
    points = found.filter(quantity="ref", standing="last")
    known = done.plan.identities.bases.values()
    assert points["x"].to_list() == [float(base.parameters or 0) for base in known]
    slope = found.filter(quantity="slope:ref", standing="last")
    assert slope["value"].is_not_null().all()
    assert (slope["low"] < slope["high"]).all()
    assert found.filter(quantity="slope:memorized bits", standing="lowest")["value"].is_not_null().all()
    page = result.report()
    assert "How leakage grows" in page.read_text(encoding="utf-8")
    assert (page.parent / "slopes.csv").exists()
    table, figures = growth_table(result.results), growth_figures(result.results)
    assert table is not None
    assert [group.title for group in table.groups][-1] == (
        "notes, for a tenfold of parameters of the model, at the last checkpoint"
    )
    assert "Leakage by parameters of the model, at the last checkpoint" in [one.title for one in figures]
    assert {"growth", "notes leakage by para"} <= {
        *(one.name for one in tables_of(result.results)),
        *(f"{one.place} {one.title}"[:21].lower() for one in figures_of(result.results)),
    }
