"""Run a study: wave after wave, do what is missing, go on past what fails."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from vestige.study.executors.base import Executor, Failure, Watcher
from vestige.study.executors.inline import Inline
from vestige.study.failures import Redactor
from vestige.study.inputs_record import record_inputs
from vestige.study.plan import Plan
from vestige.study.record import record_run


def run(
    plan: Plan, *, watcher: Watcher, say: Callable[[str], None] = lambda _: None, search_only: bool = False
) -> Sequence[Failure]:
    """Do everything of the study that its store does not hold yet; with `search_only` the learning-rate searches alone.

    What failed is returned, and the others go on; the same call, made again, tries only what is missing. The waves come
    one after the other, each named when the one before is done. One run at a time works in a store; the others wait,
    and `say` is told.
    """
    executor: Executor = Inline(plan.store, watcher, say, Redactor(plan.inputs.examples))
    with plan.store.locked(say=say), threads(plan.study.run.threads):
        record_run(plan)
        record_inputs(plan.store, plan.study, plan.identities)
        for wave in plan.left(search_only=search_only):
            executor.run(wave.tasks)
    return tuple(executor.failures)


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let PyTorch use so many threads inside, its own choice for None, and as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
