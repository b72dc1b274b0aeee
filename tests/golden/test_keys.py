"""No key of a study file moves unless somebody means it to: a store is reused whole, or the changelog says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from freeze_keys import GOLDEN, STUDIES, frozen, moved, study_files, study_of

KEYS = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", study_files(), ids=lambda file: file.stem)
def test_every_task_has_the_key_that_it_had(file: Path, default_model: Path, shared_data: Path) -> None:
    study = study_of(file)
    name = str(file.relative_to(STUDIES))
    changed = moved({name: KEYS.get(name, {})}, {name: frozen(study)})
    assert not changed, f"keys moved: {changed}; if they are meant to, `make freeze-keys`, and say why in CHANGELOG.md"
