"""No key of a study file moves unless somebody means it to: a store is reused whole, or the changelog says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from freeze_keys import GOLDEN, IDENTITIES, STUDIES, frozen, identities_of, moved, study_files, study_of

from vestige.records import Counts, Estimate, Estimated
from vestige.store.layout import Store
from vestige.study.catalogue import Catalogue
from vestige.study.choice import Choice
from vestige.study.inputs_record import identities_from
from vestige.study.spec import Study
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.utility import UtilityStage
from vestige.study.waves import waves

KEYS = json.loads(GOLDEN.read_text(encoding="utf-8"))
KNOWN_BY = json.loads(IDENTITIES.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return str(file.relative_to(STUDIES))


def files_by_inputs() -> list[list[Path]]:
    """The study files, those together that are known by the same: reading the texts is what takes long."""
    files: dict[str, list[Path]] = {}
    for file in study_files():
        files.setdefault(json.dumps(KNOWN_BY.get(name_of(file), file.stem), sort_keys=True), []).append(file)
    return [*files.values()]


def inputs_of(study: Study) -> dict[str, object]:
    """The part of a study that names its models and texts."""
    return {**study.model_dump(include={"base", "corpus", "generate"}), "utility": study.study.text_utility}


@pytest.mark.parametrize("file", study_files(), ids=lambda file: file.stem)
def test_every_task_has_the_key_that_it_had(file: Path) -> None:
    """Pure: from the study file and what its inputs are known by, with none of them here."""
    name = name_of(file)
    assert name in KNOWN_BY, f"{name} is new: `make freeze-keys` adds its keys"
    changed = moved({name: KEYS.get(name, {})}, {name: frozen(study_of(file), KNOWN_BY[name])})
    assert not changed, (
        f"keys moved, or came new: {changed}; if they are meant to, `make freeze-keys`, and say why in CHANGELOG.md"
    )


@pytest.mark.parametrize("files", files_by_inputs(), ids=lambda files: files[0].stem)
def test_models_and_texts_are_known_by_what_they_were(
    files: list[Path], default_model: Path, shared_data: Path
) -> None:
    first, *others = map(study_of, files)
    assert identities_of(first) == KNOWN_BY[name_of(files[0])]
    assert all(inputs_of(other) == inputs_of(first) for other in others)


@pytest.mark.parametrize("file", study_files(), ids=lambda file: file.stem)
def test_each_wave_is_named_before_it_runs_as_it_is_afterwards(file: Path, tmp_path: Path) -> None:
    """Whatever the validation losses come to, of which the waves make their choices. They alone are written here: what
    the other tasks leave decides nothing, as long as none fails.
    """
    study, store = study_of(file), Store(tmp_path)
    catalogue = Catalogue(study, identities_from(KNOWN_BY[name_of(file)], study))
    asked = []
    for wave in waves(Choice(catalogue, store)):
        asked.append(wave.tasks)
        for task in (one for one in wave.tasks if one.stage == UtilityStage.name):
            loss = Estimate(int(task.key, 16) % 1000 / 1000, None, None, Counts(), signature="of the key")
            with store.writing(task, details={}) as folder:
                write_estimates(folder, [Estimated("loss", loss)])
    assert [wave.tasks for wave in waves(Choice(catalogue, store))] == asked
    assert len({task.address for tasks in asked for task in tasks}) == sum(map(len, asked)), "no task is in two waves"
