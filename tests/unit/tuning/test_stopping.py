"""Ctrl-C in a training: it keeps the step that it has reached, and goes on from there as if it had not been asked."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vestige.errors import Stopped
from vestige.testing.methods import attached, tiny_job
from vestige.testing.models import tiny_model
from vestige.tuning import keeping
from vestige.tuning.checkpoint import WEIGHTS
from vestige.tuning.methods.lora import Lora
from vestige.tuning.state import STATE
from vestige.tuning.train import CHECKPOINTS, train

ALWAYS = 10**9


Losses = list[float]


def run(
    folder: Path, *, at: int = ALWAYS, do: Callable[[], None] = lambda: None, said: list[str] | None = None
) -> tuple[int, Losses]:
    """Steps done, and the losses; `do` is done within step `at`. 8 steps, checkpoints at 2, 4 and 8; dropout."""
    steps = [0]

    def progress(_: int) -> None:
        steps[0] += 1
        if steps[0] == at:
            do()

    model = attached(Lora(dropout=0.3, r=1), tiny_model("gpt2").requires_grad_(False))
    say = print if said is None else said.append
    losses = train(model, tiny_job(folder, learning_rate=1e-2), progress=progress, say=say)
    return steps[0], losses


def checkpoints(folder: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in (folder / CHECKPOINTS).rglob(WEIGHTS)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[float], dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(folder)[1], checkpoints(folder)


def ask(*numbers: int) -> Callable[[], None]:
    def send() -> None:
        for number in numbers:
            os.kill(os.getpid(), number)

    return send


@pytest.mark.parametrize(("at", "number"), [(1, signal.SIGHUP), (3, signal.SIGINT), (7, signal.SIGTERM)])
def test_a_signal_keeps_the_step_at_hand(
    tmp_path: Path, undisturbed: tuple[list[float], dict[str, bytes]], at: int, number: int
) -> None:
    said: list[str] = []
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(Stopped, match=f"step {at} of 8") as caught:
        run(tmp_path, at=at, do=ask(number), said=said)
    assert caught.value.exit_status == 128 + number
    assert [f"step {at} of 8" in one and "stopping" in one for one in said] == [True]
    assert [path.name for path in (tmp_path / STATE).iterdir()] == [str(at)]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    steps, losses = run(tmp_path)
    assert steps == 8 - at, "a step was done twice"
    assert (losses, checkpoints(tmp_path)) == undisturbed


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(tmp_path, at=3, do=ask(signal.SIGINT, signal.SIGINT))
    assert [path.name for path in (tmp_path / STATE).iterdir()] == ["2"]


@pytest.mark.parametrize("at", [1, 3])
def test_a_keyboard_interrupt_within_a_step_loses_that_step_alone(
    tmp_path: Path, undisturbed: tuple[list[float], dict[str, bytes]], at: int
) -> None:
    """As a watcher raises it, or another thread."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, at=at, do=interrupt)
    steps, losses = run(tmp_path)
    assert steps == 9 - at
    assert (losses, checkpoints(tmp_path)) == undisturbed


def test_a_training_in_another_thread_leaves_signals_alone(tmp_path: Path) -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: run(tmp_path, at=1, do=lambda: found.append(signal.getsignal(2))))
    before = signal.getsignal(signal.SIGINT)
    thread.start()
    thread.join()
    assert found == [before]
    assert len(checkpoints(tmp_path)) == 3


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """`nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(tmp_path, at=1, do=ask(signal.SIGHUP))[0] == 8
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("at", "state"), [(2, "1"), (4, "2")])
def test_a_long_training_saves_between_checkpoints_and_not_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, state: str
) -> None:
    """At once, for it is due; then not before saving, which takes 1000 s by this clock, is a fiftieth of the time."""
    monkeypatch.setattr(keeping, "_SAVE_EVERY", 0.0)
    clock = iter(range(0, ALWAYS, 1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    seen: list[list[str]] = []
    run(tmp_path, at=at, do=lambda: seen.append([path.name for path in (tmp_path / STATE).iterdir()]))
    assert seen == [[state]]
