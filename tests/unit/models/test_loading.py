"""What is loaded is the model that was stored, whole and sound, or an error that says what is wrong with it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM, BertConfig, BertForPreTraining, BertModel, T5Config
from transformers import LlamaForSequenceClassification as Classifier

from vestige.errors import ModelError
from vestige.models.loading import foreign_to_base, load_base, load_config, load_masked, load_tokenizer, parameters_of
from vestige.models.sources import ModelSource, resolve
from vestige.testing.models import save_tiny_masked_model, save_tiny_model, tiny_model, tiny_tokenizer

Weights = dict[str, torch.Tensor]
Change = Callable[[Weights], Weights]


def base(folder: Path) -> ModelSource:
    return resolve(str(folder))


def load(folder: Path) -> None:
    source = base(folder)
    load_tokenizer(source)
    load_base(source, dtype="float32")


def change(folder: Path, how: Change) -> Path:
    save_file(how(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def configure(folder: Path, file: str = "config.json", **values: Any) -> Path:
    table = json.loads((folder / file).read_text(encoding="utf-8"))
    (folder / file).write_text(json.dumps(table | values), encoding="utf-8")
    return folder


@pytest.fixture
def llama(tiny_llama: Path, tmp_path: Path) -> Path:
    """A copy of the tiny Llama, whose output head is tied, to be spoiled."""
    return shutil.copytree(tiny_llama, tmp_path / "llama")


@pytest.fixture
def untied(tmp_path: Path) -> Path:
    """A tiny Llama with an output head of its own."""
    return save_tiny_model(tmp_path / "untied", tie_word_embeddings=False)


def without(part: str) -> Change:
    return lambda weights: {name: value for name, value in weights.items() if part not in name}


def renamed(prefix: str) -> Change:
    return lambda weights: {prefix + name: value for name, value in weights.items()}


def with_more(**more: torch.Tensor) -> Change:
    return lambda weights: weights | {name.replace("__", "."): value for name, value in more.items()}


def all_of(part: str, how: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    return lambda weights: {name: how(value).contiguous() if part in name else value for name, value in weights.items()}


# Missing, mismatched, left over


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (without("lm_head"), r"1 weights of a LlamaForCausalLM are missing .*lm_head\.weight"),
        (without(".layers.1."), r"9 weights .* missing .*model\.layers\.1\.input_layernorm\.weight.*and 5 more"),
        (without("model.norm"), r"missing .*model\.norm\.weight"),
        (renamed("module.student."), r"missing .*hold others that do not belong: module\.student"),
        (all_of("lm_head", lambda value: value[:396]), r"another shape.*lm_head\.weight is stored as \(396, 32\)"),
        (all_of("q_proj", lambda value: value[:, :16]), r"2 have another shape"),
        (with_more(model__layers__2__mlp__up_proj__weight=torch.ones(64, 32)), r"left over inside.*layers\.2\.mlp"),
        (with_more(model__layers__0__self_attn__q_proj__bias=torch.ones(32)), r"left over inside.*q_proj\.bias"),
        (with_more(model__layers__0__self_attn__q_norm__weight=torch.ones(16)), r"left over inside.*q_norm"),
        (with_more(lm_head__bias=torch.ones(400)), r"left over inside.*lm_head\.bias"),
    ],
    ids=lambda value: "" if callable(value) else value[:24],
)
def test_weights_that_are_not_those_of_the_model_are_refused(untied: Path, spoil: Change, expected: str) -> None:
    change(untied, spoil)
    with pytest.raises(ModelError, match=f"(?s){expected}") as caught:
        load(untied)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layers", [1, 3])
def test_a_config_with_other_layers_than_are_stored_is_refused(llama: Path, layers: int) -> None:
    configure(llama, num_hidden_layers=layers)
    with pytest.raises(ModelError, match="left over inside" if layers == 1 else "missing"):
        load(llama)


def test_a_trunk_without_its_head_is_refused_and_one_whose_head_is_tied_is_whole(tmp_path: Path) -> None:
    for tied in (False, True):
        folder = tmp_path / f"trunk-{tied}"
        trunk: Any = tiny_model("llama", tie_word_embeddings=tied)
        trunk.model.save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
    load(tmp_path / "trunk-True")
    with pytest.raises(ModelError, match=r"missing .*lm_head\.weight"):
        load(tmp_path / "trunk-False")


def test_a_classifier_is_no_language_model(tmp_path: Path) -> None:
    Classifier(tiny_model("llama", tie_word_embeddings=False).config).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"lm_head\.weight.*do not belong: score\.weight"):
        load(tmp_path)


def test_foreign_parts_are_left_aside_and_named(llama: Path) -> None:
    more = {
        "vision_tower.layers.0.weight": torch.ones(4, 4),
        "v_head.summary.weight": torch.ones(1, 32),
        "model.projector.linear.weight": torch.ones(4, 4),
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8),
    }
    change(llama, lambda weights: weights | more)
    load(llama)
    assert foreign_to_base(base(llama), dtype="float32") == ("model.projector", "v_head", "vision_tower")


def test_parameters_that_are_used_twice_count_once(tmp_path: Path) -> None:
    """Input embeddings that are the output layer too are one matrix, of a row per token."""
    counts, sizes = [], []
    for tied in (False, True):
        folder = tmp_path / f"tied-{tied}"
        model: Any = tiny_model("llama", tie_word_embeddings=tied)
        model.save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
        counts.append(parameters_of(base(folder), dtype="float32"))
        sizes.append(model.get_input_embeddings().weight.numel())
    assert counts[0] - counts[1] == sizes[0] == sizes[1]


def test_public_gpt2_files_load(tmp_path: Path) -> None:
    """Without the prefix, with the masks that each layer kept, and without the head, which is tied."""
    folder = save_tiny_model(tmp_path, "gpt2")
    masks: Weights = {f"h.{layer}.attn.bias": torch.ones(1, 1, 128, 128, dtype=torch.uint8) for layer in (0, 1)}
    masks |= {f"h.{layer}.attn.masked_bias": torch.tensor(-1e4) for layer in (0, 1)}
    change(
        folder, lambda weights: {name.removeprefix("transformer."): value for name, value in weights.items()} | masks
    )
    load(folder)
    assert foreign_to_base(base(folder), dtype="float32") == ()
    change(folder, lambda weights: weights | {"h.2.ln_1.weight": torch.ones(32)})
    with pytest.raises(ModelError, match=r"left over inside.*h\.2\.ln_1"):
        load(folder)


def test_public_bert_files_load_as_masked_models_and_a_trunk_does_not(tmp_path: Path) -> None:
    folder = save_tiny_masked_model(tmp_path)
    config = BertConfig.from_pretrained(folder)
    BertForPreTraining(config).save_pretrained(folder)
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def as_in_2018(weights: Weights) -> Weights:
        for new, name in old.items():
            weights = {key.replace(new, name): value for key, value in weights.items()}
        return weights | {"bert.embeddings.position_ids": torch.arange(128)[None]}

    change(folder, as_in_2018)
    load_masked(base(folder))
    BertModel(config).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"BertForMaskedLM are missing .*cls\.predictions"):
        load_masked(base(folder))


# Weights that cannot be


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (all_of("", torch.zeros_like), "all zero"),
        (all_of(".layers.1.", torch.zeros_like), r"all zero: model\.layers\.1\."),
        (all_of("embed_tokens", torch.zeros_like), r"all zero: model\.embed_tokens\.weight"),
        (all_of("norm", torch.zeros_like), "same chance"),
        (all_of("0.mlp.up_proj", lambda value: value * 1e8), r"not finite or beyond 100000: .*up_proj"),
        (all_of("", lambda value: value * 1e4), "its weights are broken"),
        (all_of("1.self_attn.k_proj", lambda value: value * torch.nan), r"not finite .*k_proj"),
        (all_of("down_proj", lambda value: value / 0), r"not finite .*down_proj"),
        (all_of("up_proj", lambda value: (value * 100).to(torch.int8)), r"2 weights are stored as I8"),
        (all_of("embed_tokens", lambda value: value.to(torch.float8_e4m3fn)), r"stored as F8_E4M3"),
        (all_of("norm", lambda value: value > 0), r"stored as BOOL"),
    ],
    ids=lambda value: "" if callable(value) else value[:24],
)
def test_broken_weights_are_refused(llama: Path, spoil: Change, expected: str) -> None:
    change(llama, spoil)
    with pytest.raises(ModelError, match=expected):
        load(llama)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_may_be_any_float(llama: Path, dtype: torch.dtype) -> None:
    load(change(llama, all_of("", lambda value: value.to(dtype))))


def test_a_layer_that_begins_as_identity_is_no_broken_one(llama: Path) -> None:
    """As in models that were deepened: the layer's last matrices are zero, and it adds nothing."""
    for part in ("1.self_attn.o_proj", "1.mlp.down_proj"):
        change(llama, all_of(part, torch.zeros_like))
    load(llama)


