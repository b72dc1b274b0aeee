"""Running a study: what fails takes its dependents with it and nothing else; what is done is not done again."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vestige.store.io import read_json
from vestige.store.keys import Task
from vestige.store.layout import DONE, Store
from vestige.study.grid import Checkpoint
from vestige.study.outlook import outlook
from vestige.study.plan import Plan
from vestige.study.run import run
from vestige.testing.studies import Outcome, Recorder, plan_of, run_study, write_tiny_corpus

Table = dict[str, Any]


@pytest.fixture
def diverging(table: Table) -> Table:
    """LoRA at a learning rate that no training survives, beside a prompt that is well."""
    table["method"][0]["learning_rate"] = 1e30
    return table


@pytest.fixture
def runs(finished: Outcome, tmp_path: Path) -> Path:
    """A copy of the finished store, to be damaged."""
    return shutil.copytree(finished.store.root, tmp_path / "runs")


def stages(tasks: list[Task]) -> Counter[str]:
    return Counter(task.stage for task in tasks)


def again(finished: Outcome, runs: Path) -> tuple[Outcome, Recorder]:
    watcher = Recorder()
    plan = Plan(finished.plan.inputs, Store(runs))
    return Outcome(plan, run(plan, watcher=watcher)), watcher


def test_a_diverged_cell_takes_its_dependents_and_nothing_else(diverging: Table, tmp_path: Path) -> None:
    watcher = Recorder()
    outcome = run_study(diverging, tmp_path / "runs", watcher=watcher)
    assert [failure.task.stage for failure in outcome.failures] == ["train", "train"]
    for failure in outcome.failures:
        assert failure.task.spec["method"]["name"] == "lora"
        assert "learning rate 1e+30" in failure.message
    assert watcher.passed_over
    assert all("lora" in task.about for task in watcher.passed_over)
    done = outcome.plan.known()
    lora: list[Task] = []
    others: list[Task] = []
    for task in done:
        (lora if "lora" in task.about else others).append(task)
    assert lora
    assert not any(outcome.store.is_done(task.address) for task in lora)
    assert others
    assert all(outcome.store.is_done(task.address) for task in others)
    assert [task for task, _ in watcher.lost] == [failure.task for failure in outcome.failures]


def test_the_log_of_a_failure_is_named_and_is_there(diverging: Table, tmp_path: Path) -> None:
    outcome = run_study(diverging, tmp_path / "runs")
    for failure in outcome.failures:
        path = Path(failure.message.rpartition("Log: ")[2])
        assert path.parent == tmp_path / "runs" / "logs"
        assert failure.task.about in path.read_text(encoding="utf-8")


def test_the_same_command_tries_only_what_failed(diverging: Table, tmp_path: Path) -> None:
    run_study(diverging, tmp_path / "runs")
    watcher = Recorder()
    outcome = run_study(diverging, tmp_path / "runs", watcher=watcher)
    assert watcher.begun == [failure.task for failure in outcome.failures]
    assert stages(watcher.begun) == {"train": 2}


def test_a_learning_rate_that_diverges_loses_the_search(table: Table, tmp_path: Path) -> None:
    table["method"][0]["learning_rate"] = [1e30, 1e-2]
    outcome = run_study(table, tmp_path / "runs")
    assert len(outcome.failures) == 1
    chosen = outcome.plan.choice.chosen(outcome.plan.grid.pairs[0])
    assert [arm.learning_rate for arm in chosen] == [1e-2, 0.1]
    assert all(outcome.store.is_done(outcome.plan.choice.leakage(arm, 2.0).address) for arm in chosen)


def times_of(runs: Path) -> dict[Path, int]:
    """When everything was written last, but for the lock, which names its holder."""
    return {path: path.stat().st_mtime_ns for path in runs.rglob("*") if path.name != ".lock"}


def test_a_finished_study_is_only_looked_at(finished: Outcome, runs: Path) -> None:
    before = times_of(runs)
    outcome, watcher = again(finished, runs)
    assert not outcome.failures
    assert not watcher.begun
    assert {task.address for task in watcher.found} == {task.address for task in finished.plan.known()}
    assert times_of(runs) == before


def damaged(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("stage", "name"),
    [("train", "weights.safetensors"), ("stats", "tokens.parquet"), ("scores", "scores.parquet"), ("stats", DONE)],
)
def test_a_damaged_file_is_named_never_made_again_and_the_others_go_on(
    finished: Outcome, runs: Path, stage: str, name: str
) -> None:
    tasks = finished.plan.known()
    last = next(
        task
        for task in reversed(tasks)
        if task.stage == stage and (stage == "train" or "cell" in task.inputs or stage == "scores")
    )
    path = damaged(next(iter(sorted((runs / last.address).rglob(name)))))
    content = path.read_bytes()
    removed = next(
        task for task in reversed(tasks) if task.stage == "utility" and last.address not in task.inputs.values()
    )
    shutil.rmtree(runs / removed.address)
    outcome, watcher = again(finished, runs)
    assert [failure.task.address for failure in outcome.failures] == [last.address]
    assert str(path) in outcome.failures[0].message
    assert path.read_bytes() == content
    if removed.address not in _dependents(last, tasks):
        assert [task.address for task in watcher.done] == [removed.address]


def _dependents(task: Task, tasks: list[Task]) -> set[str]:
    found = {task.address}
    for other in tasks:
        if found.intersection(other.inputs.values()):
            found.add(other.address)
    return found


def test_a_damaged_search_leaves_its_method_out_and_names_the_file(finished: Outcome, runs: Path) -> None:
    """Neither may the rates that are left be taken for all of them, nor the other method be held up."""
    plan = finished.plan
    arm = next(arm for arm in plan.grid.arms(plan.grid.pairs[0]) if arm.method == plan.study.method[0])
    path = damaged(runs / plan.catalogue.utility(arm, 1.0, plan.grid.search_seats).address / "estimates.json")
    prompt = plan.grid.arms(plan.grid.pairs[0])[-1]
    shutil.rmtree(runs / plan.choice.leakage(prompt, 2.0).address)
    outcome, watcher = again(finished, runs)
    assert [str(path) in failure.message for failure in outcome.failures] == [True]
    assert [task.address for task in watcher.done] == [plan.choice.leakage(prompt, 2.0).address]


def test_what_was_removed_is_made_again_with_the_same_bytes(finished: Outcome, runs: Path) -> None:
    """Losses, the pass that they come from and the training below it."""
    tasks = {task.address: task for task in finished.plan.known()}
    losses = next(one for one in tasks.values() if one.stage == "losses" and one.about.endswith("epoch 1 on pool"))
    passed = tasks[losses.inputs["stats"]]
    removed = [passed.inputs["cell"], passed.address, losses.address]
    for address in removed:
        shutil.rmtree(runs / address)
    _, watcher = again(finished, runs)
    assert [task.address for task in watcher.done] == removed
    for address in removed:
        assert (runs / address / DONE).read_bytes() == (finished.store.root / address / DONE).read_bytes()


def test_what_nothing_is_in_want_of_is_not_made_again(finished: Outcome, runs: Path) -> None:
    """Trainings and passes whose losses and scores are there: as in a store into which these were brought."""
    for stage in ("train", "stats"):
        shutil.rmtree(runs / stage)
    outcome, watcher = again(finished, runs)
    assert not watcher.begun
    left = [task.address for wave in outcome.plan.left() for task in wave.tasks]
    assert left == [task.address for task in watcher.found]
    assert "Nothing to do" in outlook(outcome.plan).rest


def test_what_a_later_wave_is_in_want_of_is_made_then(finished: Outcome, runs: Path) -> None:
    plan = finished.plan
    arm = plan.grid.arms(plan.grid.pairs[0])[-1]
    checkpoint = Checkpoint(arm, plan.grid.seats[0], 2.0)
    scores = plan.choice.scores(plan.study.attacks.use[0], checkpoint)
    for address in ("train", "stats", scores.address):
        shutil.rmtree(runs / address)
    _, watcher = again(finished, runs)
    wanted = [plan.catalogue.train(checkpoint), plan.catalogue.stats(checkpoint, role="pool"), scores]
    assert [task.address for task in watcher.done] == [task.address for task in wanted]


def test_files_that_change_under_a_running_study_are_noticed(table: Table, tmp_path: Path) -> None:
    path = write_tiny_corpus(tmp_path / "notes.jsonl")
    table["corpus"][0]["path"] = str(path)
    plan = plan_of(table, tmp_path / "runs")
    write_tiny_corpus(path, seed=1)
    failures = run(plan, watcher=Recorder())
    assert [failure.task.stage for failure in failures] == ["corpus"]
    assert "changed after the study began" in failures[0].message


def test_a_half_without_a_token_to_train_says_so(table: Table, tmp_path: Path) -> None:
    """Validation can be scored, and one text of the pool too, so that only one half has anything to train."""
    rows = [json.loads(line) for line in Path(table["corpus"][0]["path"]).read_text().splitlines()]
    from vestige.data.splits import split_of
    from vestige.study.spec import make_study

    pool = [example.id for example in split_of(make_study(table).corpus[0]).roles["pool"]]
    filled = [{**row, "question": "Why? " * 40 if str(row["number"]) in pool[1:] else ""} for row in rows]
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in filled))
    table["corpus"][0]["path"] = str(path)
    outcome = run_study(table, tmp_path / "runs")
    trainings = [failure for failure in outcome.failures if failure.task.stage == "train"]
    assert trainings
    assert all("has a token to train within max_length = 40" in failure.message for failure in trainings)


def test_what_a_training_writes_down(finished: Outcome) -> None:
    for task in finished.plan.known():
        if task.stage == "train":
            facts = read_json(finished.store.open(task.address) / "training.json")
            assert facts["texts"] == 8
            start = {"0": 0} if task.spec["method"]["name"] == "prompt" else {}
            assert facts["steps"] == {**start, "1": 2, "2": 4}
            assert len(facts["losses"]) == 4
            assert facts["trainable"] > 0
