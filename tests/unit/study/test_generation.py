"""Task performance in a study: what may be asked for, what is refused, what is generated and what it costs."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vestige.data.encode import encode_prompts
from vestige.errors import ConfigError
from vestige.store.keys import Task
from vestige.study.costs import Costs
from vestige.study.grid import Arm, Checkpoint
from vestige.study.inputs import read_inputs
from vestige.study.spec import make_study
from vestige.study.stages.generations import GENERATION_COST
from vestige.testing.models import CONTEXT, tiny_tokenizer
from vestige.testing.studies import plan_of

Table = dict[str, Any]


@pytest.fixture
def asking(table: Table) -> Table:
    """The tiny study with BLEU and exact match; a third of its validation texts have a prompt."""
    table["study"]["utility"] = ["loss", "bleu", "exact_match"]
    table["generate"] = {"max_new_tokens": 8}
    return table


def refused(table: Table) -> str:
    with pytest.raises(ConfigError) as caught:
        read_inputs(make_study(table))
    return str(caught.value)


def known(table: Table, tmp_path: Path) -> list[Task]:
    table["training"]["search"] = "all"
    return plan_of(table, tmp_path / "empty").known()


def addresses(tasks: list[Task], *stages: str) -> set[str]:
    return {task.address for task in tasks if task.stage in stages}


def without_prompts(table: Table) -> Table:
    corpus: Table = table["corpus"][0]
    return {**corpus, "name": "bare", "fields": {"completion": "note", "id": "number"}}


# The study file


def test_the_loss_alone_is_measured_unless_more_is_asked_for(table: Table) -> None:
    study = make_study(table)
    assert study.study.utility == ("loss",)
    assert study.study.text_utility == ()
    assert (study.generate.max_new_tokens, study.generate.texts) == (64, 100)


@pytest.mark.parametrize(
    ("utility", "expected"),
    [
        (["loss", "blue"], "study.utility: there is no utility 'blue'. Did you mean 'bleu'?"),
        (["loss", "rougel"], "Did you mean 'rouge_l'?"),
        (["bleu"], "study.utility: 'loss' must be among them: learning rates and checkpoints are chosen by it"),
        (["loss", "bleu", "bleu"], "study.utility: utilities are named twice"),
    ],
)
def test_a_wrong_utility_is_named(table: Table, utility: list[str], expected: str) -> None:
    table["study"]["utility"] = utility
    with pytest.raises(ConfigError) as caught:
        make_study(table)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("max_token", 9, "generate.max_token: unknown key. Did you mean 'max_new_tokens'?"),
        ("max_new_tokens", 0, "generate.max_new_tokens: "),
        ("texts", 1, "generate.texts: "),
    ],
)
def test_a_wrong_limit_is_named(table: Table, key: str, value: int, expected: str) -> None:
    table["generate"] = {key: value}
    with pytest.raises(ConfigError) as caught:
        make_study(table)
    assert expected in str(caught.value)


# Before anything runs


def test_a_study_without_any_references_is_refused(asking: Table) -> None:
    asking["corpus"] = [without_prompts(asking)]
    assert "no corpus of the study has one among its first 100 validation texts" in refused(asking)


def test_answers_beyond_the_context_are_refused(asking: Table) -> None:
    prepared = read_inputs(make_study(asking))
    longest = next(iter(prepared.identities.prompts.values())).longest
    room = CONTEXT - longest - 4  # the virtual tokens of the prompt
    asking["generate"]["max_new_tokens"] = room
    read_inputs(make_study(asking))
    asking["generate"]["max_new_tokens"] = room + 1
    assert f"Lower max_new_tokens to {room} or less." in refused(asking)


def test_a_missing_library_is_said_before_anything_is_read(asking: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    asking["corpus"][0]["path"] = "nowhere.jsonl"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "Run: pip install sacrebleu" in refused(asking)


def test_the_texts_asked_are_the_first_with_a_prompt(asking: Table) -> None:
    prepared = read_inputs(make_study(asking))
    validation = prepared.splits["notes"].roles["validation"]
    encoded = encode_prompts([one for one in validation if one.prompt], tiny_tokenizer(), max_length=40)
    lengths = [len(prompt.ids) for prompt in encoded]
    counts = next(iter(prepared.identities.prompts.values()))
    assert 0 < counts.texts < len(validation)
    assert (counts.texts, counts.tokens) == (len(lengths), sum(lengths))
    asking["generate"]["texts"] = 4
    few = next(iter(read_inputs(make_study(asking)).identities.prompts.values()))
    assert few.texts == sum(bool(example.prompt) for example in validation[:4])


# Tasks


def test_no_other_task_gets_another_key(table: Table, tmp_path: Path) -> None:
    before = known(table, tmp_path)
    table["study"]["utility"] = ["loss", "bleu"]
    after = known(table, tmp_path)
    new = addresses(after, "generations", "text_utility")
    assert new
    assert {task.address for task in before} == {task.address for task in after} - new


def test_the_answers_of_a_study_are_counted(asking: Table, tmp_path: Path) -> None:
    asking["corpus"].append(without_prompts(asking))
    tasks = known(asking, tmp_path)
    arms, seats, epochs = 3, 2, 2
    counts = Counter(task.stage for task in tasks)
    assert counts["generations"] == 1 + arms * seats * epochs, "of the corpus with prompts alone"
    assert counts["text_utility"] == 1 + arms * epochs
    seen: set[str] = set()
    for task in tasks:
        assert seen.issuperset(task.inputs.values()), task.about
        seen.add(task.address)


def test_a_search_generates_nothing(asking: Table, tmp_path: Path) -> None:
    plan = plan_of(asking, tmp_path)
    assert not addresses(list(next(plan.waves()).tasks), "generations", "text_utility")


def test_a_further_quantity_generates_nothing_anew(asking: Table, tmp_path: Path) -> None:
    before = known(asking, tmp_path)
    asking["study"]["utility"] = ["loss", "bleu", "exact_match", "chrf"]
    after = known(asking, tmp_path)
    assert addresses(before, "generations") == addresses(after, "generations")
    assert not addresses(before, "text_utility") & addresses(after, "text_utility")


def test_what_generating_costs(asking: Table, tmp_path: Path) -> None:
    plan = plan_of(asking, tmp_path)
    prompts = plan.identities.prompts[plan.grid.pairs[0]]
    task = plan.catalogue.generations(Checkpoint(Arm(*plan.grid.pairs[0])))
    assert Costs(plan.identities).of(task) == prompts.tokens + GENERATION_COST * prompts.texts * 8
    assert Costs(plan.identities).of(plan.catalogue.text_utility(Arm(*plan.grid.pairs[0]), None)) == 0