# Configurations that cannot be


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, r"quantized \(gptq\).*dequantize"),
        ({"quantization_config": {"quant_method": "a method of tomorrow"}}, r"quantized \(a method of tomorrow\)"),
        ({"dtype": "banana"}, "dtype = 'banana' is none of float64, float32"),
        ({"torch_dtype": "int8"}, "torch_dtype = 'int8'"),
        ({"vocab_size": 10**12}, "describes a model of 32,000,000,0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers = 1000000000 is more than any model has"),
        ({"num_hidden_layers": 90_000}, "describes 90,000 layers, and the weights beside it are 20 tensors"),
        ({"hidden_size": 10**7}, "The two are not of one model|Cannot load"),
        ({"hidden_act": "wiggle"}, "Cannot load the model .*wiggle"),
        ({"num_attention_heads": 0}, "Cannot load the .*model"),
        ({"model_type": "no-such-type"}, "Cannot load the .*model .*no-such-type"),
        ({"vocab_size": "many"}, "Cannot load the .*model"),
        ({"_attn_implementation": "some-org/some-kernel"}, r"code of its own.*attn_implementation"),
        ({"transformers_weights": "other.safetensors"}, "other files hold the weights"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_of_nonsense_is_refused(llama: Path, values: dict[str, Any], expected: str) -> None:
    configure(llama, **values)
    with pytest.raises(ModelError, match=expected) as caught:
        load(llama)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'"text"', b"\xff\xfe\x00", b"[" * 100_000], ids=repr)
