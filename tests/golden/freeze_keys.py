"""Write keys.json: for every file in studies/ the number of its tasks, by stage, and a hash of their addresses; and
identities.json, what its models and texts are known by, from which these follow without them.

A change that moves a key makes whoever has a store compute again what hangs on it. `make freeze-keys` rewrites the
file and says which stages moved; the change then lists them, and why, under **Numbers** in CHANGELOG.md.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige.errors import VestigeError
from vestige.store.layout import Store
from vestige.study.catalogue import Catalogue
from vestige.study.choice import Choice
from vestige.study.inputs import read_inputs
from vestige.study.inputs_record import content_of, identities_from
from vestige.study.reading import read_tables
from vestige.study.spec import Study, make_study
from vestige.study.waves import waves

GOLDEN = Path(__file__).with_name("keys.json")
IDENTITIES = Path(__file__).with_name("identities.json")
"""What the inputs of each study are known by, so that its keys can be named where they are not."""

STUDIES = Path(__file__).resolve().parents[2] / "studies"

Frozen = dict[str, dict[str, list[Any]]]
"""Study file → stage → [how many tasks, hash of their addresses]."""


def study_files() -> list[Path]:
    """Every study file of the project, but for those at full scale, whose inputs are on no machine of ours."""
    return sorted(path for path in STUDIES.rglob("*.toml") if path.parent.name != "paper")


def study_of(file: Path) -> Study:
    """A study in the precision that it names; the demonstration, which leaves it to the processor, in float32."""
    tables = read_tables(file)
    for base in tables["base"]:
        base.setdefault("dtype", "float32")
    return make_study(tables, source=file.name, folder=file.parent, strict=False)


def identities_of(study: Study) -> dict[str, Any]:
    """What the inputs of a study are known by, read from them, as JSON."""
    known_by: dict[str, Any] = json.loads(json.dumps(content_of(read_inputs(study, trying=False).identities)))
    return known_by


def frozen(study: Study, identities: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The tasks of a study at every learning rate, by stage: how many, and a hash of their addresses.

    Every rate goes everywhere, and whoever learns from another method learns from its first rate.
    """
    catalogue = Catalogue(study, identities_from(identities, study))
    with tempfile.TemporaryDirectory() as folder:
        choice = Choice(catalogue, Store(Path(folder)), guess=True)
        choice.chosen = catalogue.grid.arms  # type: ignore[method-assign]  # every arm is taken along
        tasks = [task for wave in waves(choice) for task in wave.tasks]
    stages: dict[str, set[str]] = {}
    for task in tasks:
        stages.setdefault(task.stage, set()).add(task.key)
    return {stage: [len(keys), _hash(sorted(keys))] for stage, keys in sorted(stages.items())}


def _hash(keys: list[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:20]


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The stages whose keys differ, by study."""
    studies = sorted({*before, *after})
    pairs = ((study, before.get(study, {}), after.get(study, {})) for study in studies)
    return [
        f"{study}: {stage}"
        for study, old, new in pairs
        for stage in sorted({*old, *new})
        if old.get(stage) != new.get(stage)
    ]


def _identities(study: Study, known: dict[str, Any] | None) -> dict[str, Any]:
    """What the inputs of a study are known by: read from them, or as frozen before where they are not here."""
    try:
        return identities_of(study)
    except VestigeError as error:
        if known is None:
            raise
        sys.stderr.write(f"{study.study.name}: taken as frozen before, since its inputs cannot be read: {error}\n")
        return known


def main() -> None:
    """Rewrite both."""
    before, known = (json.loads(path.read_text(encoding="utf-8")) for path in (GOLDEN, IDENTITIES))
    studies = {str(file.relative_to(STUDIES)): study_of(file) for file in study_files()}
    identities = {name: _identities(study, known.get(name)) for name, study in studies.items()}
    after: Frozen = {name: frozen(study, identities[name]) for name, study in studies.items()}
    for path, content in ((IDENTITIES, identities), (GOLDEN, after)):
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(moved(before, after) or ["no key moved"]) + "\n")


if __name__ == "__main__":
    main()
