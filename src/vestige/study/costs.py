"""What tasks cost, by rule, in scored tokens: until a stage of the kind has been timed in the store."""

from __future__ import annotations

from typing import final

from vestige.store.keys import Task
from vestige.study.identity import Identities
from vestige.study.stages.base import Kind, Sizes
from vestige.study.stages.registry import model_stage_named, stage_named


@final
class Costs:
    """The costs of the tasks of a study, from the lengths of its texts."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._corpora = {one.task.address: name for name, one in identities.corpora.items()}

    def of(self, task: Task) -> float:
        """Scored tokens that a task amounts to, at most where it generates; 0 for what needs no model."""
        stage = stage_named(task.stage)
        return stage.cost(stage.read(task.spec), self._sizes(task)) if stage.runs_model else 0.0

    def _sizes(self, task: Task) -> Sizes:
        """How long texts are to the base of a task; a masked model is counted as if it were the first base. None
        for what reads no corpus.
        """
        if "corpus" not in task.inputs:
            return Sizes({})
        base = task.where.get("model", next(iter(self._identities.bases)))
        pair = base, self._corpora[task.inputs["corpus"]]
        tokens = {role: lengths.tokens for role, lengths in self._identities.lengths[pair].items()}
        prompts = self._identities.prompts.get(pair)
        return Sizes(tokens, prompts.texts, prompts.tokens) if prompts else Sizes(tokens)


def kind_of(task: Task) -> Kind:
    """What pace a task of a stage that runs a model has."""
    stage = model_stage_named(task.stage)
    return stage.kind(stage.read(task.spec))


def token_cost(task: Task) -> float:
    """Scored tokens that one token of such a task amounts to."""
    stage = model_stage_named(task.stage)
    return stage.token_cost(stage.read(task.spec))
