"""No key of a study file moves unless somebody means it to: a store is reused whole, or the changelog says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from freeze_keys import GOLDEN, IDENTITIES, STUDIES, frozen, identities_of, moved, study_files, study_of

KEYS = json.loads(GOLDEN.read_text(encoding="utf-8"))
KNOWN_BY = json.loads(IDENTITIES.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return str(file.relative_to(STUDIES))


@pytest.mark.parametrize("file", study_files(), ids=lambda file: file.stem)
def test_every_task_has_the_key_that_it_had(file: Path) -> None:
    """Pure: from the study file and what its inputs are known by, with none of them here."""
    name = name_of(file)
    assert name in KNOWN_BY, f"{name} is new: `make freeze-keys` adds its keys"
    changed = moved({name: KEYS.get(name, {})}, {name: frozen(study_of(file), KNOWN_BY[name])})
    assert not changed, f"keys moved: {changed}; if they are meant to, `make freeze-keys`, and say why in CHANGELOG.md"


@pytest.mark.parametrize("file", study_files(), ids=lambda file: file.stem)
def test_models_and_texts_are_known_by_what_they_were(file: Path, default_model: Path, shared_data: Path) -> None:
    assert identities_of(study_of(file)) == KNOWN_BY[name_of(file)]
