"""A field that is added later moves no key at its default, and one off it; fields of before count whatever they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import create_model

from vestige.data.corpus import CorpusSpec, identity, said_of
from vestige.data.fields import FieldMap
from vestige.store.keyed import Keyed
from vestige.study.stages.train import TrainSpec
from vestige.tuning.methods import discover
from vestige.tuning.methods.base import Method
from vestige.tuning.schedule import Training

METHODS: dict[str, Any] = dict(discover())
CORPUS: dict[str, Any] = {"recipe": "case_notes", "pool": 8, "validation": 4}


def with_a_field(record: type[Keyed]) -> Any:
    """The same class as it is after a later issue."""
    return later_than(record, canaries=(int, 0))


def later_than(record: type[Keyed], **fields: Any) -> Any:
    """The same class with other fields, or with fields of other kinds."""
    return create_model(f"Later{record.__name__}", __base__=record, **fields)


def test_a_field_that_a_corpus_gets_later() -> None:
    today, later = CorpusSpec(**CORPUS), with_a_field(CorpusSpec)
    assert identity(later(**CORPUS)) == identity(today)
    assert identity(later(**CORPUS, canaries=0)) == identity(today)
    assert identity(later(**CORPUS, canaries=3)) == identity(today) | {"canaries": 3}
    assert said_of(later(**CORPUS)) == said_of(today)


def test_a_field_that_the_map_of_fields_gets_later() -> None:
    later = with_a_field(FieldMap)
    spec = later_than(CorpusSpec, fields=(later, None))
    own: dict[str, Any] = {"path": "notes.jsonl", "pool": 8, "validation": 4}
    today = CorpusSpec(**own, fields=FieldMap(prompt="question")).keyed()
    assert today["fields"] == {
        "completion": "text",
        "prompt": "question",
        "references": None,
        "group": None,
        "id": None,
    }
    assert spec(**own, fields={"prompt": "question"}).keyed() == today
    moved = spec(**own, fields={"prompt": "question", "canaries": 3}).keyed()
    assert moved["fields"] == today["fields"] | {"canaries": 3}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_field_that_a_method_gets_later(name: str) -> None:
    today, later = METHODS[name](), with_a_field(METHODS[name])
    assert later().spec() == today.spec()
    assert later(canaries=3).spec() == today.spec() | {"canaries": 3}
    assert later().settings() == today.settings() | {"canaries": 0}


def test_a_field_that_a_part_of_a_hybrid_gets_later() -> None:
    hybrid: Any = METHODS["lora+head"]
    part = with_a_field(METHODS["lora"])
    later = later_than(hybrid, lora=(part, part()))
    assert later().spec() == hybrid().spec()
    assert later(lora={"canaries": 3}).spec()["lora"] == hybrid().spec()["lora"] | {"canaries": 3}


def test_a_field_that_a_training_gets_later() -> None:
    today, later = Training(epochs=2), with_a_field(Training)
    assert later(epochs=2).keyed() == today.keyed()
    assert later(epochs=2, canaries=3).keyed() == today.keyed() | {"canaries": 3}
    told: dict[str, Any] = {"base": {"model": {}, "dtype": "float32"}, "max_length": 8, "method": {}, "fold": "A"}
    both = (today, later(epochs=2, canaries=3))
    keyed = [TrainSpec(**told, learning_rate=1, seed=0, training=training).keyed() for training in both]
    assert "search" not in keyed[0]["training"]
    assert keyed[1]["training"] == keyed[0]["training"] | {"canaries": 3}


def test_a_field_without_a_default_counts() -> None:
    class Later(Method):
        family = "parameter"
        saves = "nothing"
        mergeable = False
        name: Literal["later"] = "later"
        learning_rate: Annotated[tuple[float, ...], ""] = (1.0,)
        needed: int

        def prepare(self, base: Any, *, seed: int) -> Any:
            raise NotImplementedError

    made: Any = Later
    assert made(needed=3).spec() == {"name": "later", "warmup": 0.2, "needed": 3}
