"""One run at a time: the second waits and says so, and a killed one holds nothing up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vestige.errors import StoreError
from vestige.store.layout import Store

_HOLDER = """
import sys, time
from pathlib import Path
from vestige.store.layout import Store
with Store(Path(sys.argv[1])).locked(say=print):
    print("held", flush=True)
    sys.stdin.read()
"""
_WAITER = """
import signal, sys
from pathlib import Path
from vestige.store.layout import Store
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with Store(Path(sys.argv[1])).locked(say=lambda message: print(message, flush=True)):
        print("held", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def started(code: str, store: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code, store], stdin=pipe, stdout=pipe, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    process = started(_HOLDER, tmp_path)
    assert line(process) == "held"
    return process


@pytest.mark.parametrize("how", ["ends", "killed"])
def test_the_second_waits_says_who_holds_it_and_goes_on(
    tmp_path: Path, holder: subprocess.Popen[str], how: str
) -> None:
    waiter = started(_WAITER, tmp_path)
    said = line(waiter)
    assert f"waiting: another run is at work in {tmp_path} (process {holder.pid} on " in said
    assert "since 2" in said
    holder.kill() if how == "killed" else holder.communicate()
    assert waiter.communicate()[0] == "held\n"
    holder.communicate()
    assert (tmp_path / ".lock").read_text() == ""


def test_waiting_can_be_stopped(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    waiter = started(_WAITER, tmp_path)
    assert "waiting" in line(waiter)
    waiter.send_signal(signal.SIGINT)
    assert line(waiter) == "stopped"
    waiter.communicate()
    holder.communicate()


def test_two_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    waiting, order = threading.Event(), []

    def second() -> None:
        with Store(tmp_path).locked(say=lambda _: waiting.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with Store(tmp_path).locked(say=print):
        thread.start()
        assert waiting.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_who_holds_it_may_ask_again(tmp_path: Path) -> None:
    """By whatever path: a watcher may run a study in the store of the run that it watches."""
    (tmp_path / "other").symlink_to(tmp_path / "runs")
    said: list[str] = []
    with Store(tmp_path / "runs").locked(say=said.append):
        with Store(tmp_path / "other").locked(say=said.append):
            pass
        assert str(os.getpid()) in (tmp_path / "runs" / ".lock").read_text()
    assert said == []


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    said: list[str] = []
    with Store(tmp_path).locked(say=said.append):
        pass
    assert len(said) == 1
    assert "cannot be locked (Operation not supported)" in said[0]


def test_a_lock_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("kept")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".lock").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match=r"\.lock"), Store(tmp_path / "runs").locked(say=print):
        pass
    assert (tmp_path / "outside").read_text() == "kept"
