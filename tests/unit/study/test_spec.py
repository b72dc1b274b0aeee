"""The study file: what is wrong with it is said in one message, with the place and the near misses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vestige.data.splits import fold_members
from vestige.errors import ConfigError
from vestige.study.inputs import read_inputs
from vestige.study.spec import load_study, make_study
from vestige.tuning.methods import discover
from vestige.tuning.schedule import log_spaced

Table = dict[str, Any]


def message(table: Table) -> str:
    with pytest.raises(ConfigError) as caught:
        make_study(table, source="study.toml")
    assert caught.value.exit_status == 2
    text = str(caught.value)
    # What a user reads, and not what pydantic says to a programmer.
    assert "validation error" not in text
    assert "[type=" not in text
    return text


def test_the_tiny_study_is_sound(table: Table) -> None:
    study = make_study(table)
    assert [method.label for method in study.method] == ["lora(r=2)", "prompt(tokens=4)"]
    assert study.report.bootstrap.samples == 100


@pytest.mark.parametrize(
    ("place", "key", "expected"),
    [
        ((), "trainings", "trainings: unknown key. Did you mean 'training'"),
        ((), "methods", "methods: unknown key. Did you mean 'method'?"),
        (("study",), "seed", "study.seed: unknown key. Did you mean 'seeds'?"),
        (("training",), "batchsize", "training.batchsize: unknown key. Did you mean 'batch_size'?"),
        (("attacks",), "primry", "attacks.primry: unknown key. Did you mean 'primary'?"),
        (("report",), "fprs", "report.fprs: unknown key. Did you mean 'fpr'?"),
        (("base", 0), "dtypes", "base.1.dtypes: unknown key. Did you mean 'dtype'?"),
        (("corpus", 0), "max_len", "corpus.1.max_len: unknown key. Did you mean 'max_length'?"),
        (("corpus", 0, "fields"), "completio", "corpus.1.fields.completio: unknown key. Did you mean 'completion'?"),
        (("method", 0), "alpa", "method.1.alpa: unknown key. Did you mean 'alpha'?"),
        (("method", 1), "toknes", "method.2.toknes: unknown key. Did you mean 'tokens'?"),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_near_misses(
    table: Table, place: tuple[str | int, ...], key: str, expected: str
) -> None:
    inner: Any = table
    for part in place:
        inner = inner[part]
    inner[key] = 1
    assert expected in message(table)


def test_an_unknown_method(table: Table) -> None:
    table["method"][0]["name"] = "loro"
    assert "method.1: Unknown method 'loro'. Did you mean 'lora'" in message(table)


def test_a_method_without_a_name(table: Table) -> None:
    del table["method"][0]["name"]
    assert f"Known: {', '.join(sorted(discover()))}." in message(table)


@pytest.mark.parametrize("attack", ["min_kk", {"name": "min_kk", "k": 0.1}])
def test_an_unknown_attack(table: Table, attack: object) -> None:
    table["attacks"]["use"] = ["ref", attack]
    assert "'min_kk'. Did you mean 'min_k'" in message(table)


def test_an_unknown_parameter_of_an_attack(table: Table) -> None:
    table["attacks"]["use"] = ["ref", {"name": "min_k", "kk": 0.1}]
    assert "unknown parameter 'kk'" in message(table)


def test_a_parameter_of_an_attack_out_of_range(table: Table) -> None:
    table["attacks"]["use"] = ["ref", {"name": "min_k", "k": 1.5}]
    assert "1.5" in message(table)


def test_an_unknown_recipe(table: Table) -> None:
    table["corpus"] = [{"recipe": "webnl", "pool": 10, "validation": 2}]
    assert "Did you mean 'webnlg'?" in message(table)


def test_a_primary_attack_that_is_not_used(table: Table) -> None:
    table["attacks"] = {"use": ["loss", "zlib"], "primary": "zlb"}
    assert "the primary attack 'zlb' is not among those used. Did you mean 'zlib'?" in message(table)


@pytest.mark.parametrize(
    ("use", "primary"),
    [
        (["loss", "ez", "ratio", "zlib"], "ratio"),
        (["ratio", {"name": "ref", "reference": "shadow"}], 'ref(reference="shadow")'),
        (
            ["ratio", {"name": "wbc", "reference": "shadow"}, {"name": "ratio", "reference": "shadow"}],
            'ratio(reference="shadow")',
        ),
        (["loss", "ez"], "loss"),
        (["zlib", "loss"], "zlib"),
        ([{"name": "min_k", "k": 0.1}, "loss"], "min_k(k=0.1)"),
        ("ref", "ref"),
    ],
)
def test_without_a_primary_it_is_ratio_by_a_shadow_if_there_is_one(table: Table, use: object, primary: str) -> None:
    table["attacks"] = {"use": use}
    assert make_study(table).attacks.primary == primary


@pytest.mark.parametrize("written", ["min_k(k=1)", "min_k(k=1.0)", "min_k( k = 1 )", "min_k(k=1e0)"])
def test_a_primary_is_known_by_the_value_of_its_numbers(table: Table, written: str) -> None:
    table["attacks"] = {"use": ["ref", {"name": "min_k", "k": 1}], "primary": written}
    assert make_study(table).attacks.primary == "min_k(k=1.0)"
    table["attacks"]["primary"] = "min_k(k=10)"
    assert "'min_k(k=10)' is not among those used" in message(table)


@pytest.mark.parametrize(("what", "named"), [("base", "bases"), ("corpus", "corpora"), ("method", "methods")])
def test_two_of_one_name(table: Table, what: str, named: str) -> None:
    table[what] = [*table[what], table[what][0]]
    assert f"two {named} bear the same name" in message(table)


def test_an_attack_named_twice(table: Table) -> None:
    table["attacks"]["use"] = ["ref", "loss", {"name": "loss"}]
    assert "named twice" in message(table)


def test_the_same_method_with_other_parameters_is_another_one(table: Table) -> None:
    table["method"] = [{"name": "lora", "r": 2}, {"name": "lora", "r": 4}]
    assert len(make_study(table).method) == 2


@pytest.mark.parametrize("name", ["train", "stats", "corpus", "logs", "store.json"])
def test_a_name_that_the_store_uses_itself(table: Table, name: str) -> None:
    table["study"]["name"] = name
    assert f"the name '{name}' is taken" in message(table)


@pytest.mark.parametrize("name", ["", "../elsewhere", "a/b", ".hidden", "a b"])
def test_a_name_that_is_no_folder(table: Table, name: str) -> None:
    table["study"]["name"] = name
    assert "study.name" in message(table)


@pytest.mark.parametrize("seeds", [[], [0, 0], [-1], [2**63], [10**4000], 3, list(range(1001))])
def test_seeds_are_different_and_from_0_up(table: Table, seeds: list[int]) -> None:
    table["study"]["seeds"] = seeds
    assert "study.seeds" in message(table)


@pytest.mark.parametrize("seed", [2**32 - 1, 2**32, 20261125093000, 2**63 - 1])
def test_seeds_have_up_to_63_bits(table: Table, seed: int) -> None:
    table["study"]["seeds"] = [seed]
    table["corpus"][0]["seed"] = seed
    split = read_inputs(make_study(table)).splits["notes"]
    assert fold_members([str(number) for number in range(40)], seed=seed, fold="A").sum() == 20
    assert len(split.roles["pool"]) == 16


@pytest.mark.parametrize(
    ("given", "epochs", "checkpoints"),
    [
        ({}, 5, (0.25, 0.38, 0.59, 0.9, 1.4, 2.1, 3.3, 5)),
        ({"epochs": 5}, 5, (0.25, 0.38, 0.59, 0.9, 1.4, 2.1, 3.3, 5)),
        ({"epochs": 1}, 1, (0.12, 0.17, 0.23, 0.3, 0.41, 0.55, 0.74, 1)),
        ({"epochs": 10}, 10, (0.25, 0.4, 0.63, 1, 1.6, 2.5, 4, 6.3, 10)),
        ({"checkpoints": [1, 2]}, 2, (1, 2)),
        ({"checkpoints": 3}, 3, (3,)),
    ],
)
def test_epochs_and_checkpoints_follow_from_each_other(
    table: Table, given: Table, epochs: float, checkpoints: tuple[float, ...]
) -> None:
    table["training"] = given
    training = make_study(table).training
    assert (training.epochs, training.checkpoints) == (epochs, checkpoints)


@pytest.mark.parametrize("epochs", [0.1, 1, 3, 17, 50, 1000])
def test_checkpoints_left_out_are_eight_or_more_at_like_factors(epochs: float) -> None:
    points = np.array(log_spaced(epochs))
    assert points[-1] == epochs
    assert len(points) >= 8
    factors = points[1:] / points[:-1]
    assert factors.min() > 1.1
    assert factors.max() < 1.8


def test_epochs_and_checkpoints_that_contradict_each_other(table: Table) -> None:
    table["training"] = {"epochs": 3, "checkpoints": [1, 2]}
    assert "checkpoints end at 2, epochs = 3" in message(table)


def labels(table: Table, *methods: Table) -> list[str]:
    table["method"] = list(methods)
    return [method.label for method in make_study(table).method]


def test_a_list_of_a_parameter_is_an_arm_for_each_value(table: Table) -> None:
    assert labels(table, {"name": "lora", "r": [1, 8]}) == ["lora(r=1)", "lora"]
    assert labels(table, {"name": "lora", "r": [1, 4], "alpha": [2, 3]}) == [
        *("lora(r=1, alpha=2)", "lora(r=1, alpha=3)"),
        *("lora(r=4, alpha=2)", "lora(r=4, alpha=3)"),
    ]
    assert labels(table, {"name": "lora+prompt", "lora": {"r": [1, 4]}, "prompt": {"tokens": [2, 3]}}) == [
        *("lora(r=1)+prompt(tokens=2)", "lora(r=1)+prompt(tokens=3)"),
        *("lora(r=4)+prompt(tokens=2)", "lora(r=4)+prompt(tokens=3)"),
    ]
    assert labels(table, {"name": "prefix", "init": ["vocabulary", "random"], "learning_rate": [0.1, 0.2]}) == [
        *("prefix", "prefix(init=random)")
    ]
    assert all(method.learning_rate == (0.1, 0.2) for method in make_study(table).method)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"name": "lora", "r": []}, "method.2: r is an empty list"),
        ({"name": "lora", "r": [4, 4]}, "two methods bear the same name: lora(r=4)"),
        ({"name": "lora", "r": [4, -1]}, "method.2.r: should be greater than 0 (got -1)"),
        ({"name": "lora", "rank": [4]}, "method.2.rank: unknown key. It is called 'r' here."),
        ({"name": "lora", "r": [*range(1, 12)], "alpha": [*range(1, 11)]}, "110 combinations; 100 are the most"),
        ({"name": ["lora", "prompt"]}, "method.2: `name` is the name of one method"),
    ],
)
def test_lists_that_make_no_arms(table: Table, method: Table, expected: str) -> None:
    table["method"] = [{"name": "head"}, method]
    assert expected in message(table)


def test_too_many_trainings(table: Table) -> None:
    table["study"]["seeds"] = list(range(1000))
    table["method"] = [{"name": "lora", "r": list(range(1, 21))}]
    assert "come to 120,000 trainings; 100,000 are the most" in message(table)


@pytest.mark.parametrize("path", [3, [3], ["a.jsonl", 3], {"train": "a.jsonl"}])
def test_a_path_that_is_none(table: Table, path: object) -> None:
    table["corpus"][0]["path"] = path
    lines = message(table).splitlines()[1:]
    assert [line.removesuffix(" (got 3)") for line in lines] == [
        "  corpus.1.path: should be a path in quotes, or a list of them"
    ]


def test_cells_that_are_all_compared_are_too_many_to_plan(table: Table) -> None:
    table["study"]["seeds"] = list(range(1000))
    table["method"] = [{"name": "lora"}]
    table["training"] = {"checkpoints": 1}
    table["attacks"] = {"use": ["loss"]}
    make_study(table)
    table["attacks"] = {"use": ["loss", "lira"]}
    assert "come to 4,002,000 tables to read" in message(table)


def test_what_is_missing_is_said(table: Table) -> None:
    del table["corpus"][0]["pool"]
    assert "corpus.1.pool: is missing." in message(table)
    del table["base"]
    assert "base: is missing." in message(table)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("training", "epochs", "three"),
        ("training", "search", "grid"),
        ("report", "fpr", [1.5]),
        ("report", "samples", 10),
        ("study", "folds", 3),
    ],
)
def test_a_value_out_of_range_is_shown_with_its_place(table: Table, section: str, key: str, value: Any) -> None:
    table[section][key] = value
    shown = value[0] if isinstance(value, list) else value
    assert re.search(rf"{section}\.{key}.*{re.escape(repr(shown))}", message(table))


def test_all_problems_are_said_at_once(table: Table) -> None:
    table["training"]["epoch"] = 1
    table["report"]["samples"] = 1
    table["method"][0]["rr"] = 1
    lines = message(table).splitlines()
    assert lines[0] == "study.toml is not a valid study:"
    assert len(lines) == 4


def test_a_study_file_is_read_as_toml(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        f"""
        [study]
        name = "from-a-file"
        [[base]]
        model = "{table["base"][0]["model"]}"
        [[corpus]]
        recipe = "case_notes"
        pool = 8
        validation = 4
        [[method]]
        name = "lora"
        learning_rate = 3e-4
        """
    )
    study = load_study(path)
    assert study.study.name == "from-a-file"
    assert study.method[0].learning_rate == (3e-4,)


@pytest.mark.parametrize("content", [b"[study", b'name = "\xff"', b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "study.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"study\.toml cannot be read as TOML"):
        load_study(tmp_path / "study.toml")


def test_a_missing_file_is_met_with_those_beside_it(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text("")
    with pytest.raises(ConfigError, match=r"no study file .*frist\.toml\. Did you mean 'first\.toml'"):
        load_study(tmp_path / "frist.toml")
    with pytest.raises(ConfigError, match="no study file"):
        load_study(tmp_path / "nowhere" / "first.toml")


def test_gradient_checkpointing_is_refused_where_it_breaks(table: Table) -> None:
    table["training"]["gradient_checkpointing"] = True
    make_study(table)
    table["method"].append({"name": "prefix", "tokens": 4})
    text = message(table)
    assert "gradient_checkpointing does not work with prefix(tokens=4)" in text
    assert "gradient_accumulation" in text
