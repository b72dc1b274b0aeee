"""When a training saves what it goes on from, and what it does when it is asked to end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, final

import torch
from transformers import TrainerCallback

from vestige.tuning.checkpoint import rng_states, set_rng
from vestige.tuning.stopping import Stop

_SAVE_EVERY: Final = 300.0
"""Seconds after which a training saves its state though no checkpoint is due: what a kill can cost."""


@final
class Keeping(TrainerCallback):
    """Asks the Trainer to save: at given steps, every few minutes, and when the training is to end, which it then
    does.
    """

    def __init__(self, steps: Sequence[int]) -> None:
        self.stop = Stop(lambda: None)
        self._steps = frozenset(steps)
        self._generators: dict[str, torch.Tensor] | None = None
        self._saved, self._seconds = time.monotonic(), 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.stop.has_steps = True

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._generators = rng_states()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._generators = None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        self._generators = rng_states()
        if self.stop.number:
            control.should_training_stop = True
        control.should_save = state.global_step in self._steps or bool(self.stop.number) or self._is_due()
        return control

    def between_steps(self) -> bool:
        """Set the generators back to before the step at hand; False where its weights may have moved already."""
        if self._generators is None:
            return False
        set_rng(self._generators)
        return True

    def _is_due(self) -> bool:
        """Saving takes a fiftieth of the time at most."""
        return time.monotonic() - self._saved > max(_SAVE_EVERY, 50 * self._seconds)

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """`with` this a state is saved: when that was, and how long it took, decide when the next is due."""
        began = time.monotonic()
        yield
        self._saved = time.monotonic()
        self._seconds = self._saved - began
