"""Tuners of peft by their type: each keeps the promises of a method, or is refused with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import PreTrainedModel

from vestige.errors import ModelError
from vestige.testing.methods import attached, check_method, tiny_job
from vestige.testing.models import Architecture, tiny_model
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods import make_method
from vestige.tuning.methods.base import Method
from vestige.tuning.methods.peft import Peft
from vestige.tuning.train import train

# Each of these is a case of its own; the others, which take as long, are slow tests.
FAST = ("ADALORA", "C3A", "LN_TUNING", "SHIRA")
NAMED: dict[str, dict[str, Any]] = {
    "OFT": {},
    "SHIRA": {"r": 4},
    "MISS": {"r": 4},
    "VERA": {},
    "LN_TUNING": {"targets": "norms"},
    "ADALORA": {"init_r": 4, "target_r": 2, "tinit": 2, "tfinal": 3},
    "HIRA": {},
    "C3A": {"block_size": 8},
}
OTHERS: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in ("ADAMSS", "BEFT", "BOFT", "DEFT", "DELORA", "FROD", "GLORA", "GRALORA", "HRA", "IA3")},
    **{kind: {} for kind in ("LOHA", "LOKR", "LORA", "OSF", "PEANUT", "PVERA", "RANDLORA", "SUPERTUNING")},
    "TINYLORA": {},
    "FOURIERFT": {"n_frequency": 50},
    "PSOFT": {"r": 4},
    "ROAD": {"group_size": 8},
    "UNILORA": {},
    "VBLORA": {"vector_length": 8, "num_vectors": 16},
    "WAVEFT": {"n_frequency": 50},
}

# SHiRA multiplies sparse matrices, and torch asks whether these are to be checked.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")


def method(kind: str, **options: Any) -> Method:
    return make_method({"name": "peft", "type": kind, "learning_rate": 3e-2, **options})


@pytest.mark.parametrize("kind", FAST)
def test_it_keeps_the_promises_of_a_method(kind: str) -> None:
    check_method(method(kind, **NAMED[kind]))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["gpt2", "qwen2", "gemma3"])
@pytest.mark.parametrize("kind", NAMED | OTHERS)
def test_it_keeps_them_wherever_peft_can_attach_it(kind: str, architecture: Architecture) -> None:
    if (kind, architecture) == ("TINYLORA", "qwen2"):
        pytest.skip("a number for each layer is too little to learn the tiny texts by in ten epochs")
    one = method(kind, **(NAMED | OTHERS)[kind])
    try:
        attached(one, tiny_model(architecture))
    except ModelError as error:
        pytest.skip(str(error))
    check_method(one, architecture=architecture)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted((NAMED | OTHERS).keys() - FAST))
def test_others_keep_the_promises_too(kind: str) -> None:
    check_method(method(kind, **(NAMED | OTHERS)[kind]))


@pytest.mark.parametrize("start", [pytest.param("olora", marks=pytest.mark.slow), "pissa"])
def test_a_start_that_takes_a_part_out_of_the_base_leaves_it_as_it_was(start: str) -> None:
    check_method(method("LORA", init_lora_weights=start))


def test_adalora_ends_with_the_ranks_that_it_is_to_end_with(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, learning_rate=1e-2, checkpoints=(5, 10))
    with method("ADALORA", init_r=4, target_r=2).prepare(tiny_model("llama"), seed=0) as model:
        values = [value for name, value in trained_parameters(model).items() if "lora_E" in name]
        train(model, job, progress=lambda _: None)
        left = torch.cat([value.flatten() for value in values])
    assert len(left) == 4 * len(values)
    assert int((left != 0).sum()) == 2 * len(values)


def test_every_training_of_a_study_has_the_same_frozen_parts() -> None:
    """SHiRA draws which entries it trains, and VeRA its projections: a checkpoint holds neither."""
    for kind, held in (("SHIRA", "shira_indices"), ("VERA", "vera_A")):
        models = [attached(method(kind, **NAMED[kind]), tiny_model("llama"), seed=seed) for seed in (0, 1)]
        first, second = (
            [v for n, v in model.state_dict(keep_vars=True).items() if held in n] or _held(model, held)
            for model in models
        )
        assert first
        assert all(map(torch.equal, first, second))


def _held(model: torch.nn.Module, name: str) -> list[torch.Tensor]:
    found = (getattr(module, name, None) for module in model.modules())
    return [value for one in found if one is not None for value in dict(one).values()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "OFTT"}, "no tuner OFTT. Did you mean 'OFT'"),
        ({"type": "PROMPT_TUNING"}, 'a method of its own: name = "prompt"'),
        ({"type": "OFT", "oft_blok_size": 4}, "no oft_blok_size. Did you mean 'oft_block_size'"),
        ({"type": "OFT", "oft_block_size": "x"}, "oft_block_size: Input should be a valid integer"),
        ({"type": "VERA", "modules_to_save": ["lm_head"]}, "`lora\\+head` trains the output layer too"),
        ({"type": "VERA", "target_modules": ["q_proj"]}, "`targets` says which layers"),
        ({"type": "ADALORA", "total_step": 10}, "it is that of the training"),
        ({"type": "ADAMSS", "use_asa": True}, "no training could go on from it"),
        ({"type": "LORA", "init_lora_weights": "eva"}, "reads texts before it begins"),
        ({"type": "XLORA"}, "put on no layers"),
        ({"type": "MULTITASK_PROMPT_TUNING"}, "put on no layers"),
        ({"type": "CPT"}, "put on no layers"),
        ({"type": "ADAPTION_PROMPT"}, "cannot be taken off a model again"),
    ],
)
def test_what_a_study_cannot_have_is_refused_with_its_reason(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_method({"name": "peft", **options})


@pytest.mark.parametrize(
    ("kind", "architecture", "message"),
    [
        ("LILY", "llama", "depend on what stands beside it in a batch"),
        ("OFT", "gpt2", "cannot put OFT on GPT2LMHeadModel: Target module Conv1D"),
        ("C3A", "llama", "cannot put C3A on LlamaForCausalLM: The block size should be a factor"),
    ],
)
def test_what_does_not_fit_a_model_is_refused(kind: str, architecture: Architecture, message: str) -> None:
    base = tiny_model(architecture)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    with pytest.raises(ModelError, match=message), method(kind).prepare(base, seed=0):
        pass
    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())


def test_options_are_part_of_the_spec_and_of_the_name() -> None:
    one = method("oft", oft_block_size=16)
    assert isinstance(one, Peft)
    assert one.spec() == {"name": "peft", "type": "OFT", "targets": "all", "warmup": 0.2, "oft_block_size": 16}
    assert one.label == "peft(type=OFT, oft_block_size=16)"
    assert make_method({**one.spec(), "learning_rate": 3e-2}) == one


def _adapted(base: PreTrainedModel, **options: Any) -> set[str]:
    with method("LORA", **options).prepare(base, seed=0) as model:
        return {name.partition(".lora_")[0].removeprefix("base_model.model.") for name in trained_parameters(model)}


def test_layers_can_be_named_or_left_to_peft() -> None:
    llama, gpt2 = tiny_model("llama"), tiny_model("gpt2")
    named = _adapted(llama, targets="q_proj, mlp.up_proj")
    assert {path.rpartition(".")[2] for path in named} == {"q_proj", "up_proj"}
    assert len(named) == 4, "in both blocks"
    assert {path.rpartition(".")[2] for path in _adapted(llama, targets="default")} == {"q_proj", "v_proj"}
    assert {path.rpartition(".")[2] for path in _adapted(gpt2, targets="default")} == {"c_attn"}


@pytest.mark.parametrize(
    ("targets", "message"), [("q_prj", "no layer q_prj. Did you mean 'q_proj'"), ("q_proj, lm_hed", "no layer lm_hed")]
)
def test_layers_that_a_model_has_not_are_refused(targets: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        attached(method("LORA", targets=targets), tiny_model("llama"))
    with pytest.raises(ValidationError, match="names of layers"):
        method("LORA", targets="q proj")


def test_the_output_layer_is_not_to_be_named() -> None:
    with pytest.raises(ModelError, match=r"lm_head is the output layer .* `lora\+head`"):
        attached(method("LORA", targets="q_proj, lm_head"), tiny_model("llama"))


def test_what_a_tuner_does_is_tried_whatever_its_layers_are_called() -> None:
    with pytest.raises(ModelError, match="stands beside it in a batch"):
        attached(method("LILY", targets="c_attn"), tiny_model("gpt2"))
    assert method("LORA", targets="c_attn").starts_as_base


def test_layers_that_peft_does_not_choose_are_to_be_named() -> None:
    base = tiny_model("llama")
    config: Any = base.config
    config.model_type = "nothing_known"
    with pytest.raises(ModelError, match="for LORA on nothing_known: name them"):
        attached(method("LORA", targets="default"), base)
