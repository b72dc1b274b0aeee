"""What a run records of its inputs comes back as it was, whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vestige.data.corpus import identity
from vestige.outcome.lengths import Lengths
from vestige.records import ROLES
from vestige.store.layout import Store
from vestige.study.identity import BaseIdentity, CorpusIdentity, Identities, MaskedIdentity, Prompts
from vestige.study.inputs_record import content_of, identities_from, record_inputs, recorded
from vestige.study.spec import Study, make_study

Table = dict[str, Any]


def study_of(table: Table) -> Study:
    return make_study(table | {"attacks": {"use": [{"name": "neighbourhood", "masked_lm": "some/bert"}]}})


def identities_of(study: Study) -> Identities:
    base, (spec,) = study.base[0].model, study.corpus
    facts = {"roles": {role: {"texts": 3, "groups": 2} for role in ROLES}, "dropped_duplicates": 1, "sha256": "ab"}
    return Identities(
        bases={
            base: BaseIdentity(
                name=base,
                kind="gguf",
                weights={"gguf_sha256": "b1", "conversion": "1"},  # in no order of the alphabet
                dtype="bfloat16",
                place=base,
                origin="from a file",
                has_end=False,
                foreign=("vision", "head"),
                parameters=1000,
            )
        },
        corpora={spec.name: CorpusIdentity(spec, identity(spec, left_out=("9", "12")), facts)},
        masked={"some/bert": MaskedIdentity({"hub": "some/bert", "commit": "c0"}, "some/bert")},
        lengths={(base, spec.name): {role: Lengths(3, 30, 20, 1, 0, own_eos=2) for role in ROLES}},
        prompts={(base, spec.name): Prompts(3, 12, 5, "<eos>")},
    )


def test_everything_comes_back_and_in_its_order(table: Table, tmp_path: Path) -> None:
    study = study_of(table)
    whole = identities_of(study)
    assert identities_from(json.loads(json.dumps(content_of(whole))), study) == whole
    record_inputs(Store(tmp_path), study, whole)
    (found,) = recorded(Store(tmp_path), study)
    assert found.identities == whole
    (weights,) = (base.weights for base in found.identities.bases.values())
    assert list(weights) == ["gguf_sha256", "conversion"]
    (lengths,) = found.identities.lengths.values()
    assert tuple(lengths) == ROLES


def test_a_study_that_says_something_else_of_its_inputs_has_no_record(table: Table, tmp_path: Path) -> None:
    study, store = study_of(table), Store(tmp_path)
    record_inputs(store, study, identities_of(study))
    for change in ({"name": "other"}, {"max_length": 39}, {"pool": 14}, {"path": "far/other.jsonl"}):
        changed = table | {"corpus": [table["corpus"][0] | change]}
        assert not recorded(store, study_of(changed))
    moved = table | {"corpus": [table["corpus"][0] | {"path": "far/notes.jsonl"}]}
    renamed = table | {"study": table["study"] | {"name": "again", "seeds": [1, 2]}, "report": {"fpr": [0.5]}}
    assert recorded(store, study_of(moved))
    assert recorded(store, study_of(renamed))
