"""A study with task performance: run, read, reported, and held against the libraries on answers of a naive loop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sacrebleu
import torch

from vestige.models.loading import load_base, load_tokenizer
from vestige.models.sources import resolve
from vestige.report.summary import summary_table
from vestige.report.write import write_report
from vestige.store.layout import RUN
from vestige.study.grid import Arm, Checkpoint
from vestige.study.results.collect import collect
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.generations import generations_of
from vestige.testing.studies import Outcome, Recorder, run_study, tiny_study

NEW = 10
WANTED = ["bleu", "exact_match", "chrf"]


def tables(model: Path, notes: Path) -> dict[str, Any]:
    table = tiny_study(model=model, corpus=notes)
    table["study"]["utility"] = ["loss", *WANTED]
    table["generate"] = {"max_new_tokens": NEW, "texts": 10}
    table["corpus"][0]["validation"] = 12
    bare = {**table["corpus"][0], "name": "bare", "fields": {"completion": "note", "id": "number"}}
    table["corpus"].append(bare)
    table["method"] = [{"name": "lora+prompt", "prompt": {"tokens": 4}, "learning_rate": [1e-3, 1e-2]}]
    return table


@pytest.fixture(scope="module")
def outcome(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The study, run once; its store is not to be written to."""
    done = run_study(tables(tiny_llama, tiny_notes), tmp_path_factory.mktemp("generating") / "runs")
    assert not done.failures
    return done


def numbers(outcome: Outcome, corpus: str) -> pl.DataFrame:
    frame = collect(outcome.plan).estimates.filter(pl.col("epoch").is_null() | (pl.col("epoch") > 0))
    return frame.filter(pl.col("quantity").is_in(WANTED), corpus=corpus)


def test_every_arm_and_checkpoint_has_every_number(outcome: Outcome) -> None:
    frame = numbers(outcome, "notes")
    assert sorted(frame["quantity"].to_list()) == sorted(WANTED * 3), "the base and two checkpoints of the chosen rate"
    assert frame["value"].null_count() == frame["low"].null_count() == 0
    unscored = [json.loads(one) for one in frame["unscored"]]
    assert [set(one) for one in unscored] == [{"no_prompt"}] * len(frame)
    assert {texts + one["no_prompt"] for texts, one in zip(frame["texts"], unscored, strict=True)} == {10}


def test_a_corpus_without_references_has_none_and_says_so(outcome: Outcome) -> None:
    frame = numbers(outcome, "bare")
    assert len(frame) == 3 * len(WANTED)
    assert frame["value"].null_count() == len(frame)
    assert set(frame["reason"]) == {"the validation texts have no prompt and references to be judged by"}


def test_the_base_answers_as_a_naive_loop_does(outcome: Outcome) -> None:
    plan, store, pair = outcome.plan, outcome.store, outcome.plan.grid.pairs[0]
    stored = generations_of(store, plan.catalogue.generations(Checkpoint(Arm(*pair))).address)
    source = resolve(pair[0])
    model, tokenizer = load_base(source, dtype="float32"), load_tokenizer(source)
    examples = examples_of(store, plan.identities.corpora["notes"].task.address, "validation")[:10]
    asked = [example for example in examples if example.prompt]
    answers = []
    for example in asked:
        ids = tokenizer(example.prompt)["input_ids"]
        before = len(ids)
        with torch.inference_mode():
            while len(ids) < before + NEW:
                token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
                if token == tokenizer.eos_token_id:
                    break
                ids.append(token)
        answers.append(str(tokenizer.decode(ids[before:], skip_special_tokens=True)).strip())
    assert stored.ids.tolist() == [example.id for example in examples]
    assert [stored.answers[place] for place, one in enumerate(examples) if one.prompt] == answers
    truth = sacrebleu.corpus_chrf(answers, [[example.completion.strip() for example in asked]]).score
    base = numbers(outcome, "notes").filter(pl.col("method").is_null(), quantity="chrf")
    assert base["value"].item() == pytest.approx(truth)


def test_the_search_generates_nothing(outcome: Outcome) -> None:
    plan = outcome.plan
    generated = {task.inputs.get("cell") for task in plan.known() if task.stage == "generations"}
    chosen = plan.choice.chosen(plan.grid.pairs[0])
    assert generated == {
        None,
        *(plan.catalogue.train(Checkpoint(arm, seat)).address for arm in chosen for seat in plan.grid.seats),
    }


def test_the_report_shows_them(outcome: Outcome, tmp_path: Path, tiny_notes: Path) -> None:
    results = collect(outcome.plan)
    page = write_report(results, tmp_path / "report").read_text(encoding="utf-8")
    heads = [f'<th scope="col">{name}</th>' for name in ("BLEU", "Exact match", "chrF")]
    for words in (*heads, "Validation chrF along the training"):
        assert words in page
    assert "greedy answers of at most 10 tokens to the prompts of the first 10 validation texts" in page
    assert "BLEU is refused (—): the validation texts have no prompt and references" in page
    lines = (tmp_path / "report" / "estimates.csv").read_text(encoding="utf-8").splitlines()
    bleu = [line for line in lines if ",bleu," in line]
    assert sum(line.startswith(f"{outcome.plan.grid.pairs[0].base},notes,") for line in bleu) == 3
    assert sum(line.startswith(f"{outcome.plan.grid.pairs[0].base},bare,") for line in bleu) >= 3
    assert max(map(len, summary_table(results).splitlines())) <= 80


def test_a_further_quantity_runs_no_model(outcome: Outcome, tiny_llama: Path, tiny_notes: Path, tmp_path: Path) -> None:
    runs = shutil.copytree(outcome.store.root, tmp_path / "runs")
    table, watcher = tables(tiny_llama, tiny_notes), Recorder()
    table["study"]["utility"].append("rouge_l")
    assert not run_study(table, runs, watcher=watcher).failures
    assert {task.stage for task in watcher.done} == {"text_utility"}


def test_the_same_study_gives_the_same_bytes(
    outcome: Outcome, tiny_llama: Path, tiny_notes: Path, tmp_path: Path
) -> None:
    watcher = Recorder()
    run_study(tables(tiny_llama, tiny_notes), tmp_path / "runs", watcher=watcher)
    assert watcher.tokens["generations"] > 0
    for stage in ("generations", "text_utility"):
        paths = [path for path in (tmp_path / "runs" / stage).rglob("*") if path.is_file() and path.name != RUN]
        assert paths
        for path in paths:
            twin = outcome.store.root / path.relative_to(tmp_path / "runs")
            assert path.read_bytes() == twin.read_bytes()
