"""`scratch:1m` and its like: names, and shapes with about as many parameters as they say."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from vestige.errors import ConfigError
from vestige.pretraining.sizes import config_of, parameters_asked, rate_of, size_of
from vestige.pretraining.spec import Pretraining, Shape

TABLE: dict[str, Any] = {"path": "texts.jsonl"}


@pytest.mark.parametrize(
    ("name", "count"), [("scratch:300k", 300_000), ("scratch:0.3m", 300_000), ("scratch:10m", 10_000_000)]
)
def test_a_name_says_how_many_parameters(name: str, count: int) -> None:
    assert parameters_asked(name) == count


@pytest.mark.parametrize("name", ["scratch:", "scratch:1", "scratch:1b", "scratch:0m", "scratch:9k", "scratch:9999m"])
def test_other_names_are_refused_with_examples(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no size of a model to pretrain.*scratch:0\.3m"):
        parameters_asked(name)


@pytest.mark.parametrize("shape", ["llama", "gpt2"])
@pytest.mark.parametrize("asked", [300_000, 1_000_000, 3_000_000, 10_000_000])
def test_a_model_has_about_the_parameters_that_it_is_named_for(shape: Shape, asked: int) -> None:
    pretraining = Pretraining(**TABLE, shape=shape)
    size = size_of(asked, vocabulary=pretraining.vocabulary)
    config = AutoConfig.for_model(shape, **config_of(size, pretraining, end=0))
    model = AutoModelForCausalLM.from_config(config)
    positions = pretraining.context * size.width if shape == "gpt2" else 0
    assert model.num_parameters() - positions == pytest.approx(asked, rel=0.08)
    assert model.num_parameters() - positions == pytest.approx(size.parameters(pretraining.vocabulary), rel=0.03)
    assert 10 <= size.width / size.layers <= 80


def test_a_family_grows_in_width_and_depth() -> None:
    sizes = [size_of(asked, vocabulary=4096) for asked in (300_000, 1_000_000, 3_000_000, 10_000_000, 100_000_000)]
    assert sorted(size.width for size in sizes) == [size.width for size in sizes]
    assert sorted(size.inner for size in sizes) == [size.inner for size in sizes]


def test_the_learning_rate_falls_with_the_size_unless_it_is_given() -> None:
    rates = [
        rate_of(size_of(asked, vocabulary=4096), Pretraining(**TABLE)) for asked in (300_000, 1_000_000, 16_000_000)
    ]
    assert rates == pytest.approx([4.1e-3, 3e-3, 1.5e-3], rel=0.03)
    assert rate_of(size_of(300_000, vocabulary=4096), Pretraining(**TABLE, learning_rate=0.01)) == 0.01
