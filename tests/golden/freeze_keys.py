"""Write keys.json: for every file in studies/ the number of its tasks, by stage, and a hash of their addresses.

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

from vestige.store.layout import Store
from vestige.study.catalogue import Catalogue
from vestige.study.choice import Choice
from vestige.study.inputs import read_inputs
from vestige.study.reading import read_tables
from vestige.study.spec import Study, make_study
from vestige.study.waves import waves

GOLDEN = Path(__file__).with_name("keys.json")
STUDIES = Path(__file__).resolve().parents[2] / "studies"

Frozen = dict[str, dict[str, list[Any]]]
"""Study file → stage → [how many tasks, hash of their addresses]."""


def study_files() -> list[Path]:
    """Every study file of the project."""
    return sorted(STUDIES.rglob("*.toml"))


def study_of(file: Path) -> Study:
    """A study in the precision that it names; the demonstration, which leaves it to the processor, in float32."""
    tables = read_tables(file)
    for base in tables["base"]:
        base.setdefault("dtype", "float32")
    return make_study(tables, source=file.name, folder=file.parent)


def frozen(study: Study) -> dict[str, list[Any]]:
    """The tasks of a study at every learning rate, by stage: how many, and a hash of their addresses.

    Every rate goes everywhere, and whoever learns from another method learns from its first rate.
    """
    catalogue = Catalogue(study, read_inputs(study, trying=False).identities)
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


def main() -> None:
    """Rewrite keys.json."""
    before = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    after: Frozen = {str(file.relative_to(STUDIES)): frozen(study_of(file)) for file in study_files()}
    GOLDEN.write_text(json.dumps(after, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(moved(before, after) or ["no key moved"]) + "\n")


if __name__ == "__main__":
    main()
