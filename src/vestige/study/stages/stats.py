"""A scoring pass: what a model says of every token of the texts of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from vestige.data.encode import Behind, Encoded, encode, encode_behind
from vestige.data.marks import settled
from vestige.records import Example, Role, TokenStats
from vestige.stats.table import read_table, write_table
from vestige.stats.views import beginning_of, is_behind_members, place_of, rewrite
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
    """A checkpoint, or the base, on the texts of a role in the form `view`."""

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

        with checkpoint(spec, task, bench.store) as (model, tokenizer):
            texts = encode(_in_form(spec, task, bench.store, tokenizer), tokenizer, max_length=spec.max_length)
            beginning = None
            if beginning_of(spec.view):
                behind = _behind(spec, texts, task, bench.store, tokenizer)
                beginning, texts = behind.beginning, behind.texts
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


def _in_form(spec: StatsSpec, task: Task, store: Store, tokenizer: PreTrainedTokenizerBase) -> list[Example]:
    examples = examples_of(store, task.inputs["corpus"], spec.role)
    if "neighbours" in task.inputs:
        return replaced(examples, store, task.inputs["neighbours"])
    # A form is one of what a text says, not of the marks that it brings.
    return rewrite([one.example for one in settled(examples, tokenizer)], form=spec.view)


def _behind(
    spec: StatsSpec, texts: list[Encoded], task: Task, store: Store, tokenizer: PreTrainedTokenizerBase
) -> Behind:
    """The texts behind a beginning, of texts of the role `context` or of those that the cell was trained on."""
    tokens, place, corpus = beginning_of(spec.view), place_of(spec.view), task.inputs["corpus"]
    if not is_behind_members(spec.view):
        return encode_behind(examples_of(store, corpus, "context"), texts, tokenizer, tokens=tokens, place=place)
    ahead = texts_of_cell(store, task.inputs["cell"], corpus=corpus)
    behind = encode_behind(ahead, texts, tokenizer, tokens=tokens, place=place)
    return replace(behind, texts=_without_groups_of(ahead[: behind.used], ahead, behind.texts))


def _without_groups_of(known: list[Example], members: list[Example], texts: list[Encoded]) -> list[Encoded]:
    """The texts, with no scored token left of those that stand before themselves, or share a group with one that does:
    they would be told by what they have in common.
    """
    groups = {example.group for example in known}
    ids = {example.id for example in members if example.group in groups}
    return [replace(text, end=text.first) if text.id in ids else text for text in texts]


def stats_of(store: Store, address: str) -> TokenStats:
    """The per-token table of a finished scoring pass."""
    return read_table(store.open(address) / _TABLE)
