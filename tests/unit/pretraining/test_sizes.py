"""`scratch:1m` and its like: names, and shapes with about as many parameters as they say."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from vestige.errors import ConfigError
from vestige.pretraining.sizes import config_of, parameters_asked, rate_of, rows_of, size_of
from vestige.pretraining.spec import Pretraining, Shape

TABLE: dict[str, Any] = {"path": "texts.jsonl"}
SIZES = ("scratch:300k", "scratch:1m", "scratch:3m", "scratch:10m", "scratch:100m")


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
@pytest.mark.parametrize("name", ["scratch:300k", "scratch:1m", "scratch:3m", "scratch:10m"])
def test_a_model_has_about_the_parameters_that_it_is_named_for(shape: Shape, name: str) -> None:
    pretraining, asked = Pretraining(**TABLE, shape=shape), parameters_asked(name)
    size = size_of(name, pretraining)
    config = AutoConfig.for_model(shape, **config_of(size, pretraining, end=0))
    model = AutoModelForCausalLM.from_config(config)
    assert model.num_parameters() == pytest.approx(asked, rel=0.1)
    assert model.num_parameters() == pytest.approx(size.parameters(rows_of(pretraining)), rel=0.03)
    assert model.get_input_embeddings().get_parameter("weight")[0].abs().sum() > 0, "the end of a text is no padding"
    assert 10 <= size.width / size.layers <= 80


def test_a_family_grows_in_width_and_depth() -> None:
    sizes = [size_of(name, Pretraining(**TABLE)) for name in SIZES]
    assert sorted(size.width for size in sizes) == [size.width for size in sizes]
    assert sorted(size.inner for size in sizes) == [size.inner for size in sizes]


def test_the_learning_rate_falls_with_the_size_unless_it_is_given() -> None:
    sizes = [size_of(name, Pretraining(**TABLE)) for name in ("scratch:300k", "scratch:1m", "scratch:16m")]
    rates = [rate_of(size, Pretraining(**TABLE)) for size in sizes]
    assert rates == pytest.approx([4.1e-3, 3e-3, 1.5e-3], rel=0.03)
    assert rate_of(sizes[0], Pretraining(**TABLE, learning_rate=0.01)) == 0.01


def test_what_embeddings_alone_exceed_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cannot be had with 131,072 rows of embeddings"):
        size_of("scratch:100k", Pretraining(**TABLE, vocabulary=2**17))