def test_a_description_that_cannot_be_read_is_refused(llama: Path, file: str, content: bytes) -> None:
    (llama / file).write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(file)) as caught:
        load(llama)
    assert "\n" not in str(caught.value)


# Files that are not whole


def test_a_git_lfs_pointer_is_named(llama: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 269060552\n"
    (llama / "model.safetensors").write_text(pointer, encoding="utf-8")
    with pytest.raises(ModelError, match=r"model\.safetensors is a git-lfs pointer.*git lfs pull"):
        load(llama)


@pytest.mark.parametrize("kept", [0, 4, 500, 100_000])
def test_a_download_that_broke_off_is_named(llama: Path, kept: int) -> None:
    path = llama / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged or not whole .*Fetch it again"):
        load(llama)


# Models that are no causal language models


def test_an_encoder_is_no_base(tmp_path: Path) -> None:
    save_tiny_masked_model(tmp_path)
    with pytest.raises(ModelError, match=r"not a causal language model.*encoder such as BERT"):
        load(tmp_path)


def test_an_encoder_with_a_decoder_is_no_base(tmp_path: Path) -> None:
    config = T5Config(vocab_size=400, d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2)
    AutoModelForSeq2SeqLM.from_config(config).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="encoder with a decoder, such as T5"):
        load(tmp_path)


def test_a_causal_model_is_no_masked_one(tiny_llama: Path) -> None:
    with pytest.raises(ModelError, match=r"Cannot load the model .*AutoModelForMaskedLM"):
        load_masked(base(tiny_llama))


# Code that a model brings


@pytest.fixture
def with_code(llama: Path) -> Path:
    """A model whose own files would leave a mark if they were run."""
    for name in ("configuration_mine", "modeling_mine", "tokenization_mine"):
        (llama / f"{name}.py").write_text(f"open({str(llama / 'CODE_WAS_RUN')!r}, 'w')\n", encoding="utf-8")
    return llama


def test_a_model_that_needs_its_own_code_is_refused(with_code: Path) -> None:
    auto_map = {"AutoConfig": "configuration_mine.Mine", "AutoModelForCausalLM": "modeling_mine.Mine"}
    configure(with_code, model_type="mine", auto_map=auto_map)
    for loading in (load_config, load_tokenizer):
        with pytest.raises(ModelError, match=r"code of its own, which config\.json asks for"):
            loading(base(with_code))
    assert not (with_code / "CODE_WAS_RUN").exists()


def test_a_tokenizer_that_needs_its_own_code_is_refused(with_code: Path) -> None:
    auto_map = {"AutoTokenizer": ["tokenization_mine.Mine", None]}
    configure(with_code, "tokenizer_config.json", tokenizer_class="Mine", auto_map=auto_map)
    with pytest.raises(ModelError, match=r"code of its own, which tokenizer_config\.json asks for"):
        load_tokenizer(base(with_code))
    assert not (with_code / "CODE_WAS_RUN").exists()


def test_code_beside_a_model_that_transformers_knows_is_left_alone(with_code: Path) -> None:
    configure(with_code, auto_map={"AutoConfig": "configuration_mine.Mine", "AutoModelForCausalLM": "modeling_mine.A"})
    load(with_code)
    assert not (with_code / "CODE_WAS_RUN").exists()
