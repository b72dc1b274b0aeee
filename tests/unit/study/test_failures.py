"""Errors that nobody foresaw are told without the texts that they quote."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from vestige.data.encode import encode, encode_prompts
from vestige.data.rows import Row
from vestige.data.tokens import first_tokens
from vestige.records import Example, Generations
from vestige.store.keys import Task
from vestige.study.cells import find_folds
from vestige.study.exposure import expose
from vestige.study.failures import Redactor
from vestige.study.results.collect import collect
from vestige.study.stages.base import Bench
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.stats import StatsSpec, StatsStage, stats_of
from vestige.study.stages.train import TrainSpec, TrainStage
from vestige.testing.studies import Outcome, run_study

TEXT = "Mrs Schmidt of Ulm called,\nabout account 99-12. She “wept”."
RECORD = Example("a-1", "Who did it?", TEXT, (TEXT, "Mrs Schmidt phoned from the town of Ulm."))

QUOTING = [
    KeyError(TEXT),
    ValueError(TEXT),
    ValueError(f"cannot use {TEXT}!"),
    ValueError(f"cannot use {TEXT[10:40]}"),
    ValueError(f"could not convert string to float: {TEXT!r}"),
    ValueError(f"could not convert: {TEXT!a}"),
    ValueError(json.dumps({"completion": TEXT})),
    KeyError("Schmidt"),
    TypeError(f"not a number: {TEXT.upper()}"),
    UnicodeEncodeError("ascii", TEXT, 47, 48, "ordinal not in range"),
]


@pytest.mark.parametrize("error", QUOTING, ids=lambda error: type(error).__name__)
def test_what_a_record_says_is_taken_out(error: Exception) -> None:
    said = Redactor([RECORD]).message(error)
    assert said.startswith(type(error).__name__)
    assert "schmidt" not in said.casefold()
    assert "wept" not in said


@pytest.mark.parametrize("letter", ["ß", "ﬁ", "İ", "ŉ"])
@pytest.mark.parametrize("change", [str, str.lower], ids=["as it is", "small"])
def test_letters_that_change_their_length_hide_no_text(letter: str, change: Callable[[str], str]) -> None:
    text = f"Herr Doktor Gro{letter} wohnt in der Langen Gasse 12, Telefon 0731"
    said = Redactor([Example("a", "", text)]).message(ValueError(f"cannot map token {change(text)} here"))
    assert not [word for word in ("Herr", "wohnt", "Langen", "0731") if word.casefold() in said.casefold()]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("input_ids"), "KeyError: 'input_ids'"),
        (RuntimeError("The size of tensor a (5) must match b"), "RuntimeError: The size of tensor a (5) must match b"),
        (AttributeError("'X' object has no attribute 'y'"), "AttributeError: 'X' object has no attribute 'y'"),
        (ValueError("\x1b[31mred\n2"), r"ValueError: \x1b[31mred 2"),
        (ValueError(), "ValueError"),
    ],
)
def test_what_no_record_says_stays(error: Exception, said: str) -> None:
    assert Redactor([RECORD]).message(error) == said


def test_a_stage_that_fails_in_its_own_way_leaves_no_text_anywhere(
    table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [json.loads(line)["note"] for line in Path(table["corpus"][0]["path"]).read_text().splitlines()]

    def fail(spec: StatsSpec | TrainSpec, task: Task, bench: Bench) -> None:
        """The fault of another library, on the way into which a second one happened."""
        (example, *_) = examples_of(bench.store, task.inputs["corpus"], "validation")
        try:
            raise KeyError(example.completion)
        except KeyError as error:
            raise ValueError(f"bad value {example.completion!r}") from error

    for stage in (StatsStage, TrainStage):
        monkeypatch.setattr(stage, "run", fail)
    outcome = run_study(table, tmp_path / "runs")
    logs = [path.read_text(encoding="utf-8") for path in (tmp_path / "runs" / "logs").glob("*.log")]
    assert len(logs) == len(outcome.failures) > 1
    told = "".join(logs) + str(outcome.failures)
    assert "ValueError: bad value" in told
    assert "KeyError" in told
    assert not [text for text in texts if text in told]


def test_no_object_shows_a_text_where_it_is_printed(finished: Outcome) -> None:
    """A notebook prints whatever a cell ends in: every object that can be reached from the public ones, by its repr."""
    plan, store = finished.plan, finished.store
    split = plan.inputs.splits["notes"]
    texts = [one.completion for examples in split.roles.values() for one in examples]
    tokenizer = AutoTokenizer.from_pretrained(plan.grid.pairs[0][0])
    pool = split.roles["pool"]
    (checkpoint,) = find_folds(plan, "prompt(tokens=4), fold A, last")
    table = stats_of(store, plan.catalogue.stats(checkpoint, role="pool").address)
    answers = Generations(np.array(["a"]), (texts[0],), np.array([""]))
    row = Row({"note": texts[0]}, 1, "notes.jsonl")
    encoded = encode(pool, tokenizer, max_length=40)
    prompts = encode_prompts(pool, tokenizer, max_length=40)
    tokens = first_tokens(texts[:1], tokenizer, needed=40)
    seen = [*tokens, finished, collect(plan), expose(plan, checkpoint), table, answers, row, *encoded, *prompts]
    reached = {id(one): one for start in seen for one in _reached(start)}
    assert len(reached) > 50
    ids = str(encoded[0].ids.tolist())[1:20]
    for one in reached.values():
        shown = repr(one) + getattr(one, "_repr_html_", str)()
        assert not [text for text in texts if text in shown], type(one)
        assert ids not in shown, type(one)


def _reached(start: object) -> list[object]:
    """An object of vestige and those of vestige in its fields, theirs too."""
    found, ahead = [], [start]
    while ahead:
        one = ahead.pop()
        if isinstance(one, dict):
            ahead += one.values()
        elif isinstance(one, list | tuple):
            ahead += one
        elif type(one).__module__.startswith("vestige."):
            found.append(one)
            names = [field.name for field in fields(one)] if is_dataclass(one) else list(vars(one))
            ahead += [getattr(one, name) for name in names]
    return found
