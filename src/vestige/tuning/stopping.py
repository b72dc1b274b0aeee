"""Ctrl-C and its like in a training: it ends after the step at hand, when its state can be kept; a second one ends it
at once.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, final

from vestige.errors import Stopped

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@final
class Stop:
    """Whether the training is to end. `number` is the signal that asked for it, 0 where none did.

    While `has_steps` is false there is nothing to keep, and a signal ends the training at once.
    """

    def __init__(self, say: Callable[[], None]) -> None:
        self.number = 0
        self.has_steps = False
        self._say = say

    def ask(self, number: int, _: Any) -> None:
        """The handler of the signals."""
        if self.number or not self.has_steps:
            raise Stopped(number=number)
        self.number = number
        with contextlib.suppress(OSError, RuntimeError):  # a terminal that is gone, or that is being written to
            self._say()


@contextlib.contextmanager
def stopping(say: Callable[[], None]) -> Iterator[Stop]:
    """Catch the signals that ask a process to end; `say` is called on the first.

    Only the main thread gets signals, and only it can catch them; one that is ignored (`nohup`) stays so.
    """
    stop = Stop(say)
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {one: handler for one in _SIGNALS if (handler := signal.getsignal(one)) not in (signal.SIG_IGN, None)}
    try:
        for one in before:
            signal.signal(one, stop.ask)
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
