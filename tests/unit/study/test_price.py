"""What a study costs, from its file alone: operations are those that torch counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from vestige.errors import ConfigError
from vestige.models.shapes import SHAPES, Shape
from vestige.study.price import DEVICES, price, training_operations
from vestige.study.spec import load_study, make_study
from vestige.testing.methods import tiny_job
from vestige.testing.models import Architecture, tiny_model
from vestige.testing.studies import tiny_study
from vestige.tuning.methods import make_method
from vestige.tuning.train import train

# Wide enough that what an adapter adds is as small a part as it is of a real model.
WIDE: dict[str, dict[str, Any]] = {
    "llama": {"hidden_size": 256, "intermediate_size": 512, "head_dim": 128, "num_hidden_layers": 4},
    "gpt2": {"n_embd": 256, "n_layer": 4},
}


LENGTH = 32


def counted(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("smollm2-135m", 134.5),
        ("openai-community/gpt2", 124.4),
        ("openai-community/gpt2-xl", 1557.6),
        ("meta-llama/Llama-2-7b-hf", 6738.4),
        ("meta-llama/Llama-3.2-1B", 1235.8),
        ("EleutherAI/pythia-1.4b", 1414.6),
        ("Qwen/Qwen2.5-7B", 7615.6),
    ],
)
def test_known_shapes_have_the_parameters_that_their_makers_name(name: str, millions: float) -> None:
    assert SHAPES[name].parameters / 1e6 == pytest.approx(millions, rel=2e-3)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen2", "gemma3"])
def test_a_shape_is_read_from_a_configuration(architecture: Architecture) -> None:
    model = tiny_model(architecture)
    assert Shape.of(model.config).parameters == pytest.approx(model.num_parameters(), rel=0.05)


def test_the_passes_of_the_default_model_are_those_that_torch_counts() -> None:
    """On tensors without content: shapes alone are counted."""
    shape, length = SHAPES["smollm2-135m"], 128
    config = AutoConfig.for_model(
        "llama",
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=9,
        num_key_value_heads=3,
        tie_word_embeddings=True,
    )
    assert Shape.of(config) == shape
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        ids, mask = torch.zeros((2, length), dtype=torch.long), torch.zeros((2, 1, length, length))
    forward = counted(lambda: model(input_ids=ids, attention_mask=mask, use_cache=False))
    assert forward == pytest.approx(2 * length * (shape.forward(length=length) + shape.logits), rel=0.1)
    both = counted(lambda: model(input_ids=ids, attention_mask=mask, use_cache=False).logits.sum().backward())
    full = training_operations(shape, make_method({"name": "full"}), texts=2, length=length, epochs=1)
    assert both == pytest.approx(full, rel=0.1)


@pytest.mark.parametrize(
    ("table", "architecture"),
    [
        ({"name": "full"}, "llama"),
        ({"name": "full"}, "gpt2"),
        ({"name": "head"}, "llama"),
        ({"name": "lora", "r": 1}, "gpt2"),
        ({"name": "prompt", "tokens": 8}, "llama"),
        ({"name": "prefix", "tokens": 8}, "llama"),
        ({"name": "lora+head", "lora": {"r": 1}}, "gpt2"),
    ],
    ids=lambda one: one if isinstance(one, str) else str(one["name"]),
)
def test_a_training_costs_what_torch_counts(table: dict[str, Any], architecture: Architecture, tmp_path: Path) -> None:
    base = tiny_model(architecture, **WIDE[architecture])
    method, epochs = make_method(table), 2
    job = tiny_job(tmp_path, learning_rate=1e-4, texts=8, checkpoints=(epochs,))
    # Of one length, so that nothing is padded.
    texts = [replace(text, ids=np.resize(text.ids, LENGTH), end=LENGTH) for text in job.texts]
    with method.prepare(base.requires_grad_(False), seed=0) as model:
        found = counted(lambda: train(model, replace(job, texts=texts), progress=lambda _: None))
    asked: dict[str, Any] = {"texts": 8, "length": LENGTH, "epochs": epochs}
    trained = sum(LENGTH - text.first for text in texts) / (8 * LENGTH)
    expected = training_operations(Shape.of(base.config), method, **asked, trained=trained)
    assert found == pytest.approx(expected, rel=0.1)
    assert expected <= training_operations(Shape.of(base.config), method, **asked), "where every token is trained"


@pytest.mark.parametrize("file", sorted(Path("studies/paper").glob("*.toml")), ids=lambda path: path.stem)
def test_the_studies_of_the_paper_are_priced_without_network_or_weights(
    file: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    found = price(load_study(repo / file, strict=False), device="h100")
    assert found.operations > 1e18
    assert 3600 < found.seconds < 30 * 86_400
    assert not found.unpriced
    assert {item.what for item in found.items} >= {"score"}
    faster = price(load_study(repo / file, strict=False), device="a100")
    assert faster.operations == found.operations
    assert faster.seconds > found.seconds


def test_a_price_counts_what_a_study_asks(tiny_notes: Path) -> None:
    table = tiny_study(model=Path("openai-community/gpt2"), corpus=tiny_notes)
    once = price(make_study(table), device="h200")
    table["study"]["seeds"] = [0, 1]
    twice = price(make_study(table), device="h200")
    train = {item.what: item for item in once.items}
    assert {item.what: item.tasks for item in twice.items if item.what.startswith("train prompt")} == {
        "train prompt(tokens=4)": 2 * train["train prompt(tokens=4)"].tasks
    }
    assert once.fits
    assert once.memory > 124e6 * 2


@pytest.mark.parametrize(
    ("model", "device", "message"),
    [
        ("openai-community/gpt2", "h10", "Did you mean 'h100'"),
        ("openai-community/gpt3", "h100", "Did you mean 'openai-community/gpt2'"),
    ],
)
def test_what_is_not_known_is_named(model: str, device: str, message: str, tiny_notes: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        price(make_study(tiny_study(model=Path(model), corpus=tiny_notes)), device=device)
    assert device in DEVICES or device == "h10"
