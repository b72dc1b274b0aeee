"""A scoring pass: what a model says of every token of the texts of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from vestige.data.encode import AfterBeginning, Encoded, encode, encode_behind
from vestige.data.marks import settled
from vestige.errors import StoreError, printable
from vestige.forms import Behind, Form, Masked, Rewritten, from_json
from vestige.records import Example, Role, TokenStats
from vestige.stats.table import read_table, write_table
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.stages.base import Bench, ModelStage, Sizes
from vestige.study.stages.checkpoint import CheckpointSpec, checkpoint
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.model import pad_id
from vestige.study.stages.neighbours import replaced
from vestige.study.stages.train import texts_of_cell

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TABLE = "tokens.parquet"


@final
class StatsSpec(CheckpointSpec):
    """A checkpoint, or the base, on the texts of a role in the form `view` (`Form.key_name`)."""

    view: str
    role: Role


@final
class StatsStage(ModelStage[StatsSpec]):
    """One scoring pass."""

    name = "stats"
    version = 2
    spec = StatsSpec

    @classmethod
    def run(cls, spec: StatsSpec, task: Task, bench: Bench) -> None:
        from vestige.stats.collect import collect

        form = _form(spec, task)
        with checkpoint(spec, task, bench.store) as (model, tokenizer):
            texts = encode(_in_form(form, spec, task, bench.store, tokenizer), tokenizer, max_length=spec.max_length)
            beginning = None
            if isinstance(form, Behind):
                after = _after(form, texts, task, bench.store, tokenizer)
                beginning, texts = after.beginning, after.texts
            pad = pad_id(tokenizer, model)
            table = collect(model, texts, pad_id=pad, beginning=beginning, progress=bench.progress)
        write_table(bench.folder / _TABLE, table)

    @classmethod
    def load(cls, store: Store, address: str) -> TokenStats:
        return stats_of(store, address)

    @classmethod
    def cost(cls, spec: StatsSpec, sizes: Sizes) -> float:
        return sizes.tokens[spec.role]

    @classmethod
    def model(cls, spec: StatsSpec) -> Mapping[str, Any]:
        return spec.base.keyed()


def _form(spec: StatsSpec, task: Task) -> Form:
    """The form that a task carries; StoreError where its key names another."""
    form = from_json(task.where["form"])
    if form.key_name != spec.view:
        raise StoreError(
            f"A scoring pass in the form {spec.view!r} carries the form {printable(form.name)}, and would be stored "
            "under the key of another. Have it made by `Catalogue.stats`, which sets both."
        )
    return form


def _in_form(
    form: Form, spec: StatsSpec, task: Task, store: Store, tokenizer: PreTrainedTokenizerBase
) -> list[Example]:
    """The texts of the role as the form has them, without what comes before them."""
    examples = examples_of(store, task.inputs["corpus"], spec.role)
    if isinstance(form, Masked):
        return replaced(examples, store, task.inputs["neighbours"])
    # A form is one of what a text says, not of the marks that it brings.
    own = [one.example for one in settled(examples, tokenizer)]
    if not isinstance(form, Rewritten):
        return own
    return [replace(example, completion=form.changed(example.completion)) for example in own]


def _after(
    form: Behind, texts: list[Encoded], task: Task, store: Store, tokenizer: PreTrainedTokenizerBase
) -> AfterBeginning:
    """The texts after a beginning, of texts of the role `context` or of those that the cell was trained on."""
    corpus, asked = task.inputs["corpus"], {"tokens": form.tokens, "place": form.which - 1}
    if form.whose == "context":
        return encode_behind(examples_of(store, corpus, "context"), texts, tokenizer, **asked)
    members = texts_of_cell(store, task.inputs["cell"], corpus=corpus)
    after = encode_behind(members, texts, tokenizer, **asked)
    return replace(after, texts=_without_groups_of(members[: after.used], members, after.texts))


def _without_groups_of(known: list[Example], members: list[Example], texts: list[Encoded]) -> list[Encoded]:
    """The texts, of which those that are among the `known` ones in the beginning, or share a group with one, keep no
    scored token: behind texts of their own group they would be told by what they have in common.
    """
    groups = {example.group for example in known}
    ids = {example.id for example in members if example.group in groups}
    return [replace(text, end=text.first) if text.id in ids else text for text in texts]


def stats_of(store: Store, address: str) -> TokenStats:
    """The per-token table of a finished scoring pass."""
    return read_table(store.open(address) / _TABLE)
