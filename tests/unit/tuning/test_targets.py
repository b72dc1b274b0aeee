"""What adapters are attached to: every matrix of the trunk of an architecture, or an error that lists what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from vestige.errors import ModelError
from vestige.testing.models import tiny_model
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods import make_method
from vestige.tuning.methods.adapted import adapted
from vestige.tuning.methods.ia3 import Ia3
from vestige.tuning.methods.layers import fan_in_fan_out, target_paths, targets_of
from vestige.tuning.methods.lora import Lora

TOKENS = {"vocab_size": 100, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
WIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}
LLAMA = {**WIDE, "intermediate_size": 64, "num_key_value_heads": 2}
EXPERTS = {**LLAMA, "num_experts_per_tok": 2}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "opt": {**WIDE, "ffn_dim": 64, "word_embed_proj_dim": 16, "do_layer_norm_before": False},
    "biogpt": {**WIDE, "intermediate_size": 64},
    "bart": {"d_model": 32, "decoder_layers": 2, "decoder_ffn_dim": 64, "decoder_attention_heads": 2},
    "phi": LLAMA,
    "mixtral": {**EXPERTS, "num_local_experts": 4},
    "gpt_oss": {**EXPERTS, "num_local_experts": 4, "head_dim": 16},
    # Shared experts and a dense block beside the stacked ones, with the names that the experts once had.
    "qwen2_moe": {
        **EXPERTS,
        "num_experts": 4,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 48,
        "mlp_only_layers": [1],
    },
    "jetmoe": {**WIDE, "num_key_value_heads": 1, "kv_channels": 16, "num_local_experts": 4, "intermediate_size": 64},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "jamba": {**EXPERTS, "num_experts": 4, "attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 4},
}
MIXTURES = ("mixtral", "gpt_oss", "qwen2_moe", "jetmoe")


def built(kind: str) -> PreTrainedModel:
    shape: dict[str, Any] = {**TOKENS, **SHAPES[kind]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(kind, **shape), dtype=torch.float32
        )
    model.requires_grad_(False).eval()
    return model


def llama_like(mlp: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj"), output: str = "o_proj") -> list[str]:
    attention = [f"self_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", output)]
    own = [*attention, *(f"mlp.{name}" for name in mlp)]
    return [f"model.layers.{block}.{name}" for block in (0, 1) for name in own]


BEFORE = {
    "llama": llama_like(),
    "qwen2": llama_like(),
    "gemma2": llama_like(),
    "gemma3": llama_like(),
    "gpt2": [
        f"transformer.h.{i}.{n}" for i in (0, 1) for n in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    ],
    "gpt_neox": [
        f"gpt_neox.layers.{block}.{name}"
        for block in (0, 1)
        for name in ("attention.query_key_value", "attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
    ],
}


@pytest.mark.parametrize("architecture", BEFORE)
def test_the_layers_of_known_architectures_and_their_order_are_fixed(architecture: Any) -> None:
    """Each A is drawn in this order: another one would give every LoRA of these models another start."""
    base = tiny_model(architecture)
    assert target_paths(base, "all") == BEFORE[architecture]
    assert target_paths(base, "attention") == [one for one in BEFORE[architecture] if ".mlp." not in one]
    assert target_paths(base, "projection") == [one for one in BEFORE[architecture] if ".mlp." in one]
    assert targets_of(base, "all").stacked == []


def test_phi_is_as_it_was() -> None:
    assert target_paths(built("phi"), "all") == llama_like(("fc1", "fc2"), output="dense")


def weights(base: PreTrainedModel) -> set[str]:
    """Parameters that a reader would call the trunk's matrices: what the issue counts, routers apart."""
    aside = ("embed", "lm_head", "norm", "bias", "router", "gate.weight", "expert_gate", "encoder_attn")
    return {name for name, v in base.named_parameters() if v.dim() > 1 and not any(part in name for part in aside)}


@pytest.mark.parametrize("kind", ["opt", "biogpt", "bart", "phi", *MIXTURES])
def test_all_is_every_matrix_of_the_trunk(kind: str) -> None:
    base = built(kind)
    whole = targets_of(base, "all")
    assert {f"{path}.weight" for path in whole.linear} | set(whole.stacked) == weights(base)
    parts = [targets_of(base, placement) for placement in ("attention", "projection")]
    assert sorted(parts[0].linear + parts[1].linear) == sorted(whole.linear)
    assert sorted(parts[0].stacked + parts[1].stacked) == sorted(whole.stacked)
    assert all("attn" in path or "attention" in path for path in parts[0].linear + parts[0].stacked)


@pytest.mark.parametrize("kind", ["opt", *MIXTURES])
def test_every_adapter_learns_and_all_come_off_again(kind: str) -> None:
    """B starts at nought, so that the model answers as before; its gradient says that the model reads it."""
    base = built(kind)
    ids = torch.arange(3, 15)[None]
    types = {name: type(module) for name, module in base.named_modules()}
    before, wanted = base(input_ids=ids).logits, targets_of(base, "all")
    with Lora(r=2).prepare(base, seed=0) as model:
        logits = model(input_ids=ids).logits
        assert torch.equal(logits, before)
        logits.log_softmax(-1)[..., 5].sum().backward()
        factors = {name: value.grad for name, value in trained_parameters(model).items() if ".lora_B." in name}
        assert len(factors) == len(wanted.linear) + len(wanted.stacked)
        assert all(grad is not None and grad.abs().sum() > 0 for grad in factors.values())
    assert {name: type(module) for name, module in base.named_modules()} == types
    assert torch.equal(base(input_ids=ids).logits, before)
    assert "model_type" not in vars(base.config)


