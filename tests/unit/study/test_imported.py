"""Experiments of peft's method comparison as a study, run whole on generated rows of its form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vestige import api
from vestige.errors import ConfigError, DataError
from vestige.report.peft_comparison import write_comparison
from vestige.study.imported import import_comparison, sides
from vestige.study.spec import load_study
from vestige.testing.models import tiny_texts
from vestige.tuning.adapter_config import method_of

DEFAULTS = {
    "model_id": "meta-llama/Llama-3.2-3B",
    "dtype": "float32",
    "max_seq_length": 100,
    "batch_size": 4,
    "batch_size_eval": 50,
    "max_steps": 6,
    "eval_steps": 3,
    "compile": False,
    "seed": 0,
    "grad_norm_clip": 1.0,
    "optimizer_kwargs": {"lr": 1e-4, "weight_decay": 0.1},
    "lr_scheduler": "cosine",
    "query_template": "Question: {query} Think step by step.\nAnswer:",
}
# What the tables of the comparison are made from (its processing.py).
READ_THERE = {
    "run_info": ("created_at", "total_time", "experiment_name", "peft_branch", "train_config", "peft_config"),
    "train_info": (
        *("accelerator_memory_reserved_avg", "accelerator_memory_max", "accelerator_memory_reserved_99th"),
        *("train_time", "file_size", "num_trainable_params", "num_total_params", "status", "metrics"),
    ),
    "meta_info": ("package_info", "system_info"),
}
LAST_METRICS = ("test accuracy", "train loss", "train samples", "train total tokens")
# As `save_pretrained` writes it, and as the comparison keeps it: with fields of where it comes from.
LORA: dict[str, Any] = {
    "alpha_pattern": {},
    "auto_mapping": None,
    "base_model_name_or_path": None,
    "bias": "none",
    "fan_in_fan_out": False,
    "inference_mode": False,
    "init_lora_weights": True,
    "layers_to_transform": None,
    "lora_alpha": 64,
    "lora_dropout": 0.0,
    "loftq_config": {},
    "modules_to_save": None,
    "peft_type": "LORA",
    "r": 4,
    "target_modules": None,
    "task_type": "CAUSAL_LM",
    "use_rslora": True,
}


def write_rows(path: Path, count: int = 80) -> Path:
    """Every problem in two wordings, one after the other, but for one whose second wording comes late."""
    rows = []
    for number, text in enumerate(tiny_texts(count)):
        problem = number // 2 if number != 24 else 11
        rows.append({"query": f"What of {text}", "response": f"It is {number}. The answer is: {number}"})
        rows[-1] |= {"original_question": f"problem {problem}", "type": "MATH_Rephrased"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def comparison(tmp_path: Path) -> Path:
    """A folder as MetaMathQA's."""
    folder = tmp_path / "MetaMathQA"

    def experiment(name: str, config: dict[str, Any] | None, **params: Any) -> None:
        place = folder / "experiments" / name
        place.mkdir(parents=True)
        if config is not None:
            (place / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
        if params:
            (place / "training_params.json").write_text(json.dumps(params), encoding="utf-8")

    rate = {"weight_decay": 0.1}
    experiment("lora/rank4", LORA)
    experiment("lora/rank4-faster", LORA, optimizer_kwargs={"lr": 1e-3, **rate})
    experiment("lora/lorafa", LORA, optimizer_type="lora-fa")
    experiment("lora/short", LORA, max_steps=2)
    experiment("oft/rank32", {"peft_type": "OFT", "oft_block_size": 16, "r": 0, "target_modules": "all-linear"})
    experiment("prompt_tuning/lr", {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 5, "token_dim": 3072})
    experiment("full-finetuning/lr", None, optimizer_kwargs={"lr": 1e-3, **rate})
    experiment("new/default", {"peft_type": "BRAND_NEW"})
    experiment("adaption/odd", {**LORA, "modules_to_save": ["lm_head"]})
    (folder / "default_training_params.json").write_text(json.dumps(DEFAULTS), encoding="utf-8")
    return folder


def test_experiments_become_methods_and_the_others_are_named(comparison: Path, tmp_path: Path) -> None:
    out = tmp_path / "study.toml"
    found = import_comparison(comparison, data=write_rows(tmp_path / "rows.jsonl"), out=out)
    assert found.methods == [
        "full-finetuning/lr",
        "lora/rank4",
        "lora/rank4-faster",
        "oft/rank32",
        "prompt_tuning/lr",
    ]
    assert "AdamW" in found.left_out["lora/lorafa"]
    assert "max_steps = 2" in found.left_out["lora/short"]
    assert "no tuner BRAND_NEW" in found.left_out["new/default"]
    assert "modules_to_save" in found.left_out["adaption/odd"]
    text = out.read_text(encoding="utf-8")
    assert all(f"# Left out: {name}: " in text for name in found.left_out)
    study = load_study(out)
    assert [method.name for method in study.method] == ["full", "peft", "peft", "prompt"]
    lora = study.method[1]
    assert lora.learning_rate == (1e-4, 1e-3)
    assert lora.spec() == {
        "name": "peft",
        "type": "LORA",
        "targets": "default",
        "lora_alpha": 64,
        "r": 4,
        "use_rslora": True,
        "warmup": lora.warmup,
    }
    assert study.method[2].spec()["targets"] == "all"
    assert study.base[0].model == "meta-llama/Llama-3.2-3B"
    assert (study.training.batch_size, study.training.weight_decay) == (4, 0.1)
    corpus = study.corpus[0]
    assert (corpus.recipe, corpus.design, corpus.max_length) == ("metamathqa", "official-splits", 100)


def test_the_sides_are_the_first_rows_and_later_ones_of_other_questions(tmp_path: Path) -> None:
    first, later = sides(write_rows(tmp_path / "rows.jsonl"), trained=24)
    assert [row["query"] for row in first] == [f"What of {text}" for text in tiny_texts(80)[:24]]
    assert not {row["original_question"] for row in first} & {row["original_question"] for row in later}
    assert len(later) == 80 - 24 - 1


def test_long_rows_are_left_out_as_the_comparison_does(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", count=4)
    row = {"query": "x" * 1296, "response": "long", "original_question": "another"}
    path.write_text(json.dumps(row) + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    first, _ = sides(path, trained=2)
    assert all(len(one["query"]) < 100 for one in first)


def test_the_study_runs_and_answers_in_the_form_of_the_comparison(
    comparison: Path, tmp_path: Path, tiny_llama: Path
) -> None:
    defaults = comparison / "default_training_params.json"
    defaults.write_text(json.dumps({**DEFAULTS, "model_id": str(tiny_llama)}), encoding="utf-8")
    out = tmp_path / "study.toml"
    import_comparison(comparison, data=write_rows(tmp_path / "rows.jsonl"), out=out)
    text = out.read_text(encoding="utf-8").replace(', "final_number"', "")
    text = text.replace("epochs = 1.0", "epochs = 1.0\ncheckpoints = [0.5, 1]")
    out.write_text(text + '\n[attacks]\nuse = ["loss", "ref"]\nprimary = "ref"\n', encoding="utf-8")
    result = api.run(out, store=tmp_path / "runs", progress=False, say=lambda _: None)
    assert not result.failures
    paths = write_comparison(result.results, tmp_path / "results")
    assert len(paths) == 4
    written = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    found = {one["run_info"]["experiment_name"].partition("/")[0]: one for one in written}
    full = found["full"]
    assert full["run_info"]["peft_config"] is None
    assert full["run_info"]["train_config"]["optimizer_kwargs"] == {"lr": 1e-3, "weight_decay": 0.1}
    assert full["train_info"]["num_trainable_params"] == full["train_info"]["num_total_params"]
    assert full["train_info"]["metrics"][-1]["valid loss"] > 0
    leakage = full["leakage_info"]
    assert leakage["attack"] == "ref"
    assert 0 <= leakage["at_last_checkpoint"]["auc"]["value"] <= 1
    assert leakage["at_last_checkpoint"]["auc"]["members"] == leakage["at_last_checkpoint"]["auc"]["non_members"]
    assert set(found["prompt"]["leakage_info"]) == set(leakage)
    assert "peft-version" in full["meta_info"]["package_info"]
    assert found["prompt"]["run_info"]["peft_config"]["peft_type"] == "PROMPT_TUNING"
    for one in written:
        assert "train total tokens" in one["not_measured"]
        assert all(set(keys) <= set(one[part]) for part, keys in READ_THERE.items())
        assert set(LAST_METRICS) <= set(one["train_info"]["metrics"][-1])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_type": "LORA", "target_modules": ".*q_proj"}, "are a pattern"),
        ({"peft_type": "LORA", "layers_to_transform": [1]}, "sets layers_to_transform"),
        ({"peft_type": "LORA", "bias": "all"}, "sets bias"),
        ({"peft_type": "P_TUNING", "num_virtual_tokens": 4, "encoder_hidden_size": 9}, "sets encoder_hidden_size"),
        ({"peft_type": "LORA", "a_field_of_tomorrow": 3}, "no a_field_of_tomorrow in a config of LORA"),
        ({}, "no tuner of this config"),
    ],
)
def test_configs_that_a_study_cannot_have_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        method_of(config)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ({}, {"init": "random"}),
        ({"prompt_tuning_init": "RANDOM"}, {"init": "random"}),
        ({"prompt_tuning_init": "SAMPLE_VOCAB"}, {"init": "vocabulary"}),
        ({"prompt_tuning_init": "TEXT", "prompt_tuning_init_text": "Solve it"}, {"init": "text", "text": "Solve it"}),
    ],
)
def test_a_prompt_starts_as_it_does_there(start: dict[str, str], expected: dict[str, str]) -> None:
    config = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4, "token_dim": 3072, "num_layers": 28, **start}
    assert method_of(config) == {"name": "prompt", "tokens": 4, **expected}


def test_layers_are_named_as_they_are_there() -> None:
    assert method_of({"peft_type": "LORA", "target_modules": ["v_proj", "q_proj"]})["targets"] == "q_proj, v_proj"
    assert method_of({"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 3, "prefix_projection": True}) == {
        "name": "prefix",
        "tokens": 3,
        "projection": True,
    }


def test_what_is_missing_is_said(comparison: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl")
    with pytest.raises(ConfigError, match="holds no experiment"):
        import_comparison(tmp_path / "nothing", data=rows, out=tmp_path / "a.toml")
    with pytest.raises(DataError, match="at least 20 of each are needed"):
        import_comparison(comparison, data=write_rows(tmp_path / "few.jsonl", count=30), out=tmp_path / "a.toml")
    (tmp_path / "there.toml").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="--force"):
        import_comparison(comparison, data=rows, out=tmp_path / "there.toml")
    assert not (tmp_path / "a.toml").exists()
