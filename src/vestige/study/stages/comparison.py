"""The methods of a base and corpus, compared at equal utility."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final, final

from pydantic import TypeAdapter

from vestige.metrics.compare import compare
from vestige.metrics.comparison import Comparison
from vestige.metrics.evaluation import Settings
from vestige.store.io import read_json, write_json
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, Stage
from vestige.study.stages.compared import ComparisonSpec, inputs_of

_FILE = "comparison.json"
_COMPARISON: Final = TypeAdapter(Comparison)


@final
class ComparisonStage(Stage[ComparisonSpec]):
    """Every method against every other, at equal utility."""

    name = "comparison"
    version = 2
    travels = True
    spec = ComparisonSpec

    @classmethod
    def run(cls, spec: ComparisonSpec, task: Task, bench: Bench) -> None:
        settings = Settings(primary=spec.primary, margin=spec.margin, bootstrap=spec.bootstrap)
        found = compare(inputs_of(spec, task, bench.store), settings)
        write_json(bench.folder / _FILE, asdict(found))


def comparison_of(store: Store, address: str) -> Comparison:
    """What it came to."""
    return _COMPARISON.validate_python(read_json(store.open(address) / _FILE))
