"""Each method is tried on each base before anything is written: it works, or one line says why it does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from vestige.errors import ModelError, Stopped
from vestige.models import loading
from vestige.models.loading import load_base
from vestige.models.sources import resolve
from vestige.study import dry_run
from vestige.study.dry_run import try_base, try_methods
from vestige.study.inputs import read_inputs
from vestige.study.spec import make_study
from vestige.testing.models import save_tiny_masked_model, save_tiny_model, tiny_tokenizer
from vestige.testing.studies import plan_of, tiny_study
from vestige.tuning.methods import discover

_SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 128}
_TOKENS = {"vocab_size": 400, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_FALCON = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
_MPT = {"d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 128}
_STABLELM = {**_SHAPE, "intermediate_size": 64, "num_key_value_heads": 2}


def save(folder: Path, kind: str, **shape: Any) -> Path:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **_TOKENS, **shape)
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def table_of(model: Path, notes: Path, *methods: dict[str, Any], **changes: Any) -> dict[str, Any]:
    table = tiny_study(model=model, corpus=notes)
    table["method"] = list(methods) or [{"name": "lora", "r": 2}]
    for name, values in changes.items():
        table[name] = table.get(name, {}) | values
    return table


def attempt(table: dict[str, Any]) -> None:
    """The dry pass of a study alone."""
    study = make_study(table)
    for base in study.base:
        try_base(resolve(base.model), study, dtype="float32")


def test_a_rate_that_diverges_is_no_fault_of_the_model(tmp_path: Path, tiny_notes: Path) -> None:
    model = save(tmp_path / "llama", "llama", **_SHAPE, intermediate_size=64)
    attempt(table_of(model, tiny_notes, {"name": "lora", "r": 2, "learning_rate": 1e36}))


@pytest.mark.parametrize(
    ("kind", "shape", "method", "expected"),
    [
        ("mamba", {"hidden_size": 32, "num_hidden_layers": 1, "state_size": 4}, "lora", "MambaForCausalLM.*in_proj"),
        ("mpt", _MPT, "prefix", "MptForCausalLM. does not work with the method prefix"),
        ("falcon", _FALCON, "prefix", "FalconForCausalLM. does not work with the method prefix.*size of tensor"),
        ("falcon", _FALCON, "prompt", ""),
        ("stablelm", _STABLELM, "p_tuning", ""),
        ("stablelm", _STABLELM, "lora+prompt", ""),
    ],
)
def test_a_method_works_with_an_architecture_or_is_refused_before_the_run(
    tmp_path: Path, tiny_notes: Path, kind: str, shape: dict[str, Any], method: str, expected: str
) -> None:
    table = table_of(save(tmp_path / "model", kind, **shape), tiny_notes, {"name": method})
    table["study"]["utility"] = ["loss", "exact_match"]
    if not expected:
        attempt(table)
        return
    with pytest.raises(ModelError, match=expected) as caught:
        plan_of(table, tmp_path / "runs")
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_base_is_as_it_was_after_every_method_was_tried(tmp_path: Path, tiny_notes: Path) -> None:
    folder = save_tiny_model(tmp_path / "model", "gpt2")
    base = load_base(resolve(str(folder)), dtype="float32")
    before = {name: value.clone() for name, value in base.state_dict().items()}
    names = {name for name, _ in base.named_modules()}
    state = torch.get_rng_state()
    attempt(table_of(folder, tiny_notes, *({"name": name} for name in discover())))
    assert load_base(resolve(str(folder)), dtype="float32") is base
    assert {name for name, _ in base.named_modules()} == names
    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())
    assert not any(value.requires_grad or value.grad is not None for value in base.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_what_was_tried_is_not_tried_again(tmp_path: Path, tiny_notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(save_tiny_model(tmp_path / "model", "qwen2"), tiny_notes)
    attempt(table)
    loading.forget_base()
    monkeypatch.setattr(loading, "_load", lambda *_, **__: pytest.fail("the base is loaded again"))
    attempt(table)
    with pytest.raises(pytest.fail.Exception):
        attempt(table | {"method": [{"name": "head"}]})


def test_a_base_that_a_method_failed_on_is_not_used_again(tmp_path: Path, tiny_notes: Path) -> None:
    """What a method left half attached must not be met by the next one."""
    source = resolve(str(save(tmp_path / "model", "falcon", **_FALCON)))
    spoiled = load_base(source, dtype="float32")
    study = make_study(table_of(source.path, tiny_notes, {"name": "prefix"}))
    with pytest.raises(ModelError):
        try_methods(source, study, dtype="float32")
    assert load_base(source, dtype="float32") is not spoiled


def test_a_tokenizer_of_another_model_is_refused_and_an_added_padding_token_is_not(
    tmp_path: Path, tiny_notes: Path
) -> None:
    folder = save_tiny_model(tmp_path / "model", vocab_size=399)
    with pytest.raises(ModelError, match=r"tokenizer of .* is not that of its weights: 1 of its tokens .* 399"):
        attempt(table_of(folder, tiny_notes))
    folder = save_tiny_model(tmp_path / "padded")
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "<a pad of its own>"})
    tokenizer.save_pretrained(folder)
    attempt(table_of(folder, tiny_notes))


def test_foreign_parts_are_named_before_the_run(tmp_path: Path, tiny_notes: Path) -> None:
    folder = save_tiny_model(tmp_path / "model")
    weights = load_file(folder / "model.safetensors") | {"reward_head.dense.weight": torch.ones(1, 32)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    prepared = read_inputs(make_study(table_of(folder, tiny_notes)))
    (base,) = prepared.identities.bases.values()
    assert base.foreign == ("reward_head",)
    assert any("left aside" in line and "reward_head" in line for line in prepared.identities.remarks)
    assert "reward_head" in base.note


def test_a_masked_model_without_its_head_is_refused_before_the_run(tmp_path: Path, tiny_notes: Path) -> None:
    bert = save_tiny_masked_model(tmp_path / "bert")
    path = bert / "model.safetensors"
    trunk = {name: value for name, value in load_file(path).items() if name.startswith("bert.")}
    save_file(trunk, path, metadata={"format": "pt"})
    attack = {"name": "neighbourhood", "masked_lm": str(bert), "versions": 2}
    table = table_of(save_tiny_model(tmp_path / "model"), tiny_notes, attacks={"use": ["ref", attack]})
    with pytest.raises(ModelError, match=r"BertForMaskedLM are missing .*cls\.predictions"):
        plan_of(table, tmp_path / "runs")


def test_nothing_is_written_for_a_base_that_is_not_whole(tmp_path: Path, tiny_notes: Path) -> None:
    folder = save_tiny_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"9 weights .* are missing"):
        plan_of(table_of(folder, tiny_notes), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_model_for_texts_of_no_token_is_refused(tiny_llama: Path, tiny_notes: Path, tmp_path: Path) -> None:
    model = shutil.copytree(tiny_llama, tmp_path / "model")
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 0}), encoding="utf-8")
    with pytest.raises(ModelError, match="made for texts of 0 tokens"):
        plan_of(table_of(model, tiny_notes), tmp_path / "runs")


def test_a_trial_that_is_stopped_claims_no_state(
    tiny_llama: Path, tiny_notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise Stopped("The training has kept its state at step 1 of 1, and goes on from there.", number=15)

    monkeypatch.setattr(dry_run, "_train", stop)
    monkeypatch.setattr(dry_run, "_tried", set())
    with pytest.raises(Stopped) as caught:
        attempt(table_of(tiny_llama, tiny_notes))
    assert (str(caught.value), caught.value.exit_status) == ("", 128 + 15)