@pytest.mark.parametrize(("changes", "what"), [({"dora": True}, "dora"), ({"dropout": 0.1}, "dropout")])
def test_what_lora_cannot_do_for_stacked_experts_is_refused(changes: dict[str, Any], what: str) -> None:
    base = built("mixtral")
    refused = pytest.raises(ModelError, match=f"mixture of experts.*no {what}.*targets = 'attention'")
    with refused, Lora(**changes).prepare(base, seed=0):
        pass
    with Lora(**changes, targets="attention").prepare(base, seed=0) as model:
        assert trained_parameters(model)


@pytest.mark.parametrize(("kind", "left"), [("mixtral", r"mlp\.experts"), ("jamba", r"layers\.#\.mamba\.in_proj")])
def test_a_base_that_would_stay_whole_in_part_is_not_quantized(kind: str, left: str) -> None:
    refused = pytest.raises(ModelError, match=rf"quantize = .nf4. would leave a part whole\..*{left}")
    with refused, Lora(targets="attention", quantize="nf4").prepare(built(kind), seed=0):
        pass


@pytest.mark.parametrize(("kind", "left"), [("mamba", r"backbone\.layers\.#\.mixer"), ("jamba", r"layers\.#\.mamba")])
def test_what_would_stay_frozen_is_an_error_that_lists_it(kind: str, left: str) -> None:
    with pytest.raises(ModelError, match=rf"targets = 'all' would leave.*{left}\.in_proj.*out_proj"):
        targets_of(built(kind), "all")


def test_attention_of_a_hybrid_is_adapted_when_it_is_named() -> None:
    assert {path.split(".")[3] for path in target_paths(built("jamba"), "attention")} == {"self_attn"}
    with pytest.raises(ModelError, match="No attention layer found in MambaForCausalLM"):
        targets_of(built("mamba"), "attention")


def test_a_matrix_of_no_known_kind_is_an_error() -> None:
    base: Any = tiny_model("llama")
    base.model.layers[1].mlp.register_parameter("mystery", nn.Parameter(torch.ones(4, 4)))
    with pytest.raises(ModelError, match=r"no adapter can be put on model\.layers\.#\.mlp\.mystery"):
        targets_of(base, "all")
    assert len(target_paths(base, "attention")) == 8


def test_linear_layers_with_both_layouts_of_weights_are_adapted_alike() -> None:
    base: Any = tiny_model("gpt2")
    block = base.transformer.h[0].mlp
    straight = nn.Linear(32, 128)
    straight.weight, straight.bias = nn.Parameter(block.c_fc.weight.T.contiguous()), block.c_fc.bias
    block.c_fc = straight.requires_grad_(False)
    assert fan_in_fan_out(base, target_paths(base, "all"))
    ids = torch.arange(3, 15)[None]
    before = base(input_ids=ids).logits
    with Lora().prepare(base, seed=0) as model:
        torch.testing.assert_close(model(input_ids=ids).logits, before)
        for value in trained_parameters(model).values():
            nn.init.normal_(value)
        moved = model(input_ids=ids).logits
        model.merge_adapter()
        torch.testing.assert_close(base(input_ids=ids).logits, moved, rtol=1e-3, atol=1e-3)
        model.unmerge_adapter()
    assert isinstance(base.transformer.h[0].mlp.c_proj, Conv1D)


@pytest.mark.parametrize("kind", ["opt", "biogpt"])
def test_ia3_scales_keys_values_and_the_last_layer_wherever_it_stands(kind: str) -> None:
    with Ia3().prepare(built(kind), seed=0) as model:
        names = {name.split(".ia3_l")[0].rpartition(".")[2] for name in trained_parameters(model)}
        assert names == {"k_proj", "v_proj", "fc2"}
        assert len(trained_parameters(model)) == 6


@pytest.mark.parametrize("kind", MIXTURES)
def test_ia3_refuses_experts_and_lists_them(kind: str) -> None:
    with (
        pytest.raises(ModelError, match=r"layers\.#\.[a-z_.]+\.[a-z_.]+.* would stay as they are"),
        Ia3().prepare(built(kind), seed=0),
    ):
        pass


def test_ia3_refuses_a_part_without_a_layer_that_it_knows() -> None:
    base: Any = tiny_model("llama")
    base.model.layers[1].mlp.last = base.model.layers[1].mlp.down_proj
    del base.model.layers[1].mlp.down_proj
    with pytest.raises(ModelError, match=r"no last projection layer in a part.*mlp\.last"), Ia3().prepare(base, seed=0):
        pass


def test_peft_is_held_to_what_was_named() -> None:
    from peft import LoraConfig

    base: Any = tiny_model("llama")
    config = LoraConfig(target_modules=["model.layers.0.mlp.up_proj", "model.layers.0.mlp.absent"])
    with (
        pytest.raises(ModelError, match=r"peft attaches nothing to model\.layers\.#\.mlp\.absent"),
        adapted(base, config),
    ):
        pass
    assert not any("lora" in name for name, _ in base.named_modules())


def test_a_hybrid_covers_what_its_lora_does() -> None:
    base = built("mixtral")
    with make_method({"name": "lora+head"}).prepare(base, seed=0) as model:
        names = list(trained_parameters(model))
    assert any(".experts.base_layer.lora_A." in name for name in names)
    assert any(".experts.lora_B." in name for name in names)
