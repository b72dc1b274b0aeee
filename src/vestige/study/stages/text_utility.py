"""How good the answers of an arm are at one checkpoint."""

from __future__ import annotations

from typing import Any, final

from vestige.data.marks import without_end
from vestige.data.splits import groups_of
from vestige.metrics.measures import TextQuantity
from vestige.metrics.text import text_utility
from vestige.metrics.uncertainty import Bootstrap
from vestige.records import Estimated
from vestige.store.keys import Task
from vestige.study.stages.base import Bench, Spec, Stage
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.estimates import write_estimates
from vestige.study.stages.generations import generations_of


@final
class AnsweringCell(Spec):
    """The seed of a cell, and the input that holds its answers."""

    seed: int
    generations: str


@final
class TextUtilitySpec(Spec):
    """Quantities of the answers of an arm; `end` is the EOS that the references bring, if they do."""

    quantities: tuple[TextQuantity, ...]
    cells: tuple[AnsweringCell, ...]
    bootstrap: Bootstrap
    end: str = ""


@final
class TextUtilityStage(Stage[TextUtilitySpec]):
    """BLEU and its like."""

    name = "text_utility"
    version = 4
    travels = True
    spec = TextUtilitySpec

    @classmethod
    def run(cls, spec: TextUtilitySpec, task: Task, bench: Bench) -> None:
        cells = [generations_of(bench.store, task.inputs[cell.generations]) for cell in spec.cells]
        examples = examples_of(bench.store, task.inputs["corpus"], "validation")[: len(cells[0].ids)]
        about: dict[str, Any] = {
            # An answer ends before its EOS, and is not to miss one that references bring.
            "references": [tuple(without_end(one, spec.end) for one in example.references) for example in examples],
            "groups": groups_of(examples),
            "seeds": [cell.seed for cell in spec.cells],
            "bootstrap": spec.bootstrap,
        }
        estimates = {quantity: text_utility(quantity, cells, **about) for quantity in spec.quantities}
        write_estimates(bench.folder, [Estimated(quantity, estimate) for quantity, estimate in estimates.items()])
